"""Whole replies without the SDK: what it sends around a body is learned from its first request.

Building a request costs an SDK more than sending it. So the first request of a kind (path and
time-out) goes through the SDK, and its address, headers and TLS are taken down where it leaves the
SDK: authentication and default headers are the SDK's own, to the letter. Later ones of the kind go
over one session of aiohttp, each with its own body. Streams stay with the SDK, as do requests of
programs with headers of their own, and clouds, which sign each request or name its model in the
address. A test holds both ways to the same bytes and the same errors.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import aiohttp  # noqa: TC002  # only for hints, and blocks for those are not our way
import httpx2  # noqa: TC002

from providers.answer import JsonObject
from providers.errors import ProviderError
from providers.wire.calling import HttpRequest, Streamed, Whole, Wire

LENGTH, COOKIE = "content-length", "cookie"
"""Headers that each request has its own of; a session adds its cookies itself."""
MOST_KINDS = 256
"""Kinds of requests that are kept; a program may ask at any path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands around a body on its way. It holds the key, and is never shown."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    tls: Any = field(default=True, repr=False)
    """As aiohttp takes it; True: the session's own."""

    @property
    def length(self) -> str:
        """The header of the body's length, as the SDK writes it."""
        return next((name for name in self.headers if name.lower() == LENGTH), LENGTH)


_learn: ContextVar[Callable[[Envelope], None] | None] = ContextVar("learn", default=None)
"""Told of the request that is being made in this task; None: nobody."""


def _take_down(envelope: Envelope) -> None:
    learn = _learn.get()
    if learn is not None:
        found = envelope.headers.items()
        kept = {name: value for name, value in found if name.lower() != COOKIE}
        learn(replace(envelope, headers=kept))


async def hook(request: httpx2.Request) -> None:
    """Take a request down as it leaves an SDK on httpx2; a hook of its clients."""
    _take_down(Envelope(url=str(request.url), headers=request.headers))


async def middleware(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The same for an SDK on aiohttp; a middleware of its session."""
    _take_down(Envelope(url=str(request.url), headers=request.headers, tls=request.ssl))
    return await handler(request)


class DirectSide(Wire, Protocol):
    """What a wire adds for requests that go around its SDK."""

    def session(self) -> aiohttp.ClientSession:
        """A new session, as the SDK's own connects."""
        ...

    def encoded(self, body: JsonObject) -> bytes:
        """A body as the SDK writes it."""
        ...

    def patience(self, timeout_s: float) -> aiohttp.ClientTimeout:
        """A time-out as the SDK understands it."""
        ...

    async def read(self, response: aiohttp.ClientResponse) -> Whole:
        """Read a whole reply; a status that is no success raises the SDK's own error."""
        ...


Kind: TypeAlias = tuple[str, float]


class DirectWire:
    """A wire whose whole replies come without its SDK, but for the first request of each kind."""

    def __init__(self, side: DirectSide) -> None:
        self._side = side
        self._known: dict[Kind, Envelope] = {}
        self._session: aiohttp.ClientSession | None = None

    async def ready(self) -> None:
        """Make what the first call needs."""
        await self._side.ready()
        self._opened()

    async def whole(self, asked: HttpRequest) -> Whole:
        """Post, and read the whole reply."""
        kind = (asked.path, asked.timeout_s)
        if asked.headers or asked.api_version is not None:
            return await self._side.whole(asked)
        if (envelope := self._known.get(kind)) is not None:
            return await self._post(envelope, asked)
        before = _learn.set(lambda envelope: self._keep(kind, envelope))
        try:
            return await self._side.whole(asked)
        finally:
            _learn.reset(before)

    @asynccontextmanager
    async def stream(self, asked: HttpRequest) -> AsyncGenerator[Streamed]:
        """Post, and read events; through the SDK."""
        async with self._side.stream(asked) as streamed:
            yield streamed

    def failure(self, error: Exception) -> ProviderError | None:
        """Our error for one of the SDK's or of its transport's."""
        return self._side.failure(error)

    async def aclose(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
        await self._side.aclose()

    def _keep(self, kind: Kind, envelope: Envelope) -> None:
        if len(self._known) < MOST_KINDS:
            self._known[kind] = envelope

    def _opened(self) -> aiohttp.ClientSession:
        """Made inside the loop that its connections belong to."""
        if self._session is None:
            self._session = self._side.session()
        return self._session

    async def _post(self, envelope: Envelope, asked: HttpRequest) -> Whole:
        body = self._side.encoded(asked.body)
        async with self._opened().post(
            envelope.url,
            data=body,
            headers={**envelope.headers, envelope.length: str(len(body))},
            timeout=self._side.patience(asked.timeout_s),
            allow_redirects=False,
            ssl=envelope.tls,
        ) as response:
            return await self._side.read(response)
