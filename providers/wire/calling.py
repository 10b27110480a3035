"""One call over any SDK: sent, timed, read, and its failure turned into one of our errors.

A call that makes no progress is ended.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from providers.answer import (
    Answer,
    Dialect,
    JsonObject,
    StreamReader,
    parse_object,
    to_completion,
)
from providers.completion import Completion, Timing, TokenUsage
from providers.errors import BrokenBodyError, DeadlineExceededError, ProviderError, TimedOutError
from providers.request import ModelRequest
from providers.wire.rejections import Headers, rate_limit

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


REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What goes over the wire: a path below the base address, a body, the longest silence."""

    path: str
    body: JsonObject
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Beside the SDK's own."""
    api_version: str | None = None
    """In place of the wire's own, where a path has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A plain reply."""

    document: JsonObject
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A reply that is still coming."""

    events: AsyncIterator[JsonObject]
    headers: Headers


class Wire(Protocol):
    """One SDK's way over HTTP: no retries, no redirects, no proxies from the environment."""

    async def ready(self) -> None:
        """Make what the first call needs, outside the time of any call."""
        ...

    async def whole(self, asked: HttpRequest) -> Whole:
        """Post, and read the whole reply."""
        ...

    def stream(self, asked: HttpRequest) -> AbstractAsyncContextManager[Streamed]:
        """Post, and read events; leaving closes the reply."""
        ...

    def failure(self, error: Exception) -> ProviderError | None:
        """Our error for one of the SDK's or of its transport's; None for any other exception."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class WireProvider:
    """A `Provider` made of a wire and a dialect."""

    def __init__(self, wire: Wire, dialect: Dialect, *, clock: Clock = MONOTONIC) -> None:
        self._wire = wire
        self._dialect = dialect
        self._clock = clock

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        asked = _asked(request, self._dialect)
        await self._wire.ready()
        stopwatch = Stopwatch(request, self._clock)
        reader = self._dialect.reader()
        try:
            async with stopwatch:
                call = self._streamed if streams(request) else self._whole
                completion, document = await call(asked, stopwatch, reader)
                kept = None if request.passed is None else json.dumps(document)
                return replace(completion, document=kept)
        except ProviderError as error:
            failure = error
        except Exception as error:
            known = self._wire.failure(error)
            if known is None:
                raise
            failure = known
        # Raised out here: an exception of the SDK, which holds the request, must not hang on it.
        failure.usage = failure.usage or reader.usage()
        failure.total_s = failure.total_s or stopwatch.total_s
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()

    async def _whole(
        self, asked: HttpRequest, stopwatch: Stopwatch, _reader: StreamReader
    ) -> tuple[Completion, object]:
        whole = await self._wire.whole(asked)
        answer = self._dialect.read(whole.document)
        return _completion(answer, stopwatch, whole.headers), whole.document

    async def _streamed(
        self, asked: HttpRequest, stopwatch: Stopwatch, reader: StreamReader
    ) -> tuple[Completion, object]:
        events: list[JsonObject] = []
        async with self._wire.stream(asked) as streamed:
            async for event in streamed.events:
                stopwatch.progress()
                events.append(event)
                if reader.feed(event):
                    stopwatch.piece()
            return _completion(reader.answer(), stopwatch, streamed.headers), events


def _asked(request: ModelRequest, dialect: Dialect) -> HttpRequest:
    passed = request.passed
    if passed is None:
        return HttpRequest(
            path=dialect.path_of(request), body=dialect.body(request), timeout_s=request.timeout_s
        )
    return HttpRequest(
        path=passed.path or dialect.path_of(request),
        body=parse_object(passed.body),
        timeout_s=request.timeout_s,
        headers=dict(passed.headers),
        api_version=passed.api_version,
    )


def unreadable(vendor: str) -> BrokenBodyError:
    """The error for a reply that no JSON or text could be read from."""
    return BrokenBodyError(f"{vendor}: the reply is not what the wire promises")


def _completion(answer: Answer, stopwatch: Stopwatch, headers: Headers) -> Completion:
    tier = answer.service_tier or headers.get("x-gemini-service-tier")
    return to_completion(
        replace(answer, service_tier=tier),
        stopwatch.timing(answer.usage),
        request_id=request_id(headers),
        rate_limit=rate_limit(headers),
    )


def request_id(headers: Headers) -> str | None:
    """The id that the vendor gave the request."""
    found = (headers.get(name) for name in REQUEST_IDS)
    return next((value for value in found if value), None)
