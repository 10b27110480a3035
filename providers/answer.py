"""The answer in a response body, and how its JSON is read: no field is taken for granted.

Time and headers are added by the caller.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from providers.completion import Completion, Finish, RateLimit, Timing, TokenUsage
from providers.errors import BrokenBodyError
from providers.request import ModelRequest, ToolCall

JsonObject: TypeAlias = dict[str, object]


def parse_object(raw: bytes | str) -> JsonObject:
    """Parse a body that must be one JSON object, or raise `BrokenBodyError`."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        # The parser's error holds the body's text, which must not travel with ours.
        value = None
    if not isinstance(value, dict):
        raise BrokenBodyError("the body is not one JSON object (truncated, or not JSON)")
    return cast("JsonObject", value)


def as_object(value: object) -> JsonObject:
    """The value as an object; empty when it is something else."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def object_at(document: JsonObject, key: str) -> JsonObject:
    """The object under a key; empty when absent."""
    return as_object(document.get(key))


def items_at(document: JsonObject, key: str) -> list[JsonObject]:
    """The list of objects under a key; empty when absent."""
    value = document.get(key)
    if not isinstance(value, list):
        return []
    return [as_object(item) for item in cast("list[object]", value)]


def text_at(document: JsonObject, key: str) -> str | None:
    """The text under a key; None when absent or not a text."""
    value = document.get(key)
    return value if isinstance(value, str) else None


def count_at(document: JsonObject, key: str) -> int | None:
    """The whole number under a key, also as 5.0 or as a text; None when absent or no number."""
    value = document.get(key)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_MOST_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_MOST_DIGITS = 15


def content_at(document: JsonObject, key: str) -> str | None:
    """The text under a key, or the text parts of a list there, joined; None where there is none.

    Parts that are reasoning are no part of the answer. Some servers give a JSON answer as a value.
    """
    value = document.get(key)
    if isinstance(value, list):
        parts = [_part(each) for each in cast("list[object]", value)]
        return "".join(part for part in parts if part is not None)
    if isinstance(value, dict):
        part = _part(cast("object", value))
        return part if part is not None or "type" in value else json.dumps(value)
    if isinstance(value, int | float):
        return json.dumps(value)
    return value if isinstance(value, str) else None


_TEXT_PARTS = frozenset({"text", "output_text", "input_text", None})


def _part(part: object) -> str | None:
    if isinstance(part, str):
        return part
    known = as_object(part)
    if known.get("type") not in _TEXT_PARTS:
        return None
    text = known.get("text")
    return text if isinstance(text, str) else text_at(as_object(text), "value")


def to_json(document: JsonObject) -> str:
    """The document as compact JSON text, keys in their order."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's reply as its body tells it."""

    text: str
    finish: Finish
    served_model: str | None
    usage: TokenUsage | None
    tool_calls: tuple[ToolCall, ...] = ()
    service_tier: str | None = None
    reply_id: str | None = None
    probability: float | None = None
    """The model's own probability of this answer, in [0, 1]; None: it told none."""


class StreamReader(Protocol):
    """Puts a streamed answer together."""

    def feed(self, event: JsonObject) -> bool:
        """Take one event; say whether it brought part of the answer."""
        ...

    def usage(self) -> TokenUsage | None:
        """Usage reported so far; None until the server has told all of it."""
        ...

    def answer(self) -> Answer:
        """The whole answer, or `BrokenBodyError` when the stream ended before its end."""
        ...


class Dialect(Protocol):
    """One wire format: a request's body out, an answer in. No network, no SDK."""

    def path_of(self, request: ModelRequest, /) -> str:
        """Where the request goes, under the base address."""
        ...

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`; `BadRequestError` for what the wire cannot carry."""
        ...

    def read(self, document: JsonObject) -> Answer:
        """Read a plain answer, or raise `ProviderError`."""
        ...

    def reader(self) -> StreamReader:
        """Start reading a streamed answer."""
        ...


def to_completion(
    answer: Answer, timing: Timing, *, request_id: str | None, rate_limit: RateLimit | None
) -> Completion:
    """The reply with its time and headers."""
    return Completion(
        text=answer.text,
        finish=answer.finish,
        served_model=answer.served_model,
        request_id=request_id or answer.reply_id,
        usage=answer.usage,
        timing=timing,
        tool_calls=answer.tool_calls,
        rate_limit=rate_limit,
        service_tier=answer.service_tier,
        probability=answer.probability,
    )
