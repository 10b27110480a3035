"""The whole command beside a script: `python -m tests.benchmarks.whole [--requests 600 ...]`.

Runs `rightsize review`, again without anything to ask, `rightsize check`, raw aiohttp, the openai
SDK by hand and, where `RIGHTSIZE_TOOLS` has it (`tests.benchmarks.intake.real_tools` says how),
inspect_ai: each as a process of its own, in turns, against one local server in another. Prints a
JSON line a run, then the table. On a machine that others use, look at processor time alone, and at
ratios inside one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.benchmarks.replay.reviews import RIGHTSIZE
from tests.benchmarks.whole.job import CYCLE, MODELS, Job, found
from tests.support.load_server import load_server
from tests.support.ray_nodes import ray_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Run: TypeAlias = dict[str, Any]

HERE = Path(__file__).parent


def measured(command: Iterable[str], **environ: str) -> Run:
    """One command, by `tests.benchmarks.whole.measured`."""
    runner = [sys.executable, "-m", "tests.benchmarks.whole.measured", *command]
    # An installed command finds its modules compiled; the first run compiles them.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(
        runner, capture_output=True, text=True, check=True, env={**inherited, **environ}
    )
    run: Run = json.loads(ended.stdout)
    assert run["code"] == 0, run["said"]
    return run


def asking(job: Job, command: Callable[[str], list[str]], **environ: str) -> Run:
    """A command that asks everything of a new server; its moments are the server's."""
    with load_server(latency_s=job.latency_s) as server:
        run = measured(command(server.base_url), **environ)
        stats = server.stats()
    assert stats["requests"] == stats["answered"] == job.requests
    first, last = stats["first_answer_s"], stats["last_s"]
    return {
        **run,
        "first_answer_s": first - run["began_s"],
        "last_answer_s": last - run["began_s"],
        # A first answer has been on its way for one latency already.
        "answering_s": last - first + job.latency_s,
        "most_in_flight": stats["most_in_flight"],
    }


def compiled(ours: Path) -> None:
    """Let a command compile what it loads: an installed one finds that done, a checkout may not."""
    small = Job(requests=len(MODELS) * 200, width=64, latency_s=0.0)
    review(small, ours)


def review(job: Job, ours: Path = RIGHTSIZE, note: str = "") -> list[tuple[str, Run]]:
    """The command with everything to ask, and the same with nothing left to ask; a check."""
    root = Path(tempfile.mkdtemp(prefix="whole-"))
    command = [str(ours), "review", "-w", str(root), "--cycle", CYCLE, "--yes"]

    def written(url: str) -> list[str]:
        job.write(root, url)
        return command

    asked = asking(job, written)
    if ours == RIGHTSIZE:  # Another version's records may have other fields.
        asked["found"] = found(root)
    return [
        (f"`rightsize review`{note}", asked),
        (f"the same again, nothing to ask{note}", measured(command)),
        (f"`rightsize check`{note}", measured([str(ours), "check", "-w", str(root)])),
    ]


def joined(job: Job, workers: int) -> list[tuple[str, Run]]:
    """The command on a cluster that is there, so that no start of Ray's is in its figures."""
    root = Path(tempfile.mkdtemp(prefix="whole-"))
    command = [str(RIGHTSIZE), "review", "-w", str(root), "--cycle", CYCLE, "--yes"]

    def written(url: str) -> list[str]:
        job.write(root, url)
        return [*command, "--address", nodes["address"]]

    with ray_nodes(Path(tempfile.mkdtemp(prefix="nodes-")), {}, (workers, 0)) as nodes:
        run = asking(job, written, RAY_AUTH_TOKEN_PATH=nodes["token"])
    return [(f"`rightsize review --address`, workers: {workers}", run)]


def script(job: Job, *words: str) -> Run:
    sizes = [str(job.requests), str(job.width)]
    return asking(job, lambda url: [*words, url, *sizes])


def by_hand(job: Job) -> Run:
    sizes = ["0", str(job.requests), str(job.width)]
    bare = [sys.executable, "-m", "tests.benchmarks.replay.bare"]
    return asking(job, lambda url: [*bare, url, *sizes])


def kinds(
    job: Job, before: Path | None = None
) -> Mapping[str, Callable[[], list[tuple[str, Run]]]]:
    """What is run, in this order, in each round."""
    raw = [sys.executable, "-m", "tests.benchmarks.whole.raw"]
    tool = Path(os.environ.get("RIGHTSIZE_TOOLS", "/nowhere")) / "inspect/bin/python"
    some: dict[str, Callable[[], list[tuple[str, Run]]]] = {
        "raw": lambda: [("raw aiohttp", script(job, *raw))],
        "sdk": lambda: [("`openai` SDK on aiohttp, by hand", by_hand(job))],
        "review": lambda: review(job),
        "joined": lambda: [run for workers in (1, 2) for run in joined(job, workers)],
    }
    if before is not None:
        some["before"] = lambda: review(job, before, ", before")
    if tool.is_file():
        peer = [str(tool), str(HERE / "peer_inspect.py")]
        some["inspect"] = lambda: [("inspect_ai, lean", script(job, *peer))]
    return some


COLUMNS = (
    ("first line, s", "first_line_s", 1),
    ("first answer, s", "first_answer_s", 1),
    ("last answer, s", "last_answer_s", 1),
    ("last line, s", "last_line_s", 1),
    ("end, s", "end_s", 1),
    ("CPU, s", "cpu_s", 2),
    ("memory, MB", "memory_mb", 0),
)


def middle(runs: list[Run], key: str) -> float | None:
    found = [run[key] for run in runs if run.get(key) is not None]
    return median(found) if found else None


def shown(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def table(job: Job, runs: Mapping[str, list[Run]]) -> str:
    """The medians, a row per kind."""
    heads = ["run", *(head for head, _, _ in COLUMNS), "of the ideal", "CPU a request, ms"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for kind, many in runs.items():
        cells = [shown(middle(many, key), places) for _, key, places in COLUMNS]
        span, cpu = middle(many, "answering_s"), middle(many, "cpu_s") or 0.0
        ideal = "" if span is None else f"{job.ideal_s / span:.0%}"
        each = "" if span is None else f"{1000 * cpu / job.requests:.2f}"
        lines.append("| " + " | ".join([kind, *cells, ideal, each]) + " |")
    return "\n".join(lines)


def words_of(job: Job, runs: Mapping[str, list[Run]], rounds: int) -> str:
    """What the table is of."""
    digests = {run["found"] for many in runs.values() for run in many if "found" in run}
    decided = "/".join(sorted(digest[:12] for digest in digests)) or "-"
    load = os.getloadavg()[0]
    return (
        f"{job.requests:,} requests of {job.latency_s * 1000:.0f} ms, {job.width} in flight, three "
        f"models; job {job.sha256[:12]}, decided {decided}; "
        f"medians of {rounds} alternating rounds; ideal {job.ideal_s:.1f} s; {os.cpu_count()} "
        f"cores, load {load:.1f} at the end."
    )


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.whole")
    parser.add_argument("--requests", type=int, default=Job.requests)
    parser.add_argument("--width", type=int, default=Job.width)
    parser.add_argument("--latency", type=float, default=Job.latency_s)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="*", default=None, help="raw, sdk, review, joined, before, inspect"
    )
    parser.add_argument("--before", type=Path, help="the `rightsize` of an earlier environment")
    asked = parser.parse_args(words)
    job = Job(requests=asked.requests, width=asked.width, latency_s=asked.latency)
    for ours in filter(None, (RIGHTSIZE, asked.before)):
        compiled(ours)
    runs: dict[str, list[Run]] = {}
    for _ in range(asked.rounds):
        for name, run_kind in kinds(job, asked.before).items():
            if asked.only and name not in asked.only:
                continue
            for kind, run in run_kind():
                runs.setdefault(kind, []).append(run)
                print(json.dumps({"run": kind, **asdict(job), **run}), flush=True)  # noqa: T201
    print(f"\n{words_of(job, runs, asked.rounds)}\n\n{table(job, runs)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
