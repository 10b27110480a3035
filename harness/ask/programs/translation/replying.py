"""A candidate's reply, read from its own wire, as it is told to a program in another."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import cast

from harness.ask.programs.translation.neutral import made_id
from providers.answer import Answer, Dialect, JsonObject, as_object
from providers.completion import Finish, TokenUsage
from providers.request import ToolCall

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
