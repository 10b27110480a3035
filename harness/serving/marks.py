"""Processes that are known again: by their machine, their number, and when they began."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import psutil

SAME_S = 1.0
"""The kernel tells the moment of boot in whole seconds, and may correct itself by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process of some machine."""

    host: str
    pid: int
    began_s: float
    """Seconds after its machine's boot: a wall clock may be set, and that moves no process."""

    @property
    def is_here(self) -> bool:
        """Is it a process of this machine?"""
        return self.host == socket.gethostname()


def mark_of(pid: int) -> ProcessMark:
    """The mark of a process of this machine that lives, or was not yet waited for."""
    began_s = psutil.Process(pid).create_time() - psutil.boot_time()
    return ProcessMark(host=socket.gethostname(), pid=pid, began_s=began_s)


def find(mark: ProcessMark) -> psutil.Process | None:
    """The process on this machine; None when it is gone, or its number is another's by now."""
    try:
        process = psutil.Process(mark.pid)
        began_s = process.create_time() - psutil.boot_time()
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if abs(began_s - mark.began_s) <= SAME_S and not zombie else None
