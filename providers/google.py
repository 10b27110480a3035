"""Google's Gemini models, through the google-genai SDK on its aiohttp back end."""

from __future__ import annotations

import json
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import aiohttp
from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import ValidationError

from providers import broken_calls
from providers.calling import Asked, Streamed, Whole, WireProvider, unreadable
from providers.clouds import needs
from providers.dialects.generate_content import GenerateContentDialect
from providers.documents import JsonObject, parse_object
from providers.errors import AuthRejectedError
from providers.google_status import to_rejection
from providers.rejections import to_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from providers.errors import ProviderError
    from providers.headers import Headers
    from providers.provider import Endpoint

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com/"
API_VERSION = "v1"
VERTEX_API_VERSION = "v1"
TRANSPORT_ERRORS = (aiohttp.ClientError, OSError)
# JSON that is none, text that is not UTF-8, documents that are none of the SDK's types.
UNREADABLE = (
    json.JSONDecodeError,
    UnicodeDecodeError,
    ValidationError,
    errors.UnknownApiResponseError,
)
# The SDK wants contents of its own kind; the body below, made by the dialect, replaces them.
REPLACED = "-"
EVENT_BYTES = 2**22


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """What must be closed in the end."""

    session: aiohttp.ClientSession
    client: genai.Client


class GoogleWire:
    """Posts through `client.aio.models`, with every repetition of the SDK's own switched off."""

    def __init__(self, endpoint: Endpoint, key: str | None) -> None:
        self._endpoint = endpoint
        self._key = key
        self._open: _Open | None = None

    async def ready(self) -> None:
        """Make the client, inside the loop that its connections belong to."""
        self.client()

    async def whole(self, asked: Asked) -> Whole:
        """Post, and read the whole reply."""
        config = _config(asked, whole=True)
        reply = await self.client().aio.models.generate_content(
            model=asked.path, contents=REPLACED, config=config
        )
        http = reply.sdk_http_response or types.HttpResponse()
        return Whole(document=parse_object(http.body or ""), headers=http.headers or {})

    @asynccontextmanager
    async def stream(self, asked: Asked) -> AsyncGenerator[Streamed]:
        """Post, and read events; leaving closes the reply."""
        chunks = await self.client().aio.models.generate_content_stream(
            model=asked.path, contents=REPLACED, config=_config(asked, whole=False)
        )
        headers: dict[str, str] = {}
        async with aclosing(_events(chunks, headers)) as events:
            yield Streamed(events=events, headers=headers)

    def failure(self, error: Exception) -> ProviderError | None:
        """Our error for one of the SDK's or of its transport's."""
        if isinstance(error, errors.APIError):
            document = cast("object", error.details)
            return to_error(to_rejection(error.code, document, _headers(error)))
        if isinstance(error, TRANSPORT_ERRORS):
            return broken_calls.to_error("google", error)
        if isinstance(error, GoogleAuthError):
            return AuthRejectedError("google: no credentials", billable=False)
        return unreadable("google") if isinstance(error, UNREADABLE) else None

    async def aclose(self) -> None:
        """Close connections."""
        if self._open is not None:
            await self._open.client.aio.aclose()
            self._open.client.close()
            await self._open.session.close()

    def client(self) -> genai.Client:
        """The SDK's client, made on first use inside the loop of its connections."""
        if self._open is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
                trust_env=False,
                read_bufsize=EVENT_BYTES,
            )
            self._open = _Open(
                session=session, client=client_of(self._endpoint, self._key, session)
            )
        return self._open.client


def open_google(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` generate-content.

    Raises:
        AuthRejectedError: there is no key.
    """
    check_google(endpoint, key=key)
    return WireProvider(GoogleWire(endpoint, key), GenerateContentDialect())


def check_google(endpoint: Endpoint, *, key: str | None) -> None:
    """Refuse an endpoint that cannot be asked.

    Raises:
        AuthRejectedError: there is no key, and no platform that has credentials of its own.
        BadRequestError: the platform needs to be told more.
    """
    if endpoint.platform == "vertex":
        _ = endpoint.project or needs("vertex", "`project:`")
        _ = endpoint.region or needs("vertex", "`region:`")
    elif not key:
        raise AuthRejectedError("google: no key; `key:` names its variable", billable=False)


def client_of(endpoint: Endpoint, key: str | None, session: aiohttp.ClientSession) -> genai.Client:
    """The SDK's client: retries, redirects and proxies of the environment off.

    On Vertex the key is an access token; without one the platform's own credentials are used.
    """
    options = types.HttpOptions(
        base_url=endpoint.base_url,
        aiohttp_client=session,
        async_client_args={"allow_redirects": False},
        # One attempt; without this the SDK repeats a broken connection by itself.
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    if endpoint.platform == "vertex":
        return genai.Client(
            vertexai=True,
            project=endpoint.project,
            location=endpoint.region,
            credentials=Credentials(token=key) if key else None,
            http_options=options.model_copy(update={"api_version": VERTEX_API_VERSION}),
        )
    update = {"base_url": endpoint.base_url or DEFAULT_BASE_URL, "api_version": API_VERSION}
    return genai.Client(vertexai=False, api_key=key, http_options=options.model_copy(update=update))


def _config(asked: Asked, *, whole: bool) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        http_options=types.HttpOptions(extra_body=asked.body),
        should_return_http_response=whole or None,
        # A second request behind our back would be a second price.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


async def _events(
    chunks: AsyncIterator[types.GenerateContentResponse], headers: dict[str, str]
) -> AsyncGenerator[JsonObject]:
    async for chunk in chunks:
        if not headers and chunk.sdk_http_response is not None:
            headers.update(chunk.sdk_http_response.headers or {})
        yield chunk.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response", "parsed"}
        )


def _headers(error: errors.APIError) -> Headers:
    response = cast("object", error.response)
    headers = cast("Headers", getattr(response, "headers", None) or {})
    return {name.lower(): value for name, value in headers.items()}
