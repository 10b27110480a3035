"""The tools that a feature declares: read in any vendor's form, and the defaults of arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from evalsets.validation import shown
from harness.errors import UsageError
from harness.judge.scoring.json_answers import BrokenSchemaError, validator_of
from providers.request import Tool

_FORMS = (
    "{name, description, parameters}, {type: function, function: {...}} (OpenAI's), "
    "or {name, description, input_schema} (Anthropic's)"
)
_OWN_TYPES = (None, "function", "custom")
"""Types of a team's own tools; the vendors' built-in tools have others."""


class ToolsError(UsageError):
    """A file of tools that cannot be read; the message says which tool and why."""


def read_tools(text: str) -> tuple[Tool, ...]:
    """Read the tools of a JSON file: a list, each in a known form.

    Raises:
        ToolsError: one of them is not a tool, or two have the same name.
    """
    try:
        listed: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ToolsError("no JSON") from None
    if not isinstance(listed, list):
        raise ToolsError(f"must be a list of tools, got {shown(listed)}")
    if not listed:
        raise ToolsError("lists no tool; name one, or take `tools:` away")
    tools = tuple(_tool(entry, at) for at, entry in enumerate(cast("list[object]", listed), 1))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ToolsError(f"two tools are called {twice!r}")
    return tools


def _tool(entry: object, at: int) -> Tool:
    facts = _facts(entry, at)
    name, description = facts.get("name"), facts.get("description") or ""
    if not isinstance(name, str) or not name.strip() or not isinstance(description, str):
        raise ToolsError(f"tool {at} has no name; known forms: {_FORMS}")
    stated = facts.get("parameters", facts.get("input_schema"))
    parameters: object = dict[str, object]() if stated is None else stated
    try:
        validator_of(parameters)
    except BrokenSchemaError as error:
        raise ToolsError(f"tool {at} ({name}): no JSON Schema as parameters: {error}") from None
    return Tool(
        name=name, description=description, parameters=json.dumps(parameters, sort_keys=True)
    )


def _facts(entry: object, at: int) -> Mapping[str, object]:
    """The mapping with name, description and parameters, in whichever form."""
    if not isinstance(entry, dict):
        raise ToolsError(f"tool {at} is {shown(entry)}; known forms: {_FORMS}")
    facts = cast("dict[str, object]", entry)
    if facts.get("type") not in _OWN_TYPES:
        raise ToolsError(
            f"tool {at} is the vendor's own {shown(facts['type'])}, which no other model has; "
            "leave it out"
        )
    inner = facts.get("function")
    return cast("dict[str, object]", inner) if isinstance(inner, dict) else facts


_LARGEST = 400
"""Decimal places of a number, either way; one beyond is no argument."""


def by_value(text: str) -> int | float:
    """A number by value: whole ones exact at any length, others as all JSON readers take them."""
    value = Decimal(text)
    if abs(value.adjusted()) > _LARGEST:
        raise ValueError("a number out of range")
    return int(value) if value == value.to_integral_value() else float(value)


def with_defaults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The value with the declared defaults of what it leaves out, inside objects and lists too."""
    if isinstance(value, list):
        inner = _schema(_resolved(schema, root, cast("object", value)).get("items"))
        return [with_defaults(each, inner, root) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    facts = cast("dict[str, Any]", value)
    named = _resolved(schema, root, facts).get("properties")
    properties = cast("dict[str, Any]", named) if isinstance(named, dict) else {}
    found = {
        key: with_defaults(each, _schema(properties.get(key)), root) for key, each in facts.items()
    }
    for key, each in properties.items():
        declared = _resolved(_schema(each), root, None)
        if key not in found and "default" in declared:
            found[key] = canonical_numbers(declared["default"])
    return found


def _schema(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def arguments_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the arguments that a tool's parameters declare."""
    named = _resolved(schema, schema, {}).get("properties")
    return tuple(cast("dict[str, object]", named)) if isinstance(named, dict) else ()


_MOST_REFERENCES = 16


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any], value: object) -> dict[str, Any]:
    """A schema's own words, with those of what it refers to and of the branch that fits a value."""
    found = dict(schema)
    for _ in range(_MOST_REFERENCES):
        if "$ref" not in found:
            break
        target = _looked_up(root, str(found.pop("$ref")))
        found = {**target, **found}
    for each in cast("list[object]", found.get("allOf") or []):
        inner = _resolved(_schema(each), root, value)
        both = {**inner.get("properties", {}), **found.get("properties", {})}
        found = {**inner, **found, **({"properties": both} if both else {})}
    for key in ("anyOf", "oneOf"):
        branches = [
            _resolved(_schema(each), root, value)
            for each in cast("list[object]", found.get(key) or [])
        ]
        fitting = next((each for each in branches if _fits(each, value)), None)
        found = {**(fitting or {}), **found}
    return found


def _looked_up(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """What a reference inside the schema names; nothing for one that leads nowhere."""
    place: object = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part:
            place = _schema(place).get(part.replace("~1", "/").replace("~0", "~"))
    return _schema(place)


def _fits(branch: Mapping[str, Any], value: object) -> bool:
    """Whether an object or a list is of a branch's type, with all that it requires."""
    kinds = branch.get("type")
    listed = cast("list[str]", kinds) if isinstance(kinds, list) else [kinds]
    if isinstance(value, dict):
        required = cast("list[str]", branch.get("required") or [])
        of_kind = "object" in listed or "properties" in branch
        return of_kind and set(required) <= set(cast("dict[str, Any]", value))
    return isinstance(value, list) and "array" in listed


def canonical_numbers(value: object) -> Any:  # noqa: ANN401
    """A JSON value with its numbers as those of arguments are read."""
    return json.loads(json.dumps(value), parse_float=by_value)
