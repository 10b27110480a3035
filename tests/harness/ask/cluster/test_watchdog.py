from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from harness.ask.cluster.watchdog import descendants, end, guard
from harness.ask.serving.states import GUARD

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
LONGEST_S = 120


def test_a_guard_removes_its_folder_when_its_input_ends(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "socket").touch()
    watchdog = guard(folder, seen=subprocess.PIPE)
    child = subprocess.Popen(SLEEP)
    assert watchdog.stdout is not None
    assert f"{child.pid}\n".encode() in iter(watchdog.stdout.readline, b"")
    watchdog.communicate(timeout=LONGEST_S)
    assert not folder.exists()
    assert child.wait(timeout=LONGEST_S) == -9


def test_descendants_are_seen_and_ended_and_a_gone_one_is_passed_over() -> None:
    child = subprocess.Popen(SLEEP)
    seen = [p for p in descendants(psutil.Process(os.getpid())) if p.pid == child.pid]
    assert len(seen) == 1
    end(seen)
    child.wait(timeout=LONGEST_S)
    end(seen)
    assert child.pid not in [p.pid for p in descendants(psutil.Process(os.getpid()))]


def test_a_guard_and_what_it_guards_are_left_to_it() -> None:
    line = [sys.executable, "-I", str(GUARD), "--ttl", "600", "--", *SLEEP]
    guarded = subprocess.Popen(line, stdin=subprocess.DEVNULL)
    child = subprocess.Popen(SLEEP)
    try:
        deadline = time.monotonic() + LONGEST_S
        while not psutil.Process(guarded.pid).children() and time.monotonic() < deadline:
            time.sleep(0.05)
        (server,) = psutil.Process(guarded.pid).children()
        seen = {process.pid for process in descendants(psutil.Process(os.getpid()))}
        assert child.pid in seen
        assert not seen & {guarded.pid, server.pid}
    finally:
        guarded.terminate()
        guarded.wait(LONGEST_S)
        child.kill()
        child.wait()
    assert not psutil.pid_exists(server.pid)
