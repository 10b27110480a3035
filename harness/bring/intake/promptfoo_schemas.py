"""JSON Schemas as promptfoo's Ajv (strict, draft 7) takes them, with patterns in Python's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from harness.judge.scoring.checks import FORMATS, is_valid
from harness.judge.scoring.js_regex import to_python

_ANNOTATIONS = frozenset(
    {"$id", "$comment", "title", "description", "default", "readOnly", "writeOnly", "examples"}
)
_VALUES = frozenset(
    {
        *("$ref", "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum"),
        *("exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems"),
        *("maxProperties", "minProperties", "required", "contentMediaType", "contentEncoding"),
    }
)
_SCHEMAS = frozenset(
    {
        *("items", "additionalItems", "contains", "additionalProperties", "propertyNames", "if"),
        *("then", "else", "not", "allOf", "anyOf", "oneOf"),
    }
)
_NAMED = frozenset({"properties", "patternProperties", "definitions", "dependencies"})
_DRAFT_7 = "http://json-schema.org/draft-07/schema"
_UNCHECKED = frozenset({"password", "binary"})


def schema_of(given: dict[str, Any]) -> dict[str, Any]:
    """The schema for our validator.

    Raises:
        ValueError: promptfoo itself refuses it, or it means something that ours does not.
    """
    made = _translated(given)
    is_valid(None, made)
    return made


def _translated(schema: Any) -> Any:  # noqa: ANN401  # a schema is an object or a boolean
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", schema).items():
        if key in _SCHEMAS:
            listed = isinstance(value, list)
            several = cast("list[Any]", value if listed else [value])
            parts = [_translated(each) for each in several]
            found[key] = parts if listed else parts[0]
        elif key in _NAMED and isinstance(value, dict):
            named = cast("dict[str, Any]", value)
            turn = to_python if key == "patternProperties" else str
            found[key] = {turn(name): _translated(each) for name, each in named.items()}
        elif key not in _ANNOTATIONS:
            found[key] = _keyword(key, value)
    return {key: value for key, value in found.items() if value is not None or key == "const"}


def _keyword(key: str, value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if key in _VALUES:
        return value
    special = _SPECIAL.get(key)
    if special is None:
        raise ValueError(f"promptfoo itself refuses the key {key[:40]!r} of its schema")
    return special(value)


def _format(value: Any) -> Any:  # noqa: ANN401
    if value in _UNCHECKED:
        return None
    if value not in FORMATS:
        raise ValueError(f"the format {str(value)[:40]!r} is not known")
    return value


def _draft(value: Any) -> Any:  # noqa: ANN401
    if str(value).rstrip("#") != _DRAFT_7:
        raise ValueError("its schema is of another draft than 7")
    return value


def _pattern(value: Any) -> Any:  # noqa: ANN401
    return to_python(str(value))


def _nullable(_value: Any) -> Any:  # noqa: ANN401
    raise ValueError("`nullable` is not read; write the type as a list with null")


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "format": _format,
    "$schema": _draft,
    "pattern": _pattern,
    "nullable": _nullable,
}
