"""A reply without what is not the answer: reasoning left in the text, a fence around it.

A reply may also call tools. A scorer that sees calls is given text and calls in one text
(`whole`), which no text of a model can imitate: one that begins like it is wrapped itself.

Servers without a reasoning parser leave a model's thinking in the text, between tags that come
first. What follows is the answer. Reasoning that never ends has no answer behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

_NAMES = r"think|thinking|thoughts?|reasoning|analysis|reflection|scratchpad|seed:think"
_BLOCK = re.compile(
    rf"\s*(?:<({_NAMES})\b[^<>]{{0,80}}>.*?</\1\s*>|\[(think)\].*?\[/\2\]|\u25c1think\u25b7.*?\u25c1/think\u25b7)",
    re.DOTALL | re.IGNORECASE,
)
_OPENED = re.compile(
    rf"\s*(?:<(?:{_NAMES})\b[^<>]{{0,80}}>|\[think\]|\u25c1think\u25b7)", re.IGNORECASE
)
_CLOSED = re.compile(rf"</(?:{_NAMES})\s*>|\[/think\]|\u25c1/think\u25b7", re.IGNORECASE)
# OpenAI's open models write channels, and the last is for people.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_END = re.compile(r"<\|(?:end|return|call|start|im_end|eot_id|endoftext)\|>.*", re.DOTALL)


def without_reasoning(text: str) -> str:
    """The answer behind the reasoning; the text itself where none comes first.

    >>> without_reasoning("<think>technical? no</think> billing")
    'billing'
    >>> without_reasoning("<think>It could be billing")
    ''
    """
    if "<|channel|>" in text:
        return _final(text)
    rest = text
    while (block := _BLOCK.match(rest)) is not None:
        rest = rest[block.end() :]
    if _OPENED.match(rest) is not None:
        return ""
    # A prompt that ends with the opening tag leaves the reply with the closing one alone.
    first = _CLOSED.search(rest)
    if first is not None and _OPENED_ANYWHERE.search(rest, 0, first.start()) is None:
        rest = rest[first.end() :]
    return rest if rest is text else rest.strip()


_OPENED_ANYWHERE = re.compile(_OPENED.pattern.removeprefix(r"\s*"), re.IGNORECASE)


def _final(text: str) -> str:
    found = None
    for match in _CHANNEL.finditer(text):
        found = match
    if found is None or found[1] != "final":
        return ""
    return _END.sub("", text[found.end() :]).strip()


_FENCED = re.compile(
    r"\A\s*(?P<fence>`{3,}+|~{3,}+)[^\r\n`]*(?:\r\n|\r|\n)"
    r"(?P<inside>.*?)(?:\r\n|\r|\n)?[ \t]*(?P=fence)\s*\Z",
    re.DOTALL,
)


def unfenced(text: str) -> str:
    """The inside of one fence around the whole text, whatever ends its lines."""
    found = _FENCED.match(text)
    return text if found is None else found["inside"]


def answer_in(text: str) -> str:
    """A reply without reasoning and without a fence around all of it."""
    return unfenced(without_reasoning(text).removeprefix("\ufeff"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call of a tool by a model; `arguments` is JSON text as the model wrote it."""

    name: str
    arguments: str

    def shown(self) -> str:
        """The call as people write one; what cannot be read stays as it came.

        >>> Called(name="weather", arguments='{"city": "Paris", "days": 2}').shown()
        'weather(city="Paris", days=2)'
        """
        value = self.read()
        if not isinstance(value, dict):
            return f"{self.name}({self.arguments})"
        facts = cast("dict[str, object]", value)
        listed = (f"{key}={json.dumps(each, ensure_ascii=False)}" for key, each in facts.items())
        return f"{self.name}({', '.join(listed)})"

    def read(self) -> object:
        """The arguments as a JSON value; the text itself where it is none."""
        try:
            return json.loads(self.arguments) if self.arguments.strip() else {}
        except (ValueError, RecursionError):
            return self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a model said, and the tools that it called."""

    text: str
    calls: tuple[Called, ...] = ()

    def shown(self) -> str:
        """For people and judges: each call on a line of its own, then the text."""
        lines = [f"[calls {call.shown()}]" for call in self.calls]
        return "\n".join([*lines, self.text] if self.text or not lines else lines)


_WHOLE = '{"tool_calls": ['


def whole(text: str, tool_calls: str | None) -> str:
    """Text and calls as one text; the text itself where no tool was called.

    `tool_calls` is what the journal keeps: a list of {id, name, arguments (JSON text)}.
    """
    if tool_calls is None and not text.startswith(_WHOLE):
        return text
    return wrapped(Told(text=text, calls=calls_in(tool_calls)))


def wrapped(told: Told) -> str:
    """A reply as one text; the vendors' ids of calls are no part of it."""
    calls = [{"name": call.name, "arguments": call.arguments} for call in told.calls]
    return json.dumps({"tool_calls": calls, "text": told.text}, ensure_ascii=False)


def opened(answer: str) -> Told:
    """Text and calls of what `whole` put together."""
    if not answer.startswith(_WHOLE):
        return Told(text=answer)
    both = cast("dict[str, object]", json.loads(answer))
    return Told(text=str(both["text"]), calls=_calls(both["tool_calls"]))


def calls_in(tool_calls: str | None) -> tuple[Called, ...]:
    """The calls of an outcome, as the journal keeps them."""
    return _calls(json.loads(tool_calls)) if tool_calls else ()


def _calls(listed: object) -> tuple[Called, ...]:
    rows = cast("Sequence[dict[str, str]]", listed)
    return tuple(Called(name=row["name"], arguments=row["arguments"]) for row in rows)
