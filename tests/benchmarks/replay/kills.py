"""Point 5: a driver killed again and again pays twice only for what it had in flight."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from harness.ask.cluster.actors import local_cluster
from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.engine import replay
from harness.journal.journal import Journal
from harness.journal.trials import Answered, FaultKind
from tests.benchmarks.replay.ours import NOW, load_trials, parts
from tests.support.load_server import Running, load_server


def drive(base_url: str, total: int, folder: Path, kind: str) -> None:
    """The driver that is killed; says `done` at the end."""
    cluster = InlineCluster() if kind == "inline" else local_cluster(state=folder, cpus=2)
    with (
        cluster as pools,
        Journal.open(folder / "journal", run_id="r", cycle="c", now=NOW) as journal,
    ):
        for outcome in replay(
            load_trials(base_url, total), cluster=pools, journal=journal, **parts(64)
        ):
            assert isinstance(outcome, Answered)
        print("done", flush=True)  # noqa: T201


def start(
    server: Running, total: int, folder: Path, kind: str, most: float
) -> subprocess.Popen[str]:
    """Start a driver and wait until it has asked more than `most` times, or has ended.

    What it asks beyond that is not answered, so that it is killed while it waits.
    """
    seen = server.stats()["requests"]
    server.allow(seen + most)
    command = [sys.executable, "-m", "tests.benchmarks.replay.kills"]
    driver = subprocess.Popen(
        [*command, server.base_url, str(total), str(folder), kind],
        stdout=subprocess.PIPE,
        text=True,
    )
    while server.stats()["requests"] <= seen + most and driver.poll() is None:
        time.sleep(0.005)
    return driver


def answers(folder: Path, total: int) -> dict[str, str | None]:
    fingerprints = [t.fingerprint for t in load_trials("http://127.0.0.1", total)]
    with Journal.read(folder / "journal") as journal:
        return {name: end.text for name, end in journal.settled(fingerprints).items()}


def kill_loop(folder: Path, *, total: int, kills: int, kind: str, seed: int) -> dict[str, Any]:
    """Kill the driver `kills` times at random requests, then let it end; count at the server."""
    rng = Random(seed)
    with load_server(latency_s=0.01, shuffle_s=0.04, seed=seed) as server:
        killed = 0
        while killed < kills:
            driver = start(server, total, folder, kind, rng.randrange(total // (kills + 1)))
            assert driver.poll() is None, "it ended before it was killed"
            driver.kill()
            driver.communicate()
            killed += 1
        driver = start(server, total, folder, kind, float("inf"))
        assert driver.communicate()[0].endswith("done\n")
        stats = server.stats()
        settled = answers(folder, total)
    with Journal.read(folder / "journal") as journal:
        fingerprints = [t.fingerprint for t in load_trials(server.base_url, total)]
        attempts = [a for many in journal.attempts(fingerprints).values() for a in many]
    return {
        "trials": total,
        "kills": killed,
        "requests": stats["requests"],
        "paid_twice": sum(n - 1 for n in stats["items"].values()),
        "sent_and_not_committed": sum(a.error == FaultKind.INTERRUPTED for a in attempts),
        "settled": len(settled),
        "right": sum(settled.get(f"{n:064x}") == f"yes item-{n}" for n in range(total)),
    }


if __name__ == "__main__":
    url, items, state, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    drive(url, items, state, where)
