"""What a scripted wire server says to one request, in no vendor's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Body: TypeAlias = dict[str, Any]

Fault: TypeAlias = Literal[
    "reset",  # the connection is reset before any byte
    "stall",  # nothing more ever comes (streamed: after the first piece)
    "cut",  # the connection breaks inside the body
    "truncated",  # a well-framed body that holds half of the JSON or of the stream
    "html",  # a page of HTML with status 200
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireUsage:
    """Tokens; `input_tokens` includes cached ones, `output_tokens` includes reasoning."""

    input_tokens: int = 10
    output_tokens: int = 5
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WireToolCall:
    """A call of a tool; `arguments` is JSON text."""

    name: str
    arguments: str
    id: str = "call_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted reply. With a status of 400 or more it is the vendor's error document."""

    text: str = "ok"
    finish: str = "stop"
    """`stop`, `length`, `tool_calls`, `content_filter` or `refusal`; each server translates."""
    usage: WireUsage | None = field(default_factory=WireUsage)
    """None: the server reports no usage."""
    tool_calls: tuple[WireToolCall, ...] = ()
    status: int = 200
    error_code: str | None = None
    error_message: str = "scripted error"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    """Before the first byte."""
    piece_delay_s: float = 0.0
    """Before each further piece of a streamed answer."""
    may_send: Callable[[bytes], bool] | None = None
    """Asked again and again until it says yes: before each frame of a stream, before the whole of
    a plain answer, and with no bytes before a `stall`. It stands for what only an event may set
    off, where `delay_s` would stand for a guess how long that takes."""
    fault: Fault | None = None
    body: str | None = None
    """Sent as it stands, instead of a made body: recorded wire."""
    raw: bytes | None = None
    """The same, in bytes that may be packed."""
    content_type: str | None = None
    model: str | None = None
    """Model version as served; default: as asked."""
    service_tier: str | None = None
    probability: float | None = None
    """Of the whole answer, shared out over its tokens where the request asks for them."""


Script: TypeAlias = Callable[[Body], Reply]


def always_ok(_body: Body) -> Reply:
    """Answer `ok`."""
    return Reply()
