"""Trials on their way from the caller's thread to the engine's."""

from __future__ import annotations

from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.trials import Trial


class Feed:
    """A bounded queue that the caller tops up and the engine empties."""

    def __init__(self, size: int) -> None:
        self._queue: Queue[Trial | None] = Queue(size)
        self._held: Trial | None = None
        self._source_empty = False
        self.ended = False
        """The engine has taken the last trial."""

    def top_up(self, source: Iterator[Trial]) -> None:
        """Read the source until the queue is full; the caller's side."""
        while not self._source_empty:
            trial = self._held or next(source, None)
            try:
                self._queue.put_nowait(trial)
            except Full:
                self._held = trial
                return
            self._held = None
            self._source_empty = trial is None

    def take(self, most: int, wait_s: float) -> list[Trial]:
        """Take what is there, at most `most`, waiting for the first; the engine's side."""
        taken: list[Trial] = []
        while not self.ended and len(taken) < most:
            try:
                trial = (
                    self._queue.get(timeout=0 if taken else wait_s)
                    if wait_s
                    else (self._queue.get_nowait())
                )
            except Empty:
                break
            if trial is None:
                self.ended = True
            else:
                taken.append(trial)
        return taken
