"""Runs one command and prints, as JSON, when it spoke and ended, and what it cost.

Processor time is that of the command and of everything it started: orphans are adopted here
(`PR_SET_CHILD_SUBREAPER` of Linux) and waited for. Ray's daemons throw their children's times away,
so that each process is looked at four times a second, too, and the larger sum counts. Memory is the
largest sum of proportional set sizes seen at such a look.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from typing import Any

import psutil

PR_SET_CHILD_SUBREAPER = 36
LOOK_S = 0.25


class Watch(threading.Thread):
    """Looks at the family again and again."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.done = threading.Event()
        self.most_mb = 0.0
        self.cpu_s: dict[int, tuple[str, float]] = {}

    def run(self) -> None:
        while not self.done.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        memory = 0.0
        for process in psutil.Process().children(recursive=True):
            try:
                times, words = process.cpu_times(), process.cmdline()
                memory += process.memory_full_info().pss / 1e6
            except psutil.Error:
                continue
            role = "driver" if process.pid == self.root else role_of(" ".join(words))
            self.cpu_s[process.pid] = (role, times.user + times.system)
        self.most_mb = max(self.most_mb, memory)

    def roles(self) -> dict[str, float]:
        seen: dict[str, float] = {}
        for role, cpu_s in self.cpu_s.values():
            seen[role] = seen.get(role, 0.0) + cpu_s
        return seen


def role_of(words: str) -> str:
    return "worker" if words.startswith("ray::Host") else "other"


def main(command: list[str]) -> dict[str, Any]:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    watch = Watch(process.pid)
    watch.start()
    first_line = last_line = None
    said: list[str] = []
    for line in process.stdout:
        last_line = time.monotonic()
        first_line = first_line or last_line
        said.append(line.decode(errors="replace"))
    code = process.wait()
    ended = time.monotonic()
    watch.done.set()
    watch.join()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used, roles = resource.getrusage(resource.RUSAGE_CHILDREN), watch.roles()
    return {
        "code": code,
        "said": "" if code == 0 else "".join(said[-20:]),
        "began_s": began,
        "first_line_s": None if first_line is None else first_line - began,
        "last_line_s": None if last_line is None else last_line - began,
        "end_s": ended - began,
        "cpu_s": max(used.ru_utime + used.ru_stime, sum(roles.values())),
        "cpu_of": roles,
        "memory_mb": watch.most_mb,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))  # noqa: T201
