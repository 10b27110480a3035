"""A review that is told to stop at random moments, and run again until it ends: who pays twice?

`python -m tests.benchmarks.replay.signals MOMENTS SEED inline|ray` tells one review to stop so many
times, by SIGTERM, SIGHUP and Ctrl-C in turn, and prints a row of `signals.md`. Every fifth moment
lies in the start, before the first request; the others come after a random number of requests.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import cast

from harness.ask.cluster.workers import InlineCluster
from harness.cli.main import drain_when_told
from harness.errors import ExitCode, InterruptedRunError
from harness.journal import upkeep
from tests.benchmarks.replay.reviews import RIGHTSIZE, Kind, Shuffled
from tests.support.reviews import CYCLE, Shape, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

STOPS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
SHAPE = Shape(cases=700, kind="ladder", candidates="good", features=("tickets", "mails"))
SLOWEST_S = 0.4
ENDS_S = 120.0


@dataclass(slots=True)
class Stopped:
    """What came of it."""

    codes: Counter[int] = field(default_factory=Counter)
    too_early: int = 0
    """Ended by the signal itself: the command had not begun."""
    told_s: list[float] = field(default_factory=list)
    """From the signal to the end."""
    requests: int = 0
    twice: int = 0
    interrupted: int = 0
    """Sent, and not known how they ended."""


def drive(root: Path) -> int:
    """The review as the command runs it, on an inline cluster."""
    drain_when_told()
    try:
        with InlineCluster() as cluster:
            run_review(root, cluster, run_id=f"run-{time.monotonic_ns()}")
    except InterruptedRunError as error:
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def command(root: Path, kind: Kind) -> list[str]:
    if kind == "inline":
        return [sys.executable, "-m", "tests.benchmarks.replay.signals", "drive", str(root)]
    return [str(RIGHTSIZE), "review", "-w", str(root), "--cycle", CYCLE, "--yes"]


def stopped(root: Path, kind: Kind, *, moments: int, seed: int) -> Stopped:
    """Stop a review so many times, then let it end."""
    rng, found = Random(seed), Stopped()
    with OpenAIServer(Shuffled(seed, SLOWEST_S)) as server:
        write_review_workspace(root, server.port, SHAPE)
        for number in range(moments):
            before = len(server.log.calls)
            driver = subprocess.Popen(command(root, kind), stdout=subprocess.DEVNULL)
            if number % 5 == 4:
                time.sleep(rng.uniform(0.0, 4.0))
            else:
                wanted = before + rng.randint(1, 40)
                while len(server.log.calls) < wanted and driver.poll() is None:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0.0, 0.3))
            told = STOPS[number % len(STOPS)]
            driver.send_signal(told)
            began = time.monotonic()
            code = driver.wait(ENDS_S)
            found.told_s.append(time.monotonic() - began)
            if code == -told and len(server.log.calls) == before:
                found.too_early += 1
            else:
                found.codes[code] += 1
        last = subprocess.run(command(root, kind), stdout=subprocess.DEVNULL, check=False)
        assert last.returncode == 0, "the last run ends"
        counts = dict(server.log.by_hash)
    facts = upkeep.show(root / ".rightsize" / "journal.sqlite")
    found.requests = sum(counts.values())
    found.twice = found.requests - len(counts)
    found.interrupted = sum(run.interrupted for run in facts.runs)
    return found


def row(kind: Kind, moments: int, seed: int, found: Stopped) -> str:
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(found.codes.items()))
    return (
        f"| {kind} | {moments} | {seed} | {codes} | {found.too_early} | {found.requests} | "
        f"{found.twice} | {found.interrupted} | {max(found.told_s, default=0.0):.1f} |"
    )


if __name__ == "__main__":
    if sys.argv[1] == "drive":
        sys.exit(drive(Path(sys.argv[2])))
    how = cast("Kind", sys.argv[3])
    with TemporaryDirectory() as folder:
        told = stopped(Path(folder) / "w", how, moments=int(sys.argv[1]), seed=int(sys.argv[2]))
        print(row(how, int(sys.argv[1]), int(sys.argv[2]), told))  # noqa: T201
