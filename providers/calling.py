"""One call over any SDK: asked, timed, read, and its failure told as one of our errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from providers.answer import to_completion
from providers.errors import BrokenBodyError, ProviderError
from providers.headers import rate_limit
from providers.stopwatch import MONOTONIC, Clock, Stopwatch, streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from providers.answer import Answer, Dialect, StreamReader
    from providers.completion import Completion
    from providers.documents import JsonObject
    from providers.headers import Headers
    from providers.request import ModelRequest

REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What goes over the wire: a path below the base address, a body, the longest silence."""

    path: str
    body: JsonObject
    timeout_s: float


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

    async def whole(self, asked: Asked) -> Whole:
        """Post, and read the whole reply."""
        ...

    def stream(self, asked: Asked) -> AbstractAsyncContextManager[Streamed]:
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
        asked = Asked(
            path=self._dialect.path_of(request),
            body=self._dialect.body(request),
            timeout_s=request.timeout_s,
        )
        await self._wire.ready()
        stopwatch = Stopwatch(request, self._clock)
        reader = self._dialect.reader()
        try:
            async with stopwatch:
                if streams(request):
                    return await self._streamed(asked, stopwatch, reader)
                return await self._whole(asked, stopwatch)
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

    async def _whole(self, asked: Asked, stopwatch: Stopwatch) -> Completion:
        whole = await self._wire.whole(asked)
        return _completion(self._dialect.read(whole.document), stopwatch, whole.headers)

    async def _streamed(
        self, asked: Asked, stopwatch: Stopwatch, reader: StreamReader
    ) -> Completion:
        async with self._wire.stream(asked) as streamed:
            async for event in streamed.events:
                stopwatch.progress()
                if reader.feed(event):
                    stopwatch.piece()
            return _completion(reader.answer(), stopwatch, streamed.headers)


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
