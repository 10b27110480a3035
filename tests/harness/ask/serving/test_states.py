"""State files: who runs, told from this machine, and who can end it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.serving.server import ServeError
from harness.ask.serving.server_lifecycle import stop_server
from harness.ask.serving.states import (
    ProcessMark,
    ServerState,
    find,
    gpus_by_team,
    held,
    is_asked_to_stop,
    list_servers,
    mark_of,
    write_state,
)
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ELSEWHERE = ProcessMark(host="node-7.elsewhere", pid=1, began_s=5.0)
STATE = ServerState(
    model="m", engine="vllm", port=4321, guard=ELSEWHERE, since=NOW, ttl_s=60, gpus=2, teams=("a",)
)
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
IGNORING = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_again_however_the_clock_was_set() -> None:
    mark = mark_of(os.getpid())
    assert mark.is_here
    process = find(mark)
    assert process is not None
    assert process.pid == os.getpid()
    assert mark.began_s == pytest.approx(
        psutil.Process().create_time() - psutil.boot_time(), abs=1.0
    )
    assert find(replace(mark, began_s=mark.began_s + 60)) is None


def test_a_process_that_ended_is_not_found_even_before_it_is_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    mark = mark_of(process.pid)
    deadline = time.monotonic() + 120
    while find(mark) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find(mark) is None
    process.wait()
    assert find(mark) is None


def test_a_server_of_this_machine_runs_as_long_as_its_guard(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    state = replace(STATE, guard=mark_of(sleeper.pid))
    write_state(tmp_path, state)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list_servers(tmp_path, NOW + timedelta(days=1)) == (state,)
    sleeper.kill()
    sleeper.wait()
    assert list_servers(tmp_path, NOW) == ()
    assert not list(tmp_path.iterdir())


def test_a_server_elsewhere_runs_as_long_as_its_review(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    state = replace(STATE, driver=mark_of(sleeper.pid))
    write_state(tmp_path, state)
    assert list_servers(tmp_path, NOW + timedelta(days=1)) == (state,)
    sleeper.kill()
    sleeper.wait()
    assert list_servers(tmp_path, NOW) == ()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("driver", [None, ELSEWHERE], ids=["started there", "reviewed there"])
def test_a_server_that_cannot_be_looked_at_runs_until_its_time_is_over(
    tmp_path: Path, driver: ProcessMark | None
) -> None:
    state = replace(STATE, driver=driver)
    write_state(tmp_path, state)
    assert list_servers(tmp_path, NOW + timedelta(seconds=59)) == (state,)
    assert list_servers(tmp_path, NOW + timedelta(seconds=60)) == ()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_state_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.1.h.state.json").write_text('{"model": "m"}')
    with pytest.raises(UsageError, match=r"m\.1\.h\.state\.json: no state of a server \(.*: "):
        list_servers(tmp_path, NOW)


def test_where_only_the_other_machine_can_stop_it_that_is_said(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    line = r"^m: runs on node-7\.elsewhere; call `rightsize serving stop m` there$"
    with pytest.raises(UsageError, match=line):
        stop_server(tmp_path, "m", NOW)
    assert list_servers(tmp_path, NOW) == (STATE,)


def test_a_review_that_does_not_hear_is_said(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    state = replace(STATE, driver=mark_of(sleeper.pid))
    write_state(tmp_path, state)
    line = rf"^m: runs on node-7\.elsewhere for a review \(process {sleeper.pid} on .*within 0 s"
    with pytest.raises(ServeError, match=line):
        stop_server(tmp_path, "m", NOW, ask_s=0.3)
    assert not is_asked_to_stop(tmp_path, state)


def test_a_review_that_dies_while_it_is_asked_has_ended_its_server(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    state = replace(STATE, driver=mark_of(sleeper.pid))
    write_state(tmp_path, state)

    def kill_once_asked() -> None:
        while not is_asked_to_stop(tmp_path, state):
            time.sleep(0.02)
        sleeper.kill()

    killer = threading.Thread(target=kill_once_asked, daemon=True)
    killer.start()
    assert stop_server(tmp_path, "m", NOW, ask_s=120) == (state,)
    killer.join()
    assert not list(tmp_path.iterdir())


def test_a_guard_that_does_not_end_is_said(tmp_path: Path) -> None:
    deaf = subprocess.Popen([sys.executable, "-c", IGNORING], stdout=subprocess.PIPE)
    try:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        write_state(tmp_path, replace(STATE, guard=mark_of(deaf.pid)))
        line = rf"^m: process {deaf.pid} did not end within 0 s; .*kill -9"
        with pytest.raises(ServeError, match=line):
            stop_server(tmp_path, "m", NOW, end_s=0.3)
        assert list_servers(tmp_path, NOW) != ()
    finally:
        deaf.kill()
        deaf.communicate()


def test_what_answers_offline_is_held_by_its_review_and_is_not_stopped_alone(
    tmp_path: Path,
) -> None:
    state = replace(STATE, port=None, guard=mark_of(os.getpid()))
    with held(tmp_path / "logs", state):
        assert list_servers(tmp_path / "logs", NOW) == (state,)
        assert gpus_by_team((state,)) == {"a": 2}
        line = rf"^m: answers offline for a review \(process {os.getpid()} on .*\); interrupt"
        with pytest.raises(UsageError, match=line):
            stop_server(tmp_path / "logs", "m", NOW)
    assert list_servers(tmp_path / "logs", NOW) == ()
