"""Google's Gemini models through `google-generativeai`, for teams that still pin it.

The package is at its end of life (support ended on 2025-11-30) and needs an environment of its own:
it forces protobuf below 6. Its asynchronous calls fail against an address of one's own, so its
synchronous REST transport runs in threads. Its messages know less than today's API: a schema and a
tool's parameters go in its older form (a subset of JSON Schema, types in capitals), and what it
does not know is refused, not dropped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, cast

from providers.answer import JsonObject, as_object, count_at, items_at, object_at, parse_object
from providers.dialects.generate_content import GenerateContentDialect
from providers.errors import BadRequestError, ProviderError
from providers.provider import Endpoint
from providers.wire import rejections as broken_calls
from providers.wire.bounded import bound_requests
from providers.wire.calling import HttpRequest, Streamed, Whole, WireProvider, unreadable
from providers.wire.google_status import to_rejection
from providers.wire.rejections import to_error

COPIED = frozenset(
    {"description", "enum", "format", "maxItems", "minItems", "nullable", "required"}
)
# Says nothing about what fits: left out without loss.
SILENT = frozenset({"$schema", "additionalProperties", "title"})


def to_older(schema: JsonObject) -> JsonObject:
    """Translate a schema, or raise `BadRequestError` for what the older form cannot say."""
    older: JsonObject = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            older["type"] = value.upper()
        elif key == "properties":
            older[key] = {name: to_older(as_object(of)) for name, of in as_object(value).items()}
        elif key == "items":
            older[key] = to_older(as_object(value))
        elif key in COPIED:
            older[key] = value
        elif key not in SILENT:
            raise BadRequestError(f"google-generativeai knows no schema key {key}", billable=False)
    return older


DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
THREADS = 64
UNREADABLE = ("ParseError", "JSONDecodeError", "ValueError", "UnicodeDecodeError")


class GenerativeAIWire:
    """The package's REST client in threads, its repetitions and redirects off."""

    def __init__(self, base_url: str, key: str) -> None:
        # Loaded here: nobody else needs the package, and no type of it is known where it is absent.
        self._types: Any = import_module("google.ai.generativelanguage")
        self._errors: Any = import_module("google.api_core.exceptions")
        options = import_module("google.api_core.client_options").ClientOptions
        self._client: Any = self._types.GenerativeServiceClient(
            transport="rest",
            client_options=options(api_endpoint=base_url.rstrip("/"), api_key=key),
        )
        # No public way to its session, which repeats a 401 and follows redirects.
        session = self._client.transport._session  # noqa: SLF001
        session._max_refresh_attempts = 0  # noqa: SLF001
        session.max_redirects = 0
        session.trust_env = False
        session.hooks["response"].append(bound_requests)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="generativeai")

    async def ready(self) -> None:
        """Nothing: the client is there."""

    async def whole(self, asked: HttpRequest) -> Whole:
        """Post, and read the whole reply."""
        reply = await self._in_thread(lambda: self._call("generate_content", asked))
        return Whole(document=self._document(reply), headers={})

    @asynccontextmanager
    async def stream(self, asked: HttpRequest) -> AsyncGenerator[Streamed]:
        """Post, and read chunks; each is waited for in a thread."""
        chunks = await self._in_thread(lambda: self._call("stream_generate_content", asked))
        yield Streamed(events=self._events(chunks), headers={})

    def failure(self, error: Exception) -> ProviderError | None:
        """Our error for one of the package's or of its transport's."""
        if isinstance(error, self._errors.GoogleAPICallError):
            return to_error(_rejection_of(error))
        if type(error).__name__ == "TooManyRedirects":
            return BadRequestError("google: a redirect, which is not followed", billable=False)
        if isinstance(error, OSError):
            return broken_calls.broken_to_error("google", error)
        names = {kind.__name__ for kind in type(error).__mro__}
        return unreadable("google") if names.intersection(UNREADABLE) else None

    async def aclose(self) -> None:
        """Close connections; a call that is still waited for ends by its own time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.transport.close()

    async def _in_thread(self, call: Callable[[], object]) -> Any:  # noqa: ANN401  # untyped package
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _call(self, method: str, asked: HttpRequest) -> object:
        body = {"model": f"models/{asked.path}", **to_known(asked.body)}
        parse = self._types.GenerateContentRequest.from_json
        request = parse(json.dumps(body), ignore_unknown_fields=False)
        return getattr(self._client, method)(request, timeout=asked.timeout_s, retry=None)

    async def _events(self, chunks: Any) -> AsyncIterator[JsonObject]:  # noqa: ANN401
        while (chunk := await self._in_thread(lambda: next(chunks, None))) is not None:
            yield self._document(chunk)

    def _document(self, reply: Any) -> JsonObject:  # noqa: ANN401
        write = self._types.GenerateContentResponse.to_json
        text = write(reply, use_integers_for_enums=False, including_default_value_fields=False)
        return with_thoughts(parse_object(cast("str", text)))


def open_generativeai(endpoint: Endpoint, *, key: str | None) -> WireProvider:
    """Open a provider for `sdk: google-generativeai`.

    Raises:
        BadRequestError: there is no key, or the endpoint is on a cloud.
    """
    if not key or endpoint.platform is not None:
        message = "sdk google-generativeai needs a key, and has no platform"
        raise BadRequestError(message, billable=False)
    wire = GenerativeAIWire(endpoint.base_url or DEFAULT_BASE_URL, key)
    return WireProvider(wire, GenerateContentDialect())


def to_known(body: JsonObject) -> JsonObject:
    """Today's body in the words that the package knows; unknown words are refused by its parser."""
    known = dict(body)
    generation = dict(object_at(body, "generationConfig"))
    schema = generation.pop("responseJsonSchema", None)
    if schema is not None:
        generation["responseSchema"] = to_older(as_object(schema))
    known["generationConfig"] = generation
    if "tools" in body:
        known["tools"] = [_older_tool(tool) for tool in items_at(body, "tools")]
    known["contents"] = [_without_marks(content) for content in items_at(body, "contents")]
    return known


def with_thoughts(document: JsonObject) -> JsonObject:
    """The reply with its thoughts counted: the package drops their count and keeps the total."""
    usage = object_at(document, "usageMetadata")
    total, prompt = count_at(usage, "totalTokenCount"), count_at(usage, "promptTokenCount")
    if total is None or prompt is None:
        return document
    thoughts = max(0, total - prompt - (count_at(usage, "candidatesTokenCount") or 0))
    return {**document, "usageMetadata": {**usage, "thoughtsTokenCount": thoughts}}


def _older_tool(tool: JsonObject) -> JsonObject:
    declarations: list[JsonObject] = []
    for given in items_at(tool, "functionDeclarations"):
        declaration = dict(given)
        schema = as_object(declaration.pop("parametersJsonSchema", None))
        declarations.append({**declaration, "parameters": to_older(schema)})
    return {"functionDeclarations": declarations}


def _without_marks(content: JsonObject) -> JsonObject:
    parts = [
        {key: value for key, value in part.items() if key != "thoughtSignature"}
        for part in items_at(content, "parts")
    ]
    return {**content, "parts": parts}


def _rejection_of(error: Any) -> Any:  # noqa: ANN401
    response = error.response
    headers = {} if response is None else {k.lower(): v for k, v in response.headers.items()}
    try:
        document: object = {} if response is None else response.json()
    except ValueError:
        document = {}
    return to_rejection(error.code, document, headers)
