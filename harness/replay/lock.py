"""One writer per journal: a lock that dies with its process."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from filelock import lock_descriptor

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def locked(journal: Path) -> Generator[None]:
    """Hold a journal's lock for a while."""
    descriptor = take_lock(journal)
    try:
        yield
    finally:
        os.close(descriptor)


def take_lock(journal: Path) -> int:
    """Lock a journal for writing; returns the descriptor that holds the lock until closed."""
    file = journal.with_name(journal.name + ".lock")
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not lock_descriptor(descriptor, blocking=False):
            holder = os.read(descriptor, 32).decode().strip()
            raise UsageError(
                f"{journal}: in use by another review (process {holder or 'unknown'}): "
                "wait for it to end, or end it and run this command again"
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        stack.pop_all()
    return descriptor
