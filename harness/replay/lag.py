"""Notices when the event loop was late: a call timed meanwhile is no latency sample."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 0.02
LATE_S = 0.02


class LagMeter:
    """Sleeps for a tick again and again, and remembers when it last woke up late."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due = monotonic()
        self._late_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the running loop, once."""
        if self._task is None:
            self._due = self._monotonic() + TICK_S
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def late_since(self, began: float) -> bool:
        """Whether the loop was late at any time from `began` until now."""
        return self._late_until >= began or self._monotonic() - self._due > LATE_S

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._monotonic()
            if now - self._due > LATE_S:
                self._late_until = now
            self._due = now + TICK_S
