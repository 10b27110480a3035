"""What the replay engine shows: `python -m tests.benchmarks.replay [throughput limits size ...]`.

Every figure comes from the server's side or from the journal. Without arguments, all points run
(about fifteen minutes); each prints one JSON line per run. `... replay report LINES...` makes
`results.md` of files of such lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.ask.cluster.actors import local_cluster
from harness.ask.cluster.workers import InlineCluster
from tests.benchmarks.replay.faults import capped, storm
from tests.benchmarks.replay.kills import kill_loop
from tests.benchmarks.replay.limits import within
from tests.benchmarks.replay.paces import paced
from tests.benchmarks.replay.profile import profiled
from tests.benchmarks.replay.report import write_report
from tests.benchmarks.replay.reviews import LARGE, RIGHTSIZE, killed_reviews
from tests.benchmarks.replay.size import journal_rate, long_run
from tests.support.load_server import load_server
from tests.support.reviews import Shape, write_review_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS, LATENCY_S, WIDTH = 6000, 0.2, 256
ROUNDS = 3
FEATURES, STARTS = 200, 5


def say(point: str, **facts: Any) -> None:
    print(json.dumps({"point": point, **facts}, default=str), flush=True)  # noqa: T201


def fresh() -> Path:
    return Path(tempfile.mkdtemp(prefix="replay-bench-"))


def script(module: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", f"tests.benchmarks.replay.{module}", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def bare(processes: int) -> dict[str, Any]:
    """The hand-written script, as 1..2 processes that share the work."""
    each, width = ITEMS // processes, WIDTH // processes
    with load_server(latency_s=LATENCY_S) as server:
        command = [sys.executable, "-m", "tests.benchmarks.replay.bare", server.base_url]
        running = [
            subprocess.Popen(
                [*command, str(n * each), str(each), str(width)], stdout=subprocess.PIPE, text=True
            )
            for n in range(processes)
        ]
        ended = [json.loads(process.communicate()[0]) for process in running]
        return seen(server.stats(), cpu_s=sum(end["cpu_s"] for end in ended))


def ours(workers: int) -> dict[str, Any]:
    with load_server(latency_s=LATENCY_S) as server:
        ended = script("ours", server.base_url, ITEMS, WIDTH, fresh(), workers)
        return {
            **seen(server.stats(), cpu_s=ended["cpu_s"]),
            "start_s": ended["start_s"],
            "driver_cpu_ms": ended["driver_cpu_s"] / ITEMS * 1000,
            "wire_ms": ended["wire_s"] * 1000,
        }


def seen(stats: dict[str, Any], *, cpu_s: float) -> dict[str, Any]:
    span_s = stats["last_s"] - stats["first_s"]
    assert stats["requests"] == ITEMS == len(stats["items"])
    return {
        "per_s": ITEMS / span_s,
        "ideal": ITEMS * LATENCY_S / WIDTH / span_s,
        "cpu_ms": cpu_s / ITEMS * 1000,
        "most_in_flight": stats["most_in_flight"],
    }


def throughput() -> None:
    """Point 1: alternating runs against the bare script."""
    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "bare, 1 process": lambda: bare(1),
        "ours, 1 worker": lambda: ours(1),
        "bare, 2 processes": lambda: bare(2),
        "ours, 2 workers": lambda: ours(2),
    }
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _, kind in product(range(ROUNDS), kinds):
        runs[kind].append(kinds[kind]())
        say("1", run=kind, **runs[kind][-1])
    rates = {kind: median(run["per_s"] for run in many) for kind, many in runs.items()}
    cpus = {kind: median(run["cpu_ms"] for run in many) for kind, many in runs.items()}
    best_bare, best = (
        max((r, k) for k, r in rates.items() if k[:4] == w) for w in ("bare", "ours")
    )
    say(
        "1 of the best script",
        speed=best[0] / best_bare[0],
        cpu=cpus[best[1]] / cpus[best_bare[1]],
        ideal=best[0] * LATENCY_S / WIDTH,
        ours=best[1],
        bare=best_bare[1],
    )


def profile() -> None:
    """Point 1: in whose code a worker's CPU goes."""
    with load_server(latency_s=LATENCY_S) as server:
        say("1 profile", **profiled(server.base_url, total=ITEMS, width=WIDTH))


def limits() -> None:
    """Point 2: 75 s against each style of headers."""
    for granted in (
        {"style": "openai", "requests_per_minute": 6000},
        {"style": "anthropic", "tokens_per_minute": 150_000},
        {"style": "anthropic", "tokens_per_minute": 300_000, "output_tokens_per_minute": 30_000},
    ):
        with local_cluster(state=fresh(), cpus=2) as cluster:
            seen = within(cluster, fresh(), seconds=75, share=0.5, **granted)
            say("2", granted={k: v for k, v in granted.items() if k != "style"}, **seen)


def size() -> None:
    """Point 3: 200,000 trials, and the journal alone."""
    folder = fresh()
    with local_cluster(state=folder, cpus=2) as cluster:
        say("3", **long_run(cluster, folder, total=200_000))
    for batch in (64, 256, 1000):
        say("3 journal", batch=batch, per_s=journal_rate(fresh(), total=50_000, batch=batch))


def faults() -> None:
    """Point 4: 5 % of each fault; 100 random runs under a cap."""
    folder = fresh()
    with local_cluster(state=folder, cpus=2) as cluster:
        say("4", **storm(cluster, folder, total=3000))
    worst, truncated = None, 0
    with InlineCluster() as cluster, load_server() as server:
        for seed in range(100):
            billed, ledger = capped(cluster, fresh(), server.base_url, Random(seed))
            over = billed - ledger.cap_usd
            worst = over if worst is None else max(worst, over)
            truncated += ledger.left_usd < 0
    say("4 cap", runs=100, most_over_cap_usd=worst, over=truncated)


def kills() -> None:
    """Point 5: 20 kills of a driver on Ray."""
    say("5", **kill_loop(fresh(), total=8000, kills=20, kind="ray", seed=5))


def reviews() -> None:
    """Point 5: 20 kills of `rightsize review` itself, against an undisturbed one."""
    seen = killed_reviews(fresh(), shape=LARGE, kills=20, kind="ray", seed=5, most=100, most_s=1.2)
    say("5 review", **seen)


def startup() -> None:
    """Point 6: the command's help, and a check of 200 features, beside a bare interpreter."""
    shape = Shape(cases=300, features=tuple(f"feature-{n:03}" for n in range(FEATURES)))
    root = write_review_workspace(fresh(), 9, shape)
    kinds: dict[str, list[str]] = {
        "python": [sys.executable, "-c", "pass"],
        "help": [str(RIGHTSIZE), "--help"],
        "check": [str(RIGHTSIZE), "check", "-w", str(root)],
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _, kind in product(range(STARTS), kinds):
        began = time.monotonic()
        subprocess.run(kinds[kind], check=True, capture_output=True)
        times[kind].append(time.monotonic() - began)
    seen = {f"{kind}_s": median(taken) for kind, taken in times.items()}
    say("6", features=FEATURES, cases=FEATURES * shape.cases, **seen)


def paces() -> None:
    """Point 7: a slow lane and a fast one, in lockstep and each at its own pace."""
    say("7", **paced(fresh()))


POINTS = {
    "throughput": throughput,
    "profile": profile,
    "limits": limits,
    "size": size,
    "faults": faults,
    "kills": kills,
    "reviews": reviews,
    "startup": startup,
    "paces": paces,
}

if __name__ == "__main__" and sys.argv[1:2] == ["report"]:
    write_report(map(Path, sys.argv[2:]))
elif __name__ == "__main__":
    for wanted in sys.argv[1:] or POINTS:
        POINTS[wanted]()
