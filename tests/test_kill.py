"""A review is killed in the middle, told to stop, and run again: counted at the server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    return tmp_path / "counts.jsonl"


@pytest.fixture
def port(counts: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.support.wire.openai_server", "--delay", "0.05"]
    command += ["--script", "tests.support.reviews:answers", "--counts", str(counts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["port"]
        server.kill()


def review_command(root: Path) -> list[str]:
    code = "from harness.cli.main import main; main()"
    arguments = ["review", "--workspace", str(root), "--cycle", CYCLE, "--yes"]
    return [sys.executable, "-c", code, *arguments]


def wait_for(what: str, seconds: float, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def paid_twice(counts: Path) -> int:
    asked = read_counts(counts)
    return sum(asked.values()) - len(asked)


@pytest.mark.parametrize("ray", ["always", "auto"])
def test_killed_told_to_stop_and_run_again(
    tmp_path: Path, port: int, counts: Path, ray: str
) -> None:
    root = limited_workspace(tmp_path / "workspace", port, ray)
    with subprocess.Popen(review_command(root), stdout=subprocess.DEVNULL) as first:
        wait_for("60 requests", 90, lambda: sum(read_counts(counts).values()) >= 60)
        ours = psutil.Process(first.pid).children(recursive=True)
        first.kill()
    assert bool(ours) == (ray == "always"), "Ray's processes are children of the review"
    wait_for("every process of ours ended", 10, lambda: not psutil.wait_procs(ours, 0)[1])
    at_kill = sum(read_counts(counts).values())
    assert at_kill < 2 * CASES

    with subprocess.Popen(review_command(root), stdout=subprocess.DEVNULL) as second:
        wait_for("40 more", 90, lambda: sum(read_counts(counts).values()) >= at_kill + 40)
        second.send_signal(signal.SIGTERM)
        assert second.wait(60) == ExitCode.INTERRUPTED
    by_the_kill = paid_twice(counts)

    # Whoever goes on needs no Ray of its own: one start less of it.
    with InlineCluster() as cluster:
        run_review(root, cluster, run_id="to the end", now=datetime.now(UTC))
    asked = read_counts(counts)
    assert len(asked) == 2 * CASES
    assert paid_twice(counts) == by_the_kill <= 2 * IN_FLIGHT
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
