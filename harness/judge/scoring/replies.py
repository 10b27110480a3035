"""A reply without what is not the answer: reasoning left in the text, a fence around it.

Servers without a reasoning parser leave a model's thinking in the text, between tags that come
first. What follows is the answer. Reasoning that never ends has no answer behind it.
"""

from __future__ import annotations

import re

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
