"""A limit on the time that a program takes for itself."""

from __future__ import annotations

import asyncio

START_S = 60.0
"""Seconds more for an instance's first case, while it starts and loads its libraries."""
STEP_S = 0.25
LONGEST_STEP_S = 2 * STEP_S
"""The most seconds that one step adds; a longer gap was our own delay or a sleeping machine."""


class OwnTime:
    """Counts a program's time by steps; while a call is open it stands still.

    Whatever a call waits for (a quota, the cap, another attempt, the model) is in the call.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._grace_s = 0.0
        self._open = 0
        self._mark: float | None = None
        """When it was last counted; None before it begins."""
        self._used_s = 0.0

    async def run_out(self) -> None:
        """Return when the time is over."""
        self._mark = self._now()
        while (left_s := self._limit_s + self._grace_s - self._used_s) > 0:
            await asyncio.sleep(min(STEP_S, left_s))
            if self._open == 0:
                self._count()

    def let_start(self) -> None:
        """Give a program that was just started more time for its first call or answer."""
        self._grace_s = START_S

    def stand_still(self) -> None:
        """A call was made."""
        self._open += 1
        if self._open == 1:
            self._count()
            self._used_s = max(self._used_s - self._grace_s, 0.0)
            self._grace_s = 0.0

    def call_ended(self) -> None:
        """A call got its reply, or its client hung up."""
        self._open -= 1
        if self._open == 0:
            self._mark = self._now()

    def _count(self) -> None:
        now = self._now()
        if self._mark is not None:
            self._used_s += min(now - self._mark, LONGEST_STEP_S)
        self._mark = now

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
