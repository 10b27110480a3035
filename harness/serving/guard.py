"""Runs one command, and ends it with everything that it started.

    python -I guard.py --ttl SECONDS --parent PID [--state FILE] -- COMMAND...

The command ends when this program's standard input ends (the driver closed it, or died by any
signal), when the parent process is gone, when the time to live is over, or when this program is
asked to stop. It is a script of the standard library, started by its path in isolated mode: a
`harness` package of the user's, a slow import or a broken environment cannot come between.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_S = 0.5
GRACE_S = 5.0
PR_SET_PDEATHSIG = 1
POSIX = os.name == "posix"


def main(argv: Sequence[str]) -> int:
    """Guard the command; return its exit code, or 0 when we ended it."""
    options = _options(argv)
    asked = threading.Event()

    def ask(_number: int, _frame: object) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    child = subprocess.Popen(  # noqa: S603  # the command is what we are for
        options.command,
        stdin=subprocess.DEVNULL,
        start_new_session=POSIX,
        preexec_fn=_die_with_guard if sys.platform == "linux" else None,  # noqa: PLW1509  # no thread runs yet
    )
    if options.parent:
        threading.Thread(target=_wait_for_end_of_input, args=(asked,), daemon=True).start()
    deadline = time.monotonic() + options.ttl
    try:
        while child.poll() is None and not asked.is_set():
            if time.monotonic() > deadline:
                print(f"guard: time to live of {options.ttl:g} s is over", flush=True)  # noqa: T201  # the log
                break
            if options.parent and POSIX and os.getppid() != options.parent:
                break
            asked.wait(POLL_S)
        code = child.poll()
        return 0 if code is None else code
    finally:
        end_group(child)
        if options.state:
            options.state.unlink(missing_ok=True)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and its process group: asked first, killed after a grace."""
    _signal_group(child, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    _signal_group(child, signal.SIGKILL if POSIX else signal.SIGTERM)
    child.wait()


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
    parser.add_argument("--state", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    if options.command[:1] == ["--"]:
        options.command = options.command[1:]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
