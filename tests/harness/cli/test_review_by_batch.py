"""`rightsize review` as its own process: killed, or stopped by Ctrl-C, while batches run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.batch_reviews import CASES, KEY, batch_servers, write_batch_workspace
from tests.support.reviews import CYCLE, NOW

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [
    pytest.mark.ray,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
LONGEST_S = 180.0


def start(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness.cli", "review", "-w", str(root), "--cycle", CYCLE]
    return subprocess.Popen(
        [*command, "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "BATCH_KEY": KEY},
    )


def wait_for_polls(servers: Mapping[str, Any], process: subprocess.Popen[str]) -> None:
    """Until every batch was submitted and polled: its id is in the journal by then."""
    until = time.monotonic() + LONGEST_S
    while sum(bool(count) for s in servers.values() for count in s.jobs.polls.values()) < 2:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_the_next_run_reads_the_batches_and_submits_none(
    tmp_path: Path, how: signal.Signals
) -> None:
    with batch_servers() as servers:
        for server in servers.values():
            server.jobs.held = True
        write_batch_workspace(tmp_path, servers, candidates=("gemini",))
        if how is signal.SIGKILL:
            policy = tmp_path / "policy.yaml"
            policy.write_text(policy.read_text("utf-8") + "ray: always\n", encoding="utf-8")
        first = start(tmp_path)
        wait_for_polls(servers, first)
        first.send_signal(how)
        said, _ = first.communicate(timeout=LONGEST_S)
        if how is signal.SIGINT:
            assert first.returncode == ExitCode.INTERRUPTED, said
            assert "2 batches go on at the vendors" in said
        for server in servers.values():
            server.jobs.held = False
        second = start(tmp_path)
        said, _ = second.communicate(timeout=LONGEST_S)
        submitted = [len(items) for s in servers.values() for items in s.jobs.items.values()]
        live = [c.path for s in servers.values() for c in s.calls if "atch" not in c.path]
    assert second.returncode == ExitCode.OK, said
    assert submitted == [CASES, CASES]
    assert live == []
    assert said.count("is under way since") == 2
    assert "DOWNGRADE 1   JUSTIFY 0   UNDECIDED 0" in said
    assert KEY not in said


def test_a_quick_look_waits_for_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers, candidates=("gemini",))
        arguments = ["plan", "-w", str(tmp_path), "--cycle", CYCLE]
        assert run(arguments) == ExitCode.OK
        told = capsys.readouterr().out
        assert "In batches, at the batch price: gemini, opus." in told
        assert "No live calls" in told
        load = load_workspace(tmp_path)
        wanted = Selection(quick=True)
        plan = plan_review(load.all_live(), cycle=CYCLE, on=NOW.date(), wanted=wanted)
        slow = plan_review(load, cycle=CYCLE, on=NOW.date(), wanted=wanted)
        code = run(["review", "-w", str(tmp_path), "--cycle", CYCLE, "--yes", "--quick"])
        assert code == ExitCode.OK
        assert [s.jobs.items for s in servers.values()] == [{}, {}, {}]
    # Input and output at one price: half of it in a batch; the bound is the live one.
    assert slow.expected_usd * 2 == plan.expected_usd
    assert slow.worst_usd == plan.worst_usd
    assert "In batches" not in capsys.readouterr().out
