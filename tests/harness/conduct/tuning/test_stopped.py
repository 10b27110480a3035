"""`rightsize tune`, stopped as a process at the k-th request that the server receives."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from threading import Event
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.cli.main import run
from harness.errors import ExitCode
from harness.journal.upkeep import check
from tests.support.tuning import picky, run_tuning, tune_task, write_tune_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body, Reply

LONGEST_S = 300


class Stopping:
    """Answers like `picky`, and sends a process a signal before it answers a chosen request."""

    def __init__(self) -> None:
        self._known = Event()
        self._asked = self._pid = self._at = 0
        self._sent = signal.SIGKILL

    def run_until(self, command: list[str], at: int, sent: signal.Signals) -> tuple[int, str]:
        """Run a command and stop it at its `at`-th request; its exit code, and what it said."""
        self._known.clear()
        self._asked, self._at, self._sent = 0, at, sent
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            self._pid = child.pid
            self._known.set()
            said, _ = child.communicate(timeout=LONGEST_S)
        self._at = 0
        return child.returncode, said

    def __call__(self, body: Body) -> Reply:
        self._asked += 1
        if self._asked == self._at:
            assert self._known.wait(LONGEST_S)
            os.kill(self._pid, self._sent)
        return picky(body)


def attempts(root: Path) -> tuple[int, int, Decimal]:
    """How many attempts the journal has, how many have no known cost, and USD of all at most.

    An attempt without a known cost counts with what was reserved for it.
    """
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        rows = journal.execute("SELECT cost_usd, reserve_usd FROM attempts").fetchall()
    journal.close()
    unknown = sum(cost is None for cost, _ in rows)
    return (
        len(rows),
        unknown,
        sum((Decimal(most if cost is None else cost) for cost, most in rows), Decimal(0)),
    )


def asked_twice(server: OpenAIServer) -> int:
    """Requests beyond the first of each body."""
    seen = Counter(call.raw for call in server.log.calls)
    return sum(seen.values()) - len(seen)


@pytest.mark.parametrize(
    ("sent", "moments", "ends_with", "part"),
    [
        # What was under way when it was killed may have been billed, and counts as if it had been.
        (signal.SIGKILL, (1, 30), -signal.SIGKILL, Decimal(2)),
        (signal.SIGINT, (20,), ExitCode.INTERRUPTED, Decimal("0.5")),
    ],
)
def test_stopped_anywhere_it_goes_on_pays_nothing_twice_and_writes_the_same(
    tmp_path: Path, sent: signal.Signals, moments: tuple[int, ...], ends_with: int, part: Decimal
) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        free = write_tune_workspace(tmp_path / "free", server.port)
        whole = run_tuning(tune_task(free), cluster, free)
    assert whole.path is not None
    cap = part * whole.spent_usd
    answers = Stopping()
    with OpenAIServer(answers) as server:
        root = write_tune_workspace(tmp_path / "w", server.port)
        written = root / "prompts" / "tickets" / "bad~tuned.j2"
        asked = ["tune", "tickets", "--model", "bad", "-w", str(root)]
        capped = [*asked, "--max-spend", f"{cap:f}"]
        command = [sys.executable, "-m", "harness.cli", *capped]
        for moment in moments:
            code, said = answers.run_until(command, moment, sent)
            assert code == ends_with, said
            assert not written.exists()
        done, unknown, spent = attempts(root)
        assert sum(moments) <= len(server.log.calls) <= done <= len(server.log.calls) + unknown
        assert asked_twice(server) <= unknown
        assert run(capped) in {ExitCode.OK, ExitCode.CANNOT_TELL}
        assert spent <= attempts(root)[2] <= cap
        assert run(asked) == ExitCode.OK
        calls = len(server.log.calls)
        assert asked_twice(server) <= unknown
        assert (unknown == 0) == (sent is signal.SIGINT)
        assert run(asked) == ExitCode.OK
        assert len(server.log.calls) == calls
    assert written.read_text("utf-8") == whole.path.read_text("utf-8")
    assert list(check(root / ".rightsize" / "journal.sqlite")) == []
