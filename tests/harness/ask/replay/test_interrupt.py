from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.journal.journal import Journal
from harness.journal.trials import FaultKind
from tests.benchmarks.replay.ours import load_trials
from tests.support.load_server import load_server

DRIVER = """
import sys
from contextlib import closing
from pathlib import Path
from harness.ask.cluster.workers import InlineCluster
from harness.errors import InterruptedRunError
from harness.ask.replay.engine import replay
from harness.cli.main import drain_when_told
from harness.journal.journal import Journal
from tests.benchmarks.replay.ours import load_trials, parts
url, folder = sys.argv[1], Path(sys.argv[2])
drain_when_told()
with InlineCluster() as crews, Journal.open(folder / "j", run_id="r", cycle="c", now="") as journal:
    try:
        with closing(replay(
            load_trials(url, 5000), cluster=crews, journal=journal, **parts(32)
        )) as outcomes:
            for n, _ in enumerate(outcomes):
                if n == 50:
                    print("asking", flush=True)
    except InterruptedRunError as error:
        print(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:  # between two outcomes: what the command line says then
        print("run the same command again to go on")
        sys.exit(130)
"""

LONGEST_S = 300


@pytest.mark.parametrize("told", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_whoever_stops_a_run_loses_nothing(told: str, tmp_path: Path) -> None:
    with load_server(hold_after=100) as server:
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, server.base_url, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert driver.stdout is not None
        assert driver.stdout.readline() == "asking\n"
        driver.send_signal(signal.Signals[told])
        if told == "SIGHUP":  # as a pod that is taken away after its terminal has closed
            driver.send_signal(signal.SIGTERM)
        server.allow()
        said, _ = driver.communicate(timeout=LONGEST_S)
        stats = server.stats()
    assert driver.returncode == 130
    assert "run the same command again to go on" in said
    with Journal.read(tmp_path / "j") as journal:
        names = [trial.fingerprint for trial in load_trials("http://127.0.0.1", 5000)]
        attempts = [a for many in journal.attempts(names).values() for a in many]
        assert len(journal.settled(names)) == len(attempts) == stats["requests"] < 5000
        assert not any(attempt.error == FaultKind.INTERRUPTED for attempt in attempts)
