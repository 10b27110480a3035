"""Nunjucks in a value of a configuration: filled in where our templates mean the same.

Plain variables of any kind; of texts also filters that both engines have, and `if` with names and
written texts. All else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from evalsets.prompts import PromptError, fill_in
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
