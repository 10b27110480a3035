"""OpenAI, and whoever speaks its wire, through OpenAI's own SDK on its aiohttp back end."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream, Omit

from providers import broken_calls
from providers.answer import to_completion
from providers.dialects.chat import ChatDialect
from providers.dialects.completions import CompletionsDialect
from providers.dialects.responses import ResponsesDialect
from providers.documents import as_object, parse_object, text_at
from providers.errors import BrokenBodyError, ProviderError
from providers.headers import rate_limit
from providers.rejections import Rejection
from providers.rejections import to_error as rejection_to_error
from providers.stopwatch import MONOTONIC, Clock, Stopwatch, streams

if TYPE_CHECKING:
    from providers.answer import Answer, Dialect
    from providers.completion import Completion
    from providers.provider import Endpoint
    from providers.request import ModelRequest

DEFAULT_BASE_URL = "https://api.openai.com/v1"
# 0 means no limit to aiohttp: the governor bounds what is in flight, and waiting for a free
# connection here would count as latency. Idle connections are dropped before uvicorn and llama.cpp
# drop them (5 s): a request on a connection that the server is closing is lost.
NO_LIMIT = httpx2.Limits(max_connections=0, max_keepalive_connections=1024, keepalive_expiry=4.0)
TRANSPORT_ERRORS = (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError, OSError)


class OpenAIProvider:
    """Asks one endpoint. One client, so one connection pool, for all requests."""

    def __init__(
        self, client: AsyncOpenAI, dialect: Dialect, *, vendor: str, clock: Clock = MONOTONIC
    ) -> None:
        self._client = client
        # Without a key the SDK insists on being told that the header shall be absent.
        self._headers = {} if client.api_key else {"Authorization": Omit()}
        # llama.cpp closes a connection after a stream without saying so, and the next request on
        # it is lost. Where connecting costs nothing, each stream gets a connection of its own.
        alone = {"Connection": "close"} if client.base_url.scheme == "http" else {}
        self._stream_headers = {**self._headers, **alone}
        self._dialect = dialect
        self._vendor = vendor
        self._clock = clock

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        body = self._dialect.body(request)
        stopwatch = Stopwatch(request, self._clock)
        ask = self._streamed if streams(request) else self._whole
        try:
            async with stopwatch:
                return await ask(body, stopwatch, request.timeout_s)
        except ProviderError as error:
            failure = error
        except openai.APIStatusError as error:
            failure = rejection_to_error(self._rejection(error))
        except TRANSPORT_ERRORS as error:
            failure = broken_calls.to_error(self._vendor, error)
        except openai.APIError as error:
            failure = rejection_to_error(self._stream_rejection(error))
        except (UnicodeDecodeError, ValueError):
            failure = BrokenBodyError(f"{self._vendor}: the reply is not what the wire promises")
        # Raised out here: an exception of the SDK, which holds the request, must not hang on it.
        failure.total_s = failure.total_s or stopwatch.total_s
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _whole(
        self, body: dict[str, object], stopwatch: Stopwatch, timeout_s: float
    ) -> Completion:
        response = await self._client.post(
            self._dialect.path,
            body=body,
            cast_to=httpx2.Response,
            options={"timeout": timeout_s, "headers": self._headers},
        )
        answer = self._dialect.read(parse_object(response.content))
        return self._completion(answer, stopwatch, response)

    async def _streamed(
        self, body: dict[str, object], stopwatch: Stopwatch, timeout_s: float
    ) -> Completion:
        stream = await self._client.post(
            self._dialect.path,
            body=body,
            cast_to=object,
            options={"timeout": timeout_s, "headers": self._stream_headers},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        reader = self._dialect.reader()
        try:
            async for event in stream:
                stopwatch.progress()
                if reader.feed(as_object(event)):
                    stopwatch.piece()
            return self._completion(reader.answer(), stopwatch, stream.response)
        finally:
            await stream.close()

    def _completion(
        self, answer: Answer, stopwatch: Stopwatch, response: httpx2.Response
    ) -> Completion:
        headers = response.headers
        return to_completion(
            answer,
            stopwatch.timing(answer.usage),
            request_id=headers.get("x-request-id"),
            rate_limit=rate_limit(headers),
        )

    def _rejection(self, error: openai.APIStatusError) -> Rejection:
        return Rejection(
            vendor=self._vendor,
            status=error.status_code,
            codes=_codes(error.body),
            detail=_detail(error.body),
            headers=error.response.headers,
            request_id=error.request_id,
        )

    def _stream_rejection(self, error: openai.APIError) -> Rejection:
        return Rejection(
            vendor=self._vendor,
            status=None,
            codes=_codes(error.body),
            detail=_detail(error.body),
        )


def open_openai(endpoint: Endpoint, *, key: str | None) -> OpenAIProvider:
    """Open a provider for `api` chat, completions or responses."""
    http_client = openai.DefaultAioHttpClient(
        follow_redirects=False, trust_env=False, limits=NO_LIMIT
    )
    # Organisation, project and keys of the SDK's environment variables are for the user's own
    # programs; here everything is stated by the endpoint.
    silent = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    client = AsyncOpenAI(
        api_key=key or "",
        admin_api_key="",
        webhook_secret="",
        base_url=endpoint.base_url or DEFAULT_BASE_URL,
        max_retries=0,
        http_client=http_client,
        default_headers=cast("dict[str, str]", silent),
    )
    return OpenAIProvider(client, dialect_of(endpoint), vendor=endpoint.vendor)


def dialect_of(endpoint: Endpoint) -> Dialect:
    """The wire format of an endpoint."""
    match endpoint.api:
        case "chat":
            return ChatDialect(compatible=endpoint.vendor != "openai")
        case "completions":
            return CompletionsDialect()
        case "responses":
            return ResponsesDialect()
        case _:
            raise ValueError(f"OpenAI's wire has no api {endpoint.api!r}")


def _codes(body: object) -> tuple[str, ...]:
    document = as_object(body)
    inner = as_object(document.get("innererror"))
    found = (text_at(document, "code"), text_at(inner, "code"), text_at(document, "type"))
    return tuple(code for code in found if code)


def _detail(body: object) -> str:
    return text_at(as_object(body), "message") or ""
