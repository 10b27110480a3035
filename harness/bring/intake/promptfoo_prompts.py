"""Promptfoo's prompts as our templates: Nunjucks text, or chat JSON as lines of roles."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from evalsets.prompts import check_template
from harness.bring.intake.values import a_list, a_text, an_object

_TAG = re.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}")
_WORD = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w.])([A-Za-z_]\w*)""")
_ROLES = frozenset({"system", "developer", "user", "assistant"})
_NOT_TEXT = (".js", ".ts", ".mjs", ".cjs", ".py")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPrompt:
    """A prompt as promptfoo holds it; `at` is its place in the configuration's prompts."""

    at: int
    label: str
    text: str


def raw_prompts(
    entries: Iterable[object],
    read: Callable[[str], str | None],
    tell: Callable[[int, str], None],
) -> list[RawPrompt]:
    """The prompts' texts; what is not a text is told: `tell(place, message)`."""
    found: list[RawPrompt] = []
    for at, entry in enumerate(entries):
        data = an_object(entry)
        text = (
            entry if isinstance(entry, str) else a_text(data.get("raw")) or a_text(data.get("id"))
        )
        if text is None:
            tell(at, "prompt not converted: neither a text nor a file")
            continue
        label = a_text(data.get("label")) or f"prompt {at + 1}"
        found += [RawPrompt(at=at, label=label, text=part) for part in _texts(text, at, read, tell)]
    return found


def _texts(
    text: str, at: int, read: Callable[[str], str | None], tell: Callable[[int, str], None]
) -> list[str]:
    name = text.removeprefix("file://")
    is_file = text.startswith("file://") or ("\n" not in text and "{{" not in text and "." in text)
    if name.endswith(_NOT_TEXT) or re.search(r"\.(js|ts|mjs|py):\w+$", name):
        tell(at, f"prompt not converted: {name} is a program; write the prompt out as a template")
        return []
    content = read(name) if is_file else None
    if content is None:
        if text.startswith("file://"):
            tell(at, f"prompt not converted: no such file: {name}")
            return []
        return [text]
    if name.endswith(".txt"):
        return [part for part in re.split(r"(?m)^---\s*$", content) if part.strip()]
    return [content]


def used_variables(prompts: Iterable[RawPrompt], known: Collection[str]) -> list[str]:
    """The variables that the prompts name, in the order of `known`."""
    named = {
        word[2]
        for prompt in prompts
        for tag in _TAG.findall(prompt.text)
        for word in _WORD.finditer(tag)
        if word[2]
    }
    return [name for name in known if name in named]


def template_of(
    prompt: RawPrompt, used: Collection[str], main: str | None
) -> tuple[str, str | None]:
    """Our template of a prompt whose input is `main`, and what is wrong with it (None: nothing)."""
    names = {name: "input" if name == main else f"metadata[{name!r}]" for name in used}
    text, fault = _chat(prompt.text)
    text = _TAG.sub(lambda tag: _renamed(tag[0], names), text)
    return text, fault or check_template(text)


def _renamed(tag: str, names: dict[str, str]) -> str:
    return _WORD.sub(lambda word: word[1] or names.get(word[2], word[2]), tag)


def _chat(text: str) -> tuple[str, str | None]:
    """A chat prompt's JSON as role lines; any other text as it is."""
    if not text.lstrip().startswith("["):
        return text, None
    try:
        messages = [an_object(each) for each in a_list(json.loads(text))]
    except ValueError:
        return text, "chat prompt is not plain JSON"
    lines: list[str] = []
    for message in messages:
        role, content = _message(message)
        if role is None or content is None:
            return text, "chat prompt has a message that is no text"
        lines += [f"=== {role} ===", content]
    return "\n".join([*lines, ""]), None


def _message(message: dict[str, Any]) -> tuple[str | None, str | None]:
    role, content = message.get("role"), message.get("content")
    known = role if isinstance(role, str) and role in _ROLES else None
    return ("system" if known == "developer" else known), a_text(content)
