"""Promptfoo's prompts and templates as ours: Nunjucks, lines of roles, variables that are objects.

In a value, plain variables of any kind are read; of texts also filters that both engines have, and
`if` with names and written texts. All else is refused.

A part of an object that a prompt or an assertion names becomes a plain variable (`item_label`), so
that what only an assertion reads stays out of what a model is shown. References inside a
configuration (`{$ref: "#/assertionTemplates/short"}`) become what they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from evalsets.prompts import PromptError, check_template, fill_in
from harness.bring.intake.values import a_list, a_text, an_object
from harness.judge.scoring.checks import js_text
from harness.workspace.patterns import time_limit

_NAME = r"[A-Za-z_]\w*"
_VARIABLE = re.compile(rf"\{{\{{-?\s*({_NAME})\s*-?\}}\}}")
_TEXT = r"(?:'[^'\\]*'|\"[^\"\\]*\")"
_FILTER = (
    rf"\|\s*(?:upper|lower|trim|length|first|last|capitalize"
    rf"|default\(\s*{_TEXT}\s*\)|replace\(\s*{_TEXT}\s*,\s*{_TEXT}\s*\))\s*"
)
_SHOWN = re.compile(rf"\{{\{{-?\s*(?:{_NAME}|{_TEXT})\s*(?:{_FILTER})*-?\}}\}}", re.ASCII)
_TEST = rf"(?:not\s+)?{_NAME}(?:\s*(?:==|!=|===|!==)\s*{_TEXT})?"
_TAG = re.compile(
    rf"\{{%-?\s*(?:(?:if|elif|elseif)\s+{_TEST}(?:\s+(?:and|or)\s+{_TEST})*|else|endif)\s*-?%\}}",
    re.ASCII,
)
_ANY_TAG = re.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_WORD = re.compile(rf"{_TEXT}|({_NAME})", re.ASCII)
_KNOWN = frozenset(
    {
        *("if", "elif", "elseif", "else", "endif", "and", "or", "not", "upper", "lower", "trim"),
        *("length", "first", "last", "capitalize", "default", "replace"),
    }
)


class NotTheSameError(ValueError):
    """A template that may mean something else here; the message is the end of a sentence."""


def filled(value: str, values: Mapping[str, object]) -> str:
    """A text with its template filled in, as promptfoo does it.

    Raises:
        NotTheSameError: it holds what the two engines may read differently.
    """
    rest = _VARIABLE.sub("", value)
    if not any(sign in rest for sign in ("{{", "{%", "{#")):
        return _VARIABLE.sub(lambda match: _shown(values.get(match[1], "")), value)
    tags = [tag for tag in _ANY_TAG.findall(value) if not tag.startswith("{#")]
    odd = next((tag for tag in tags if not (_SHOWN.fullmatch(tag) or _TAG.fullmatch(tag))), None)
    if odd is not None or re.sub(_ANY_TAG, "", value).count("{%"):
        raise NotTheSameError(f": of its template {(odd or value)[:40]!r} is not read")
    named = {name: values[name] for name in names_in(value) if name in values}
    other = next((name for name, one in named.items() if not isinstance(one, str)), None)
    if other is not None:
        raise NotTheSameError(f": its template names {other!r}, which is no text")
    ours = _ANY_TAG.sub(lambda tag: _our_tag(tag[0]), value)
    try:
        with time_limit("a template"):
            return fill_in(ours, named)
    except PromptError as error:
        raise NotTheSameError(f": its template: {error}") from None


def _our_tag(tag: str) -> str:
    found = re.sub(r"(\{%-?\s*)elseif\b", r"\1elif", tag)
    return found.replace("!==", "!=").replace("===", "==")


def _shown(value: object) -> str:
    return "" if value is None else js_text(value)


def names_in(value: object) -> set[str]:
    """The variables that a value names."""
    if value is None:
        return set()
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    words = {word for tag in _ANY_TAG.findall(text) for word in _WORD.findall(tag) if word}
    return words - _KNOWN | set(_VARIABLE.findall(text))


_PLAIN_TAG = re.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}")
_QUOTED_OR_NAME = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w.])([A-Za-z_]\w*)""")
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
        for tag in _PLAIN_TAG.findall(prompt.text)
        for word in _QUOTED_OR_NAME.finditer(tag)
        if word[2]
    }
    return [name for name in known if name in named]


def template_of(
    prompt: RawPrompt, used: Collection[str], main: str | None
) -> tuple[str, str | None]:
    """Our template of a prompt whose input is `main`, and what is wrong with it (None: nothing)."""
    names = {name: "input" if name == main else f"metadata[{name!r}]" for name in used}
    text, fault = _chat(prompt.text)
    text = _PLAIN_TAG.sub(lambda tag: _renamed(tag[0], names), text)
    return text, fault or check_template(text)


def _renamed(tag: str, names: dict[str, str]) -> str:
    return _QUOTED_OR_NAME.sub(lambda word: word[1] or names.get(word[2], word[2]), tag)


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


def object_parts(tests: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """A pattern for each part of an object among the variables, and the part's plain name."""
    found: dict[str, str] = {}
    for values in tests:
        for name, value in values.items():
            for key in an_object(cast("object", value)):
                if re.fullmatch(r"[A-Za-z_]\w*", key):
                    at_key = rf"(?:\.{key}\b(?!\s*[\[(.])|\[\s*(['\"]){key}\1\s*\])"
                    part = rf"(?<![\w.]){re.escape(name)}{at_key}"
                    found[part] = f"{name}_{key}"
    return found


def with_parts(values: Mapping[str, Any], parts: Mapping[str, str]) -> dict[str, Any]:
    """The variables, with the parts of objects beside them."""
    names = set(parts.values())
    inner = {
        f"{name}_{key}": item
        for name, value in values.items()
        if isinstance(value, dict)
        for key, item in an_object(cast("object", value)).items()
    }
    return {**{name: item for name, item in inner.items() if name in names}, **values}


def renamed(text: str, parts: Mapping[str, str]) -> str:
    """A template with the parts of objects by their plain names."""

    def one(tag: re.Match[str]) -> str:
        found = tag[0]
        for part, name in parts.items():
            found = re.sub(part, name, found)
        return found

    return _PLAIN_TAG.sub(one, text) if parts else text


def renamed_entry(entry: object, parts: Mapping[str, str]) -> object:
    """An assertion with the parts of objects by their plain names."""
    if not parts or not isinstance(entry, dict):
        return entry
    data = an_object(cast("object", entry))
    if isinstance(data.get("assert"), list):
        data = {**data, "assert": [renamed_entry(one, parts) for one in a_list(data["assert"])]}
    value = data.get("value")
    if isinstance(value, str):
        return {**data, "value": renamed(value, parts)}
    if isinstance(value, list):
        listed = a_list(cast("object", value))
        return {**data, "value": [renamed(v, parts) if isinstance(v, str) else v for v in listed]}
    return data


def without_objects(values: Mapping[str, Any], used: Iterable[str]) -> dict[str, Any]:
    """The variables without each object of which a prompt names parts alone: the parts say it."""
    named = set(used)
    objects = {
        name
        for name, value in values.items()
        if isinstance(value, dict)
        and name not in named
        and any(f"{name}_{key}" in named for key in an_object(cast("object", value)))
    }
    return {name: value for name, value in values.items() if name not in objects}


class ReferenceCycleError(ValueError):
    """A `$ref` that leads back to itself; the message is the end of a sentence."""


def resolved(whole: object) -> object:
    """The value with each `{$ref: "#/..."}` replaced by what it means; others stay as they are.

    Raises:
        ReferenceCycleError: a reference leads back to itself.
    """
    return _resolved(whole, whole, inside=frozenset())


def _resolved(value: object, whole: object, *, inside: frozenset[str]) -> object:
    """`inside` are the references that led here."""
    if isinstance(value, list):
        return [_resolved(each, whole, inside=inside) for each in a_list(cast("object", value))]
    if not isinstance(value, dict):
        return value
    given = an_object(cast("object", value))
    reference = given.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        meant = _at(whole, reference[2:].split("/"))
        if reference in inside:
            raise ReferenceCycleError(f"`$ref: {reference}` leads back to itself")
        if meant is not None:
            return _resolved(meant, whole, inside=inside | {reference})
    return {key: _resolved(each, whole, inside=inside) for key, each in given.items()}


def _at(whole: object, parts: list[str]) -> object:
    found = whole
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            listed = a_list(cast("object", found))
            found = listed[int(name)] if name.isdecimal() and int(name) < len(listed) else None
        else:
            found = an_object(found).get(name)
    return found
