"""The tools that a feature's model may call, from a file in a form that some vendor's API takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from evalsets.validation import shown
from harness.errors import UsageError
from harness.scoring.schemas import BrokenSchemaError, validator_of
from providers.request import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMS = (
    "{name, description, parameters}, {type: function, function: {...}} (OpenAI's), "
    "or {name, description, input_schema} (Anthropic's)"
)
_OWN_TYPES = (None, "function", "custom")
"""What a tool of the team's own is called where it has a type; the vendors' own have others."""


class ToolsError(UsageError):
    """A file of tools that cannot be read; one line says which tool and why."""


def read_tools(text: str) -> tuple[Tool, ...]:
    """The tools of a JSON file: a list, each in one of the forms that are known.

    Raises:
        ToolsError: one of them is none, or two have one name.
    """
    try:
        listed: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ToolsError("no JSON") from None
    if not isinstance(listed, list):
        raise ToolsError(f"must be a list of tools, got {shown(listed)}")
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
    """Name, description and parameters, wherever the form has them."""
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
