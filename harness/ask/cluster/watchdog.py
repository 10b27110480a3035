"""Ends what a process started, once that process is gone. Run as a script, by `guard`.

Ray's daemons die with their driver, but two of its agents outlive it by more than a minute (they
wait for a server that is gone). The watchdog sees its parent's descendants while they live, and
notices the parent's end by the end of its own input. What stands under a guard of ours is left to
it: a guard ends with its parent, too, and has files to remove when its server is gone.
"""

from __future__ import annotations

import select
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

POLLS_S = (0.5,) * 30
GUARD = str(Path("serving", "guard.py"))
LATER_S = 5.0
"""What Ray starts early lives as long as Ray; later children die with it."""


def guard(folder: Path, seen: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a watchdog over this process; closing its input, or dying, sets it off.

    `folder` is removed in the end. `seen` is told the id of each process that will be ended then.
    """
    return subprocess.Popen(  # noqa: S603  # our own file, under our own interpreter
        [sys.executable, "-I", str(Path(__file__)), str(folder)],
        stdin=subprocess.PIPE,
        stdout=seen,
        start_new_session=True,
    )


def watch(parent: psutil.Process) -> set[psutil.Process]:
    """Wait for the end of input; returns the parent's descendants seen until then."""
    seen: set[psutil.Process] = set()
    polls = iter(POLLS_S)
    while True:
        ended, _, _ = select.select([sys.stdin], [], [], next(polls, LATER_S))
        if ended:
            return seen
        found = set(descendants(parent)) - seen
        for process in found:
            sys.stdout.write(f"{process.pid}\n")
        sys.stdout.flush()
        seen |= found


def descendants(parent: psutil.Process) -> Iterable[psutil.Process]:
    """Every living descendant but this process, and guards with what they guard."""
    try:
        found = set(parent.children(recursive=True)) - {psutil.Process()}
    except psutil.NoSuchProcess:
        return set()
    for process in tuple(found):
        try:
            if any(word.endswith(GUARD) for word in process.cmdline()):
                found -= {process, *process.children(recursive=True)}
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill those that still live; a number that was given to another process is left alone."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def main(folder: Path) -> None:
    """Watch the parent, then clean up after it."""
    parent = psutil.Process().parent()
    if parent is not None:
        end(watch(parent))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
