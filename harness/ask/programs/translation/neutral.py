"""A program's call and a candidate's reply in no vendor's words, between two wires."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from harness.ask.programs.translation.rows import Part
from providers.answer import Answer, Dialect, JsonObject, as_object
from providers.completion import Finish, TokenUsage
from providers.request import ImagePart, Message, Tool, ToolCall

SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids of calls that every vendor takes (Anthropic's characters, the length of OpenAI's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosingRule:
    """Whether a tool must be called; `name`: which, of `named`."""

    mode: Literal["none", "auto", "required", "named"]
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeutralCall:
    """A program's request in no vendor's format. A field that it did not state is None."""

    messages: tuple[Message, ...]
    """The system's turns stand where the program put them."""
    tools: tuple[Tool, ...] = ()
    rule: ChoosingRule | None = None
    one_call: bool = False
    """At most one tool call a turn."""
    limit: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: str | None = None
    """JSON Schema of the answer, as JSON text."""
    strict: bool | None = None
    """Whether the schema was to be held to strictly."""
    json: bool = False
    """Any JSON object is wanted."""
    stream: bool = False
    left_out: tuple[str, ...] = ()
    """Fields of the program's that no other vendor is sent."""

    def parts(self) -> Mapping[Part, object]:
        """The fields that the program stated, by name, without the messages."""
        found: dict[Part, object] = {
            "tools": self.tools,
            "tool_choice": self.rule,
            "one_call": self.one_call,
            "limit": self.limit,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "seed": self.seed,
            "stop": self.stop,
            "schema": self.schema,
            "json": self.json,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "stream": self.stream,
            "system": any(message.role == "system" for message in self.messages),
        }
        # 0 is a value, and Python holds it equal to False.
        return {
            part: value
            for part, value in found.items()
            if value is not None and value is not False and value != ()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A piece of a turn: a text or an image."""

    text: str = ""
    image: ImagePart | None = None
    cache: bool = False


def turns_of(role: Literal["system", "user"], pieces: Iterable[Spoken]) -> list[Message]:
    """A turn's pieces in their order: a message has its images before its one text."""
    found: list[Message] = []
    images: list[ImagePart] = []
    for piece in pieces:
        if piece.image is not None:
            images.append(piece.image)
        if piece.image is None or piece.cache:
            found.append(
                Message(role=role, text=piece.text, images=tuple(images), cache=piece.cache)
            )
            images = []
    if images:
        found.append(Message(role=role, text="", images=tuple(images)))
    return found


def with_ids(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same turns, every call with an id of its own that all vendors take, its result with it.

    A result without an id answers the first open call of its name, which is then its `text`'s.
    """
    given: dict[str, str] = {}
    used: set[str] = set()
    found: list[Message] = []
    for message in messages:
        calls: list[ToolCall] = []
        for call in message.tool_calls:
            given[call.id] = fresh = _fresh(call.id, used)
            used.add(fresh)
            calls.append(replace(call, id=fresh))
        asked = message.tool_call_id
        answers = None if asked is None else given.get(asked) or _fresh(asked, set())
        found.append(replace(message, tool_calls=tuple(calls), tool_call_id=answers))
    return tuple(found)


def _fresh(asked: str, used: set[str]) -> str:
    name = asked if SAFE_ID.fullmatch(asked) else made_id(asked)
    again = 1
    while name in used:
        again += 1
        name = made_id(f"{asked}/{again}")
    return name


def made_id(*parts: object) -> str:
    """An id made of what it stands for: the same whenever the same is asked."""
    told = "/".join(str(part) for part in parts)
    return f"call_{hashlib.sha256(told.encode(errors='surrogatepass')).hexdigest()[:24]}"


DECLINED = "The model declined to answer."
"""Told for a refusal without a word, in wires where a refusal is a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyToTell:
    """A reply in no vendor's words."""

    id: str
    model: str
    """Who answered, as the candidate's vendor names it."""
    text: str
    finish: Finish
    usage: TokenUsage | None
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def refusal(self) -> str | None:
        """The text of a refusal; None where there is none."""
        return (self.text or DECLINED) if self.finish == "refusal" else None


def reply_to_tell(dialect: Dialect, document: str, asked: str) -> ReplyToTell:
    """The reply in a document as it came: one object, or a stream's events."""
    value: object = json.loads(document)
    if isinstance(value, list):
        reader = dialect.reader()
        for event in cast("list[object]", value):
            reader.feed(as_object(event))
        answer = reader.answer()
    else:
        answer = dialect.read(as_object(value))
    return _told(answer, document, asked)


def _told(answer: Answer, document: str, asked: str) -> ReplyToTell:
    calls = tuple(
        call if call.id else replace(call, id=made_id(document, at))
        for at, call in enumerate(answer.tool_calls)
    )
    return ReplyToTell(
        id=made_id(answer.reply_id or document).removeprefix("call_"),
        model=answer.served_model or asked,
        text=answer.text,
        finish=answer.finish,
        usage=answer.usage,
        tool_calls=calls,
    )


def arguments_object(call: ToolCall) -> JsonObject:
    """A call's arguments as an object; what is none is told under the key that Anthropic names.

    Source: docs.claude.com/en/docs/agents-and-tools/tool-use/fine-grained-tool-streaming.
    """
    try:
        value: object = json.loads(call.arguments or "{}")
    except ValueError:
        value = None
    found = as_object(value)
    return found if value == found else {"INVALID_JSON": call.arguments}


def openai_usage(usage: TokenUsage | None, names: tuple[str, str]) -> JsonObject:
    """Usage in OpenAI's two wires, which name the same counts in two ways."""
    if usage is None:
        return {}
    read, said = names
    cached: JsonObject = {"cached_tokens": usage.cache_read_tokens}
    if usage.cache_write_tokens:
        cached["cache_write_tokens"] = usage.cache_write_tokens
    return {
        read: usage.input_tokens,
        said: usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        f"{read}_details": cached,
        f"{said}_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
