"""What the SDKs of OpenAI and Anthropic share: one way over HTTP, and nothing of the environment.

An endpoint states everything; the environment gives the key that it names, and nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import aiohttp
import httpx2

from providers.answer import JsonObject, as_object, object_at, parse_object, text_at
from providers.errors import AnswerTooLargeError, AuthRejectedError, ProviderError
from providers.wire import rejections as broken_calls
from providers.wire.bounded import PACKED, bound, unpacked
from providers.wire.calling import HttpRequest, Streamed, Whole, request_id, unreadable
from providers.wire.direct import hook
from providers.wire.rejections import Rejection, chain, codes_of, to_error

# 0 means no limit to aiohttp: the governor bounds what is in flight, and waiting for a free
# connection here would count as latency. Idle connections are dropped before uvicorn and llama.cpp
# drop them (5 s): a request on a connection that the server is closing is lost.
KEEP_S = 4.0
LIMITS = httpx2.Limits(max_connections=0, max_keepalive_connections=1024, keepalive_expiry=KEEP_S)
BOUNDED: dict[str, Any] = {
    "event_hooks": {"request": [hook], "response": [bound]},
    "headers": PACKED,
}
"""Of each client: a reply has an end, however much a server sends; requests can be taken down."""
TRANSPORT_ERRORS = (httpx2.HTTPError, aiohttp.ClientError, OSError)
UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError)
CREDENTIAL_LIBRARIES = frozenset({"botocore", "google"})
SUCCESS = range(200, 300)


class SdkClient(Protocol):
    """What the SDKs' clients have in common."""

    @property
    def base_url(self) -> httpx2.URL:
        """Where paths begin."""
        ...

    async def post(  # noqa: PLR0913  # the SDKs' own signature
        self,
        path: str,
        *,
        cast_to: type[Any],
        body: object,
        options: Any,  # noqa: ANN401  # each SDK has a TypedDict of its own
        stream: bool = False,
        stream_cls: type[Any] | None = None,
    ) -> Any:  # noqa: ANN401  # what `cast_to` or `stream_cls` says
        """Post once."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """What differs between the SDKs."""

    vendor: str
    stream_cls: type[Any]
    status_error: type[Exception]
    """A reply with a status that is no success, or an error document inside a stream."""
    connection_error: type[Exception]
    stream_error: type[Exception]
    """An error document inside a stream that has no status."""
    credential_errors: tuple[type[Exception], ...]
    """What says, when nothing above does, that credentials could not be had."""
    headers: Mapping[str, object] = field(default_factory=dict[str, object])
    bills_rejections: bool = False


class PostWire:
    """Posts through an SDK's client and reads the JSON itself, whatever its shape."""

    def __init__(self, client: SdkClient, sdk: Sdk) -> None:
        self.client = client
        self._sdk = sdk
        # llama.cpp closes a connection after a stream without saying so, and the next request on
        # it is lost. Where connecting costs nothing, each stream gets a connection of its own.
        alone = {"Connection": "close"} if client.base_url.scheme == "http" else {}
        self._stream_headers = {**sdk.headers, **alone}

    async def ready(self) -> None:
        """Nothing: the client is there."""

    async def whole(self, asked: HttpRequest) -> Whole:
        """Post, and read the whole reply."""
        response: httpx2.Response = await self.client.post(
            asked.path,
            body=asked.body,
            cast_to=httpx2.Response,
            options={
                "timeout": asked.timeout_s,
                "headers": {**self._sdk.headers, **asked.headers},
            },
        )
        return Whole(document=parse_object(response.content), headers=response.headers)

    @asynccontextmanager
    async def stream(self, asked: HttpRequest) -> AsyncGenerator[Streamed]:
        """Post, and read events; leaving closes the reply."""
        stream = await self.client.post(
            asked.path,
            body=asked.body,
            cast_to=object,
            options={
                "timeout": asked.timeout_s,
                "headers": {**self._stream_headers, **asked.headers},
            },
            stream=True,
            stream_cls=self._sdk.stream_cls,
        )
        try:
            yield Streamed(events=_objects(stream), headers=stream.response.headers)
        finally:
            await stream.close()

    def failure(self, error: Exception) -> ProviderError | None:
        """Our error for one of the SDK's or of its transport's."""
        if isinstance(error, self._sdk.status_error):
            return to_error(self._rejection(error))
        own = next((one for one in chain(error) if isinstance(one, AnswerTooLargeError)), None)
        return AnswerTooLargeError(str(own)) if own else self._broken(error)

    def _broken(self, error: Exception) -> ProviderError | None:
        if isinstance(error, (self._sdk.connection_error, *TRANSPORT_ERRORS)):
            return broken_calls.broken_to_error(self._sdk.vendor, error)
        if isinstance(error, self._sdk.stream_error):
            return to_error(self._rejection(error))
        if isinstance(error, UNREADABLE):
            return unreadable(self._sdk.vendor)
        return self._credential_failure(error)

    def _credential_failure(self, error: Exception) -> ProviderError | None:
        """Clouds look their credentials up when they are asked, each with errors of its own."""
        library = type(error).__module__.split(".", 1)[0]
        if isinstance(error, self._sdk.credential_errors) or library in CREDENTIAL_LIBRARIES:
            return AuthRejectedError(f"{self._sdk.vendor}: no credentials", billable=False)
        return None

    async def aclose(self) -> None:
        """Close connections."""
        await self.client.close()

    def session(self) -> aiohttp.ClientSession:
        """A new session, as the SDK's own connects."""
        secure = self.client.base_url.scheme == "https"
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=KEEP_S,
            ssl=httpx2.create_ssl_context(trust_env=False) if secure else True,
        )
        # Cookies of an address that is a number are kept, too, as httpx2 keeps them.
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            auto_decompress=False,
        )

    def encoded(self, body: JsonObject) -> bytes:
        """A body as the SDKs write it."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()

    def patience(self, timeout_s: float) -> aiohttp.ClientTimeout:
        """A time-out as httpx2 understands it: of each wait, not of the whole."""
        return aiohttp.ClientTimeout(connect=timeout_s, sock_connect=timeout_s, sock_read=timeout_s)

    async def read(self, response: aiohttp.ClientResponse) -> Whole:
        """Read a whole reply; a status that is no success raises the SDK's own error."""
        content, headers = await unpacked(response), _headers(response)
        if response.status in SUCCESS:
            return Whole(document=parse_object(content), headers=headers)
        seen = httpx2.Response(
            response.status,
            headers=[pair for pair in headers.items() if pair[0] != "content-encoding"],
            content=content,
            request=httpx2.Request("POST", str(response.url)),
        )
        raise cast("Any", self.client)._make_status_error_from_response(seen)  # noqa: SLF001

    def _rejection(self, error: Exception) -> Rejection:
        response: httpx2.Response | None = getattr(error, "response", None)
        refused = response is not None and response.status_code not in SUCCESS
        document = as_object(getattr(error, "body", None))
        inner = object_at(document, "error") or document
        return Rejection(
            vendor=self._sdk.vendor,
            status=response.status_code if response is not None and refused else None,
            codes=codes_of(inner),
            detail=text_at(inner, "message") or "",
            headers={} if response is None else response.headers,
            request_id=None if response is None else request_id(response.headers),
            bills_rejections=self._sdk.bills_rejections,
        )


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """As httpx2 gives them: in small letters, what comes twice joined."""
    found: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


async def _objects(stream: AsyncIterator[object]) -> AsyncIterator[JsonObject]:
    async for event in stream:
        yield as_object(event)


Client = TypeVar("Client")

LOGGERS = ("anthropic", "openai")


def unmoved(client: Client, headers: Mapping[str, object] | None = None) -> Client:
    """The SDK's client with `headers` as its only own ones.

    `ANTHROPIC_CUSTOM_HEADERS` and `OPENAI_CUSTOM_HEADERS` would add to every request, and the SDKs
    have no public way to decline. `ANTHROPIC_LOG` and `OPENAI_LOG` would write prompts to the log.
    """
    opened: Any = client
    opened._custom_headers = dict(headers or {})  # noqa: SLF001
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.getEffectiveLevel(), logging.WARNING))
    return client
