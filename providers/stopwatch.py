"""Time of one wire call, and the end of a call that makes no progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from providers.completion import Timing
from providers.errors import DeadlineExceededError, TimedOutError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from providers.completion import TokenUsage
    from providers.request import ModelRequest

Clock: TypeAlias = Callable[[], int]
"""Nanoseconds that only grow."""

MONOTONIC: Clock = time.monotonic_ns
NANO = 1e9


class Stopwatch:
    """Times one call and ends it: at its deadline, or when nothing came for `timeout_s`.

    Used around the wire call only. `progress` is called for whatever the server sends on purpose
    (not for keep-alives), `piece` when that was a part of the answer.
    """

    def __init__(self, request: ModelRequest, clock: Clock = MONOTONIC) -> None:
        self._clock = clock
        self._timeout_s = request.timeout_s
        self._deadline_s = request.deadline_s
        self._streamed = streams(request)
        self._started = clock()
        self._first: int | None = None
        self._last: int | None = None
        self._pieces = 0
        self._limit = asyncio.Timeout(None)
        self._loop_start = 0.0

    @property
    def total_s(self) -> float:
        """Seconds since the start."""
        return (self._clock() - self._started) / NANO

    async def __aenter__(self) -> Self:
        self._loop_start = asyncio.get_running_loop().time()
        await self._limit.__aenter__()
        self.progress()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        expired: TimedOutError | DeadlineExceededError | None = None
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError:
            expired = self._expired()
        if expired is not None:
            raise expired

    def progress(self) -> None:
        """Something came: wait again."""
        end = asyncio.get_running_loop().time() + self._timeout_s
        if self._deadline_s is not None:
            end = min(end, self._loop_start + self._deadline_s)
        self._limit.reschedule(end)

    def piece(self) -> None:
        """A part of the answer came."""
        self._last = self._clock()
        if self._first is None:
            self._first = self._last
        self._pieces += 1

    def timing(self, usage: TokenUsage | None) -> Timing:
        """The times of the call that has just ended.

        The gap between tokens is (last - first) / (tokens - 1), with the tokens that the server
        counted outside its reasoning; where it counted none, with the pieces that came.
        """
        if not self._streamed or self._first is None or self._last is None:
            return Timing(total_s=self.total_s)
        visible = 0 if usage is None else usage.output_tokens - usage.reasoning_tokens
        gaps = max(visible, self._pieces) - 1
        measurable = self._pieces > 1 and gaps > 0
        return Timing(
            total_s=self.total_s,
            first_token_s=(self._first - self._started) / NANO,
            inter_token_s=(self._last - self._first) / NANO / gaps if measurable else None,
        )

    def _expired(self) -> TimedOutError | DeadlineExceededError:
        total = self.total_s
        deadline = self._deadline_s
        if deadline is not None and self._first is not None and total >= deadline:
            message = f"still streaming at the deadline of {deadline:g} s"
            return DeadlineExceededError(message, total_s=total)
        waited = self._timeout_s if deadline is None else min(self._timeout_s, deadline)
        return TimedOutError(f"no progress within {waited:g} s", total_s=total)


def streams(request: ModelRequest) -> bool:
    """Whether the answer is read as it is made: a deadline needs to see progress."""
    return request.stream or request.deadline_s is not None
