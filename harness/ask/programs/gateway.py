"""The gateway: a server on loopback between programs and models, in the vendors' own wires.

A program reaches it by the variables that the vendors' SDKs read, and its key is the token of its
own instance: no other instance has it, and outside a trial it opens nothing. No real key is here.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from harness.ask.programs.protocol import Given
from harness.ask.programs.wires import (
    PASSED_HEADERS,
    ReadCall,
    RefusedCallError,
    wire_of,
)
from providers.answer import JsonObject, as_object, items_at, object_at, text_at
from providers.provider import Api

if TYPE_CHECKING:
    from aiohttp import web

LARGEST_BODY = 64 * 2**20
NO_RETRY = {"x-should-retry": "false"}
"""The SDKs of OpenAI and Anthropic ask again after an error unless they are told not to."""
UNAUTHORIZED, UNAVAILABLE, OVERLOADED = 401, 503, 529
_OTHER_TYPE = "invalid_request_error"
ERROR_TYPES: Mapping[Api, Mapping[int, str]] = {
    "chat": {
        429: "rate_limit_error",
        502: "server_error",
        503: "server_error",
        504: "server_error",
    },
    "messages": {
        401: "authentication_error",
        404: "not_found_error",
        429: "rate_limit_error",
        502: "api_error",
        503: "overloaded_error",
        504: "timeout_error",
    },
}
"""Types of the vendors' error documents by status (their pages on errors)."""
GOOGLE_WORDS: Mapping[int, str] = {
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came."""

    path: str
    query: str
    body: JsonObject
    headers: tuple[tuple[str, str], ...]


class OpenTrial(Protocol):
    """The trial that an instance works on."""

    async def ask(self, asked: Asked) -> tuple[ReadCall, Given]:
        """Have a model asked; the call as it was read, and the reply, or why there is none.

        Raises:
            RefusedCallError: the program may not make this call.
        """
        ...


class Gateway:
    """Listens on a free port of 127.0.0.1 once it is opened."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._trials: dict[str, OpenTrial] = {}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Listen, once."""
        async with self._opening:
            if self._runner is None:
                self._runner = await self._listening()

    async def _listening(self) -> web.AppRunner:
        from aiohttp import web  # noqa: PLC0415  # only where a program runs

        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        return runner

    @property
    def origin(self) -> str:
        """Its address.

        Raises:
            LookupError: it was not opened.
        """
        if self._runner is None:
            raise LookupError("the gateway was not opened")
        port: int = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    def environment(self, token: str) -> dict[str, str]:
        """The variables that lead the vendors' SDKs here."""
        return {
            "OPENAI_BASE_URL": f"{self.origin}/v1",
            "OPENAI_API_KEY": token,
            "ANTHROPIC_BASE_URL": self.origin,
            "ANTHROPIC_API_KEY": token,
            "GOOGLE_GEMINI_BASE_URL": self.origin,
            "GOOGLE_API_KEY": token,
            "GEMINI_API_KEY": token,
            "NO_PROXY": "127.0.0.1",
        }

    def let_in(self, token: str, trial: OpenTrial) -> None:
        """Count calls with this token as calls of this trial."""
        self._trials[token] = trial

    def shut_out(self, token: str) -> None:
        """Refuse calls with this token from now on."""
        self._trials.pop(token, None)

    async def aclose(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web  # noqa: PLC0415  # only where a program runs

        wire = wire_of(request.path)
        trial = self._trial(request)
        if trial is None:
            said = "no trial is under way for this key: a program asks while it answers a case"
            return problem(wire, UNAUTHORIZED, said)
        try:
            asked = await _asked(request)
            call, given = await trial.ask(asked)
        except RefusedCallError as error:
            return problem(wire, error.status, str(error))
        if given.document is None:
            return problem(wire, given.status, given.problem, given.code)
        if call.streamed:
            return await _stream(request, frames(call.wire, asked.body, given.document))
        return web.Response(text=given.document, content_type="application/json")

    def _trial(self, request: web.Request) -> OpenTrial | None:
        """The trial of the request's token; every comparison takes as long as any other."""
        given = _token(request).encode()
        found = None
        for token, trial in self._trials.items():
            if secrets.compare_digest(token.encode(), given):
                found = trial
        return found


def _token(request: web.Request) -> str:
    """Where the SDKs, and other clients, put a key."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    keys = (request.headers.get(name, "") for name in ("x-api-key", "x-goog-api-key"))
    return bearer or next((key for key in keys if key), "") or request.query.get("key", "")


async def _asked(request: web.Request) -> Asked:
    query = {name: value for name, value in request.query.items() if name not in {"alt", "key"}}
    named = [(name, request.headers[name]) for name in PASSED_HEADERS if name in request.headers]
    return Asked(
        path=request.path,
        query="&".join(f"{name}={value}" for name, value in sorted(query.items())),
        body=await _body(request),
        headers=tuple(named),
    )


async def _body(request: web.Request) -> JsonObject:
    try:
        value: object = json.loads(await request.read())
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RefusedCallError("the request is not one JSON object")
    return cast("JsonObject", value)


def problem(wire: Api, status: int, said: str, code: str | None = None) -> web.Response:
    """An error in a vendor's form: its SDK raises the class that it raises for the vendor's own."""
    from aiohttp import web  # noqa: PLC0415  # only where a program runs

    message = f"rightsize: {said}"
    kind = ERROR_TYPES["messages" if wire == "messages" else "chat"].get(status, _OTHER_TYPE)
    document: JsonObject = {
        "error": {"message": message, "type": kind, "code": code, "param": None}
    }
    if wire == "messages":
        status = OVERLOADED if status == UNAVAILABLE else status
        document = {"type": "error", "error": {"message": message, "type": kind}}
    elif wire == "generate-content":
        word = GOOGLE_WORDS.get(status, "INVALID_ARGUMENT")
        document = {"error": {"code": status, "message": message, "status": word}}
    return web.json_response(document, status=status, headers=NO_RETRY)


def frames(wire: Api, body: JsonObject, document: str) -> list[str]:
    """A stream's events, as the vendor's wire frames them."""
    events = [as_object(event) for event in json.loads(document)]
    if wire == "chat":
        told = object_at(body, "stream_options").get("include_usage") is True
        kept = [event for event in events if told or _has_choice(event)]
        return [*(f"data: {json.dumps(event)}\n\n" for event in kept), "data: [DONE]\n\n"]
    if wire == "generate-content":
        return [f"data: {json.dumps(event)}\r\n\r\n" for event in events]
    return [f"event: {text_at(e, 'type')}\ndata: {json.dumps(e)}\n\n" for e in events]


def _has_choice(event: JsonObject) -> bool:
    """The counts come in a chunk of their own, which we ask for whether the program did or not."""
    return bool(items_at(event, "choices"))


async def _stream(request: web.Request, pieces: Sequence[str]) -> web.StreamResponse:
    from aiohttp import web  # noqa: PLC0415  # only where a program runs

    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece.encode())
    await response.write_eof()
    return response
