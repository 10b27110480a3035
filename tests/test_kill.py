"""A review is killed in the middle, told to stop, and run again: counted at the server."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.errors import ExitCode
from harness.record.base import Verdict
from harness.record.stored import read_records
from tests.support.reviews import CYCLE, Shape, run_review, write_review_workspace
from tests.support.wire.server import read_counts

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]
IN_FLIGHT = 8
CASES = 150
ALL = 2 * CASES
FIRST = 60
"""Requests that are answered before the kill; those in flight then are paid twice, and no other."""
LONGEST_S = 300
"""Within so long, whatever is waited for comes on any machine."""


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    return tmp_path / "counts.jsonl"


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """How many requests are answered: further ones wait, so that a signal falls meanwhile."""
    return tmp_path / "allowed"


@pytest.fixture
def port(counts: Path, allowed: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.support.wire.openai_server", "--allowed", str(allowed)]
    command += ["--script", "tests.support.reviews:answers", "--counts", str(counts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["port"]
        server.kill()


def review_command(root: Path) -> list[str]:
    code = "from harness.cli.main import main; main()"
    arguments = ["review", "--workspace", str(root), "--cycle", CYCLE, "--yes"]
    return [sys.executable, "-c", code, *arguments]


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < until, f"not within {LONGEST_S} s: {what}"
        time.sleep(0.1)


def settled(root: Path) -> int:
    """Outcomes that are in the journal for good."""
    path = root / ".rightsize" / "journal.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as journal:
        return journal.execute("SELECT count(*) FROM outcomes").fetchone()[0]


def kill(review: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Kill it, and wait for the end of every process of its; which they were."""
    ours = psutil.Process(review.pid).children(recursive=True)
    review.kill()
    wait_for("every process of ours ended", lambda: not psutil.wait_procs(ours, 0)[1])
    return ours


def paid_twice(counts: Path) -> int:
    asked = read_counts(counts)
    return sum(asked.values()) - len(asked)


@pytest.mark.parametrize("ray", ["always", "auto"])
def test_killed_told_to_stop_and_run_again(
    tmp_path: Path, port: int, counts: Path, allowed: Path, ray: str
) -> None:
    allowed.write_text(str(FIRST))
    root = limited_workspace(tmp_path / "workspace", port, ray)
    with subprocess.Popen(review_command(root), stdout=subprocess.DEVNULL) as first:
        wait_for("more asked", lambda: sum(read_counts(counts).values()) > FIRST)
        wait_for("those answered in the journal", lambda: settled(root) == FIRST)
        ours = kill(first)
    assert bool(ours) == (ray == "always"), "Ray's processes are children of the review"
    at_kill = sum(read_counts(counts).values())
    allowed.write_text(str(at_kill + 40))

    with subprocess.Popen(review_command(root), stdout=subprocess.DEVNULL) as second:
        wait_for("40 more", lambda: sum(read_counts(counts).values()) > at_kill + 40)
        second.send_signal(signal.SIGTERM)
        allowed.write_text("inf")
        assert second.wait(LONGEST_S) == ExitCode.INTERRUPTED
    assert sum(read_counts(counts).values()) < ALL

    # Whoever goes on needs no Ray of its own: one start less of it.
    with InlineCluster() as cluster:
        run_review(root, cluster, run_id="to the end", now=datetime.now(UTC))
    asked = read_counts(counts)
    assert len(asked) == ALL
    assert paid_twice(counts) == at_kill - FIRST <= 2 * IN_FLIGHT
    assert max(asked.values()) <= 2
    before = sum(asked.values())
    again = subprocess.run(review_command(root), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert sum(read_counts(counts).values()) == before
    (record,) = read_records(root / "reviews" / CYCLE)
    assert record.verdict is Verdict.DOWNGRADE
    assert not record.evidence.exploratory


def limited_workspace(root: Path, port: int, ray: str) -> Path:
    write_review_workspace(root, port, Shape(cases=CASES, candidates="good", ray=ray))
    models = root / "models" / "all.yaml"
    limited = models.read_text().replace("openai-compatible\n", "openai-compatible\n" + LIMIT)
    models.write_text(limited)
    return root


LIMIT = f"  max_concurrency: {IN_FLIGHT}\n"
