"""Runs one command, and ends it with everything that it started.

    python -I guard.py --ttl SECONDS [--parent PID] [--idle SECONDS --port PORT] [--state FILE]
        [--folder FOLDER] [--scratch FOLDER] [--input FD] [--grace SECONDS] -- COMMAND...

The command ends when this program's standard input ends (the driver closed it, or died by any
signal), when the parent process is gone, when the time to live is over, when the server has made no
token for the idle time (`/metrics` says so), or when this program is asked to stop. Without
`--parent` the command outlives whoever started it, until one of the others. On Linux this program
adopts orphaned grandchildren, so that one that left the process group ends too.

`--input` is a descriptor that the command reads as its standard input; without it there is none.
`--grace` is how long a command that was asked to end may take.

`--folder` is for a command that is to end by itself: its exit code is written to `code` there, and
this program stays until one of the above, then removes the folder with all that is in it.
`--scratch` is removed only where the parent is gone, who would have read what is in it: a parent
that lives tells this program to stop by a signal.

It is a script of the standard library, started by its path in isolated mode: a `harness` package of
the user's, a slow import or a broken environment cannot come between.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

POLL_S = 0.5
GRACE_S = 10.0
"""A container's client passes the signal on, and has to wait for the container."""
ADOPTION_ROUNDS = 10
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POSIX = os.name == "posix"
LINUX = sys.platform == "linux"


def main(argv: Sequence[str]) -> int:
    """Guard the command; return its exit code, or 0 when we ended it."""
    options = _options(argv)
    asked, stopped = threading.Event(), threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()
        asked.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(  # noqa: S603  # the command is what we are for
        options.command,
        stdin=subprocess.DEVNULL if options.input is None else options.input,
        start_new_session=POSIX,
        preexec_fn=_die_with_guard if LINUX else None,  # noqa: PLW1509  # no thread runs yet
    )
    if options.input is not None:
        os.close(options.input)
    if options.parent:
        threading.Thread(target=_wait_for_end_of_input, args=(asked,), daemon=True).start()
    why: str | None = None
    try:
        why = _watch(child, asked, options)
        code = child.poll()
        if options.folder and code is not None:
            _leave_code(options.folder, code)
            _wait(asked, options)
        return 0 if code is None else code
    finally:
        end_group(child, options.grace)
        _clean(options, left=asked.is_set() and not stopped.is_set())
        if why or stopped.is_set():
            # Last, so that whoever wonders finds it below the server's own farewell.
            print(f"guard: {why or 'was told to stop'}", flush=True)  # noqa: T201  # the log


def _clean(options: argparse.Namespace, *, left: bool) -> None:
    """Remove what is ours to remove; `left`: our input ended, and nobody told us to stop."""
    if options.state:
        options.state.unlink(missing_ok=True)
    if options.folder:
        shutil.rmtree(options.folder, ignore_errors=True)
    if options.scratch and (left or _is_orphan(options)):
        shutil.rmtree(options.scratch, ignore_errors=True)


def _watch(
    child: subprocess.Popen[bytes], asked: threading.Event, options: argparse.Namespace
) -> str | None:
    """Return when the child has ended or is to be ended; why, where that is by a limit."""
    deadline = time.monotonic() + options.ttl
    idle = IdleMeter(options.port, options.idle) if options.idle else None
    while child.poll() is None and not asked.is_set():
        if time.monotonic() > deadline:
            return f"time to live of {options.ttl:g} s is over"
        if idle is not None and idle.is_over(time.monotonic()):
            return f"idle for {options.idle:g} s, suspended"
        if _is_orphan(options):
            return None
        asked.wait(POLL_S)
    return None


def _leave_code(folder: Path, code: int) -> None:
    """Write the exit code atomically, so that a reader never sees half a file."""
    written = folder / "code.new"
    written.write_text(str(code))
    written.replace(folder / "code")


def _wait(asked: threading.Event, options: argparse.Namespace) -> None:
    """Wait until asked to stop, or until the parent is gone."""
    while not asked.is_set() and not _is_orphan(options):
        asked.wait(POLL_S)


def _is_orphan(options: argparse.Namespace) -> bool:
    return bool(options.parent and POSIX and os.getppid() != options.parent)


class IdleMeter:
    """How long a server has made no token, by the token counters of its `/metrics`."""

    def __init__(self, port: int, limit_s: float) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._limit_s = limit_s
        self._seen: list[str] | None = None
        self._since: float | None = None

    def is_over(self, now: float) -> bool:
        """Has nothing moved for the limit? A server that cannot be read is not idle."""
        counters = self._counters()
        if counters is None or counters != self._seen or self._since is None:
            self._seen, self._since = counters, now
            return False
        return now - self._since > self._limit_s

    def _counters(self) -> list[str] | None:
        try:
            with urllib.request.urlopen(self._url, timeout=2) as reply:  # noqa: S310  # loopback
                lines = reply.read().decode(errors="replace").splitlines()
        except OSError:
            return None
        found = [line for line in lines if "token" in line and not line.startswith("#")]
        return found or None


def end_group(child: subprocess.Popen[bytes], grace_s: float = GRACE_S) -> None:
    """End the child and its process group: asked first, killed after a grace."""
    _signal_group(child, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_s)
    _signal_group(child, signal.SIGKILL if POSIX else signal.SIGTERM)
    child.wait()
    if LINUX:
        _kill_adopted()


def _kill_adopted() -> None:
    """Kill processes that left the process group; as orphans they were adopted by this one."""
    for _ in range(ADOPTION_ROUNDS):
        adopted = [number for number, parent in _processes() if parent == os.getpid()]
        if not adopted:
            return
        for number in adopted:
            with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)


def _processes() -> list[tuple[int, int]]:
    """Process ids of this machine, each with its parent's."""
    found: list[tuple[int, int]] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold spaces; what follows it does not.
                after = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
                found.append((int(folder.name), int(after[1])))
    return found


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if POSIX:
            os.killpg(child.pid, number)
        else:
            child.terminate()


def _wait_for_end_of_input(asked: threading.Event) -> None:
    descriptor = sys.stdin.fileno()
    if POSIX:
        select.select([descriptor], [], [])
    with contextlib.suppress(OSError):
        while os.read(descriptor, 1024):
            pass
    asked.set()


def _die_with_guard() -> None:
    """Ask the kernel to kill the command when this guard is killed, which runs no `finally`."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ttl", type=float, required=True)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--idle", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--input", type=int)
    parser.add_argument("--grace", type=float, default=GRACE_S)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    if options.command[:1] == ["--"]:
        options.command = options.command[1:]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
