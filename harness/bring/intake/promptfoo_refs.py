"""References inside another tool's configuration: `{$ref: "#/assertionTemplates/short"}`."""

from __future__ import annotations

from typing import cast

from harness.bring.intake.values import a_list, an_object

_DEEPEST = 64


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
