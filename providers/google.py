"""Google's Gemini models through the google-genai SDK, one by one and in batches."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from pydantic import ValidationError

from providers.answer import Answer, JsonObject, count_at, object_at, parse_object, text_at
from providers.batch import (
    BatchItem,
    BatchOutcome,
    BatchStatus,
    from_lines,
    one_model,
    outcome,
    to_lines,
    told,
)
from providers.dialects.generate_content import GenerateContentDialect
from providers.errors import AuthRejectedError, BadRequestError, BrokenBodyError, ProviderError
from providers.provider import Endpoint, goes_direct, needs
from providers.request import unstreamed
from providers.wire import rejections as broken_calls
from providers.wire.bounded import BoundedResponse
from providers.wire.calling import HttpRequest, Streamed, Whole, WireProvider, unreadable
from providers.wire.direct import DirectWire, middleware
from providers.wire.google_status import to_rejection
from providers.wire.rejections import Headers, to_error

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
OWN_PARTS: JsonObject = {"contents": REPLACED, "generationConfig": {}}
"""Of a body that the SDK builds: what it is given for contents and settings."""


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

    async def whole(self, asked: HttpRequest) -> Whole:
        """Post, and read the whole reply."""
        config = _config(asked, whole=True)
        reply = await self.client().aio.models.generate_content(
            model=asked.path, contents=REPLACED, config=config
        )
        http = reply.sdk_http_response or types.HttpResponse()
        return Whole(document=parse_object(http.body or ""), headers=http.headers or {})

    @asynccontextmanager
    async def stream(self, asked: HttpRequest) -> AsyncGenerator[Streamed]:
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
            return broken_calls.broken_to_error("google", error)
        if isinstance(error, GoogleAuthError):
            return AuthRejectedError("google: no credentials", billable=False)
        return unreadable("google") if isinstance(error, UNREADABLE) else None

    async def aclose(self) -> None:
        """Close connections."""
        if self._open is not None:
            await self._open.client.aio.aclose()
            self._open.client.close()
            await self._open.session.close()

    def session(self) -> aiohttp.ClientSession:
        """A new session, as the SDK is given one."""
        return _session()

    def encoded(self, body: JsonObject) -> bytes:
        """A body as the SDK writes it: its own parts come first, filled by the dialect's."""
        return json.dumps({**OWN_PARTS, **body}).encode()

    def patience(self, timeout_s: float) -> aiohttp.ClientTimeout:  # noqa: ARG002  # none is given
        """None, as the SDK is told none: the stopwatch ends a call."""
        return aiohttp.ClientTimeout(total=None)

    async def read(self, response: aiohttp.ClientResponse) -> Whole:
        """Read a whole reply; a status that is no success raises the SDK's own error."""
        await cast("Any", errors.APIError).raise_for_async_response(response)
        return Whole(document=parse_object(await response.text()), headers=response.headers)

    def client(self) -> genai.Client:
        """The SDK's client, made on first use inside the loop of its connections."""
        if self._open is None:
            session = _session(middleware)
            self._open = _Open(
                session=session, client=client_of(self._endpoint, self._key, session)
            )
        return self._open.client


def _session(*middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4.0),
        trust_env=False,
        read_bufsize=EVENT_BYTES,
        response_class=BoundedResponse,
        middlewares=middlewares,
    )


def open_google(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `api` generate-content.

    Raises:
        AuthRejectedError: there is no key.
    """
    check_google(endpoint, key=key)
    wire = GoogleWire(endpoint, key)
    return WireProvider(
        DirectWire(wire) if goes_direct(endpoint) else wire, GenerateContentDialect()
    )


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


def _config(asked: HttpRequest, *, whole: bool) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        http_options=types.HttpOptions(
            extra_body=asked.body,
            api_version=asked.api_version,
            headers=dict(asked.headers) or None,
        ),
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


MOST_ITEMS = 50_000
STAGES = {
    "JOB_STATE_SUCCEEDED": BatchStatus(stage="ended"),
    "JOB_STATE_PARTIALLY_SUCCEEDED": BatchStatus(stage="ended"),
    "JOB_STATE_FAILED": BatchStatus(stage="failed", reason="JOB_STATE_FAILED"),
    "JOB_STATE_CANCELLED": BatchStatus(stage="failed", reason="JOB_STATE_CANCELLED"),
    "JOB_STATE_EXPIRED": BatchStatus(stage="failed", reason="JOB_STATE_EXPIRED"),
}
# google.rpc.Code: the word, and the status of HTTP that it goes with.
RPC_CODES = {
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    16: ("UNAUTHENTICATED", 401),
}


class GoogleBatch:
    """Batches of one endpoint."""

    def __init__(self, endpoint: Endpoint, *, key: str | None) -> None:
        self._wire = GoogleWire(endpoint, key)
        self._dialect = GenerateContentDialect()

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Upload the requests and start the batch."""
        model = one_model(items, most=MOST_ITEMS)
        lines = io.BytesIO(to_lines(self._line(item) for item in items))
        client: Any = self._wire.client().aio
        upload = client.files.upload(file=lines, config={"mime_type": "application/jsonl"})
        file = await told(self._wire.failure, upload)
        creation = client.batches.create(model=model, src=file.name)
        batch = await told(self._wire.failure, creation)
        if not batch.name:
            raise BrokenBodyError("google: a batch without a name")
        return cast("str", batch.name)

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands."""
        batch = await self._get(batch_id)
        state = batch.state.value if batch.state is not None else ""
        return STAGES.get(state, BatchStatus(stage="running"))

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read the file of results."""
        batch = await self._get(batch_id)
        name = batch.dest.file_name if batch.dest is not None else None
        if name is None:
            raise BrokenBodyError("google: an ended batch without a file of results")
        client: Any = self._wire.client().aio
        raw = await told(self._wire.failure, client.files.download(file=name))
        return tuple(self._outcome(line) for line in from_lines(raw))

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()

    async def _get(self, batch_id: str) -> Any:  # noqa: ANN401  # the SDK's BatchJob
        client: Any = self._wire.client().aio
        return await told(self._wire.failure, client.batches.get(name=batch_id))

    def _line(self, item: BatchItem) -> JsonObject:
        return {"key": item.id, "request": self._dialect.body(unstreamed(item.request))}

    def _outcome(self, line: JsonObject) -> BatchOutcome:
        return outcome(text_at(line, "key") or "", lambda: self._read(line))

    def _read(self, line: JsonObject) -> Answer:
        error = object_at(line, "error") or object_at(line, "status")
        if error:
            code = count_at(error, "code") or 0
            word, status = RPC_CODES.get(code, ("", code))
            raise to_error(to_rejection(status, {"status": word, **error}, {}))
        return self._dialect.read(object_at(line, "response"))


def open_google_batch(endpoint: Endpoint, *, key: str | None) -> GoogleBatch:
    """Open the batches of an endpoint.

    Raises:
        AuthRejectedError: there is no key.
        BadRequestError: the endpoint is on Vertex, whose batches go through its own storage.
    """
    if endpoint.platform is not None:
        raise BadRequestError(f"no batches on {endpoint.platform}; ask live", billable=False)
    check_google(endpoint, key=key)
    return GoogleBatch(endpoint, key=key)
