"""One request in both ways, through the SDK and around it, and what wires carry and bring back."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from providers.errors import ProviderError
from providers.opening import open_provider
from providers.request import ImagePart, Message, ModelRequest, Tool, ToolCall
from tests.support.wire.raw_server import RawReply, RawServer
from tests.support.wire.vendors import KEY, WireCase, a_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from random import Random

    from providers.completion import Completion

COUNTS = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "chat": {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small-1-0714",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Ja, naß."},
                "finish_reason": "stop",
            }
        ],
        "usage": COUNTS,
    },
    "completions": {
        "id": "c-2",
        "object": "text_completion",
        "created": 1,
        "model": "small-1",
        "choices": [{"index": 0, "text": "yes", "finish_reason": "stop", "logprobs": None}],
        "usage": COUNTS,
    },
    "responses": {
        "id": "r-1",
        "object": "response",
        "status": "completed",
        "model": "small-1",
        "output": [
            {
                "type": "message",
                "id": "m-1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "yes", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11},
    },
    "messages": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "small-1",
        "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 2},
    },
    "generate-content": {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP"}
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11},
        "modelVersion": "small-1",
        "responseId": "g-1",
    },
}


def answer_of(wire: WireCase) -> RawReply:
    """What a model says, with the headers that are read."""
    headers = {
        "x-request-id": "req-1",
        "request-id": "req-1",
        "x-ratelimit-limit-requests": "600",
        "x-ratelimit-remaining-requests": "599",
        "anthropic-ratelimit-requests-limit": "600",
    }
    return RawReply(body=json.dumps(DOCUMENTS[wire.api]).encode(), headers=headers)


async def outcome(provider: Any, request: ModelRequest) -> object:
    """What came of a request, without its times."""
    try:
        found: Completion = await provider.complete(request)
    except ProviderError as error:
        facts = {name: value for name, value in vars(error).items() if name != "total_s"}
        return type(error), error.args, facts
    return replace(found, timing=found.timing.__class__(total_s=1.0))


class Both:
    """A wire's two ways to one server; the direct one has learned before it is compared."""

    def __init__(self, wire: WireCase, server: RawServer, key: str | None = KEY) -> None:
        path = "/v1" if wire.vendor.startswith("openai") else ""
        self.server = server
        endpoint = wire.endpoint_at(f"http://127.0.0.1:{server.port}{path}")
        self._learn = answer_of(wire)
        self._sdk = open_provider(endpoint, key=key)
        self._direct = open_provider(replace(endpoint, transport="direct"), key=key)

    async def aclose(self) -> None:
        await self._sdk.aclose()
        await self._direct.aclose()

    async def learn(self, *requests: ModelRequest) -> None:
        """Both send what the direct one learns by."""
        self.server.reply = self._learn
        for request in requests:
            await self._sdk.complete(request)
            await self._direct.complete(request)

    async def same(self, request: ModelRequest, reply: RawReply | None = None) -> object:
        """Ask in both ways; hold the requests, to the byte, and what came of them to be equal."""
        self.server.reply = reply or self._learn
        del self.server.seen[:]
        by_sdk, direct = await outcome(self._sdk, request), await outcome(self._direct, request)
        sent = self.server.seen
        assert direct == by_sdk
        # Nothing at all where the wire cannot carry it.
        assert len(sent) in {0, 2}
        assert sent[1:] == sent[:1] or _as_a_set(sent[1]) == _as_a_set(sent[0])
        return direct


def _as_a_set(sent: bytes) -> tuple[bytes, set[bytes], bytes]:
    """A request with a cookie: its headers in any order, their names in small letters."""
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    named = {name.lower() + b":" + value for name, _, value in (h.partition(b":") for h in headers)}
    assert any(each.startswith(b"cookie:") for each in named), "only a cookie may stand elsewhere"
    return line, named, body


@asynccontextmanager
async def both_ways(
    wire: WireCase, server: RawServer, *, key: str | None = KEY, timeouts: Sequence[float] = (60.0,)
) -> AsyncIterator[Both]:
    """Both ways, after a first request of each kind."""
    both = Both(wire, server, key)
    try:
        await both.learn(*(a_request(timeout_s=one) for one in timeouts))
        yield both
    finally:
        await both.aclose()


SCHEMA = json.dumps({"type": "object", "properties": {"größe": {"type": "number"}}})
TOOL = Tool(name="weather", description="Weather of a city.", parameters='{"type": "object"}')
IMAGE = ImagePart(media_type="image/png", data="aGVsbG8=")
FROZEN = (
    Message(role="user", text="Weather in Oslo and Zürich?"),
    Message(
        role="assistant",
        text="",
        tool_calls=(ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}'),),
    ),
    Message(role="tool", text="5 °C", tool_call_id="call_1"),
)
SYSTEM = (Message(role="system", text='Say "yes" or \\ no.\n\u2028', cache=True),)
TEXTS = ("Is water wet?", "Ist Wasser naß? 🌊", 'a "quoted"\n\tpart </s>', " ", "x" * 5000)


def drawn(rng: Random) -> ModelRequest:
    """A request with some of what wires can carry."""
    turns = FROZEN if rng.random() < 0.3 else ()
    images = (IMAGE,) * rng.choice((0, 0, 1, 2))
    asked = Message(role="user", text=rng.choice(TEXTS), images=images, cache=rng.random() < 0.2)
    tools = (TOOL,) if turns or rng.random() < 0.2 else ()
    return ModelRequest(
        model="small-1",
        messages=(*rng.choice(((), SYSTEM)), *turns, asked),
        max_output_tokens=rng.choice((1, 16, 4096)),
        temperature=rng.choice((None, 0.0, 0.3, 1.0)),
        seed=rng.choice((None, 7)),
        stop=rng.choice(((), ("END",), ("a", "ö"))),
        schema=rng.choice((None, None, SCHEMA)),
        tools=tools,
        effort=rng.choice((None, None, "low", "4096")),
        service_tier=rng.choice((None, None, "flex")),
        timeout_s=rng.choice((60.0, 120)),
        extra_body=rng.choice((None, None, '{"top_k": 3, "deep": {"a": [1, null, true]}}')),
    )


STATUSES = (400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504, 529)
REDIRECTS = (301, 302, 307, 308)
TOLD = {
    "x-request-id": "req-9",
    "request-id": "req-9",
    "Retry-After": "7",
    "X-RateLimit-Remaining-Requests": "0",
    "x-ratelimit-reset-requests": "6m0s",
    "date": "Tue, 24 Nov 2026 10:00:00 GMT",
    "location": "https://example.com/elsewhere",
}
SAID: tuple[bytes, ...] = (
    b"",
    b"no",
    b"{}",
    b"[1]",
    b"<html>Bad gateway</html>",
    b'{"error": "words"}',
    b'{"error": {"message": "the prompt is too long", "type": "invalid_request_error"}}',
    b'{"error": {"code": "context_length_exceeded", "message": "too long"}}',
    b'{"type": "error", "error": {"type": "overloaded_error", "message": "later"}}',
    b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "13s"}]}}',
    b'{"error": {"error": {"code": "rate_limit_exceeded"}}, "message": "na\xc3\xafve"}',
    b'\xff\xfe{"error"',
)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def refusals() -> Iterator[RawReply]:
    """Each status, each form of what is said with one, packed and not."""
    for number, status in enumerate((*STATUSES, *REDIRECTS)):
        yield RawReply(status=status, body=SAID[number % len(SAID)], headers=TOLD)
    for body in SAID:
        yield RawReply(status=400, body=body, headers=TOLD)
        packed = {**TOLD, "content-encoding": "gzip"}
        yield RawReply(status=429, body=gzip.compress(body), headers=packed)


def broken(whole: bytes) -> Iterator[RawReply]:
    """Replies that are cut, torn, empty, or something else than JSON."""
    yield RawReply(body=whole, cut=5)
    yield RawReply(status=500, body=whole, cut=5)
    yield RawReply(resets=True)
    yield RawReply(status=204)
    for body in (b"not json", b"[]", b"", whole[:-9], b"\xff" + whole, b'{"error": {"code": "x"}}'):
        yield RawReply(body=body)
    yield RawReply(body=b"no gzip", headers={"content-encoding": "gzip"})
    yield RawReply(body=gzip.compress(whole)[:-20], headers={"content-encoding": "gzip"})


def packed(whole: bytes) -> Iterator[RawReply]:
    """An answer in each packing that is asked for."""
    for packing, body in (
        ("identity", whole),
        ("gzip", gzip.compress(whole)),
        ("deflate", zlib.compress(whole)),
        ("deflate", raw_deflate(whole)),
    ):
        yield RawReply(body=body, headers={"content-encoding": packing})
