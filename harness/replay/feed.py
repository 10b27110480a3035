"""Trials on their way from the caller's thread to the engine's."""

from __future__ import annotations

from enum import Enum
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.trials import Trial


class _End(Enum):
    END = "end"


_Given: TypeAlias = "Trial | Literal[_End.END]"


class Feed:
    """A bounded queue that the caller tops up and the engine empties."""

    def __init__(self, size: int) -> None:
        self._queue: Queue[_Given] = Queue(size)
        self._held: _Given | None = None
        self._source_empty = False
        self.dry = False
        """The source had nothing more when it was last read, and has not ended."""
        self.ended = False
        """The engine has taken the last trial."""

    def top_up(self, source: Iterator[Trial | None]) -> None:
        """Read the source until the queue is full; the caller's side.

        None: the source has nothing at the moment; it is read again at the next call.
        """
        self.dry = False
        while not self._source_empty:
            given = self._held or _next(source)
            if given is None:
                self.dry = True
                return
            try:
                self._queue.put_nowait(given)
            except Full:
                self._held = given
                return
            self._held = None
            self._source_empty = given is _End.END

    def take(self, most: int, wait_s: float) -> list[Trial]:
        """Take what is there, at most `most`, waiting for the first; the engine's side."""
        taken: list[Trial] = []
        while not self.ended and len(taken) < most:
            try:
                given = (
                    self._queue.get(timeout=0 if taken else wait_s)
                    if wait_s
                    else self._queue.get_nowait()
                )
            except Empty:
                break
            if given is _End.END:
                self.ended = True
            else:
                taken.append(given)
        return taken


def _next(source: Iterator[Trial | None]) -> _Given | None:
    try:
        return next(source)
    except StopIteration:
        return _End.END
