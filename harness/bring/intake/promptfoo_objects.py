"""Variables that are objects: `{{item.label}}` is one by itself, as in exports of OpenAI's Evals.

A part of an object that a prompt or an assertion names becomes a plain variable (`item_label`), so
that what only an assertion reads stays out of what a model is shown. References inside a
configuration (`{$ref: "#/assertionTemplates/short"}`) become what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from harness.bring.intake.values import a_list, an_object

_TAG = re.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}")


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

    return _TAG.sub(one, text) if parts else text


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


_DEEPEST = 64
"""References in references, at most."""


def resolved(whole: object) -> object:
    """The value with each `{$ref: "#/..."}` replaced by what it means; others stay as they are."""
    return _resolved(whole, whole, depth=0)


def _resolved(value: object, whole: object, *, depth: int) -> object:
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        listed = a_list(cast("object", value))
        return [_resolved(each, whole, depth=depth + 1) for each in listed]
    if not isinstance(value, dict):
        return value
    given = an_object(cast("object", value))
    reference = given.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        meant = _at(whole, reference[2:].split("/"))
        if meant is not None:
            return _resolved(meant, whole, depth=depth + 1)
    return {key: _resolved(each, whole, depth=depth + 1) for key, each in given.items()}


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
