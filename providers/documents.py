"""Reading JSON that a server wrote: nothing about its shape is taken for granted."""

from __future__ import annotations

import json
from typing import TypeAlias, cast

from providers.errors import BrokenBodyError

JsonObject: TypeAlias = dict[str, object]


def parse_object(raw: bytes | str) -> JsonObject:
    """Parse a body that must be one JSON object, or raise `BrokenBodyError`."""
    try:
        value: object = json.loads(raw)
    except ValueError:
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
    """The whole number under a key; None when absent or not a number."""
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def to_json(document: JsonObject) -> str:
    """The document as compact JSON text, keys in their order."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
