"""Parts of a request that several wires share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from providers.documents import JsonObject, as_object, parse_object
from providers.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from providers.request import Message, ModelRequest, Tool

SCHEMA_NAME = "answer"


def refuse(wire: str, what: str) -> BadRequestError:
    """An error for what a wire cannot carry; nothing was sent."""
    return BadRequestError(f"the {wire} wire cannot carry {what}", billable=False)


def refuse_parts(request: ModelRequest, wire: str, parts: Sequence[str]) -> None:
    """Raise `BadRequestError` when the request has one of the named parts."""
    present = {
        "images": any(message.images for message in request.messages),
        "tools": bool(request.tools),
        "tool turns": any(m.role == "tool" or m.tool_calls for m in request.messages),
        "a schema": request.schema is not None,
        "a seed": request.seed is not None,
        "stop sequences": bool(request.stop),
        "an effort": request.effort is not None,
        "a service tier": request.service_tier is not None,
    }
    for part in parts:
        if present[part]:
            raise refuse(wire, part)


def alternating(
    request: ModelRequest, assistant: str, parts_of: Callable[[Message], Sequence[JsonObject]]
) -> list[tuple[str, list[JsonObject]]]:
    """Turns but the system's, in order, by role; neighbours of one role are one turn.

    `assistant` is the wire's word for the model's own role; every other is `user`.
    """
    turns: list[tuple[str, list[JsonObject]]] = []
    for message in request.messages:
        if message.role == "system":
            continue
        role = assistant if message.role == "assistant" else "user"
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(parts_of(message))
    return turns


def schema_of(request: ModelRequest) -> JsonObject | None:
    """The answer's JSON Schema as a value."""
    return None if request.schema is None else given_object(request.schema, "schema")


def parameters_of(tool: Tool) -> JsonObject:
    """A tool's JSON Schema as a value."""
    return given_object(tool.parameters, f"parameters of tool {tool.name}")


def given_object(text: str, what: str) -> JsonObject:
    """JSON that the workspace gave, which must be one object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadRequestError(f"{what} is not one JSON object", billable=False)
    return parse_object(text)


def extra_body(request: ModelRequest) -> JsonObject:
    """What the model's entry adds to the body."""
    return {} if request.extra_body is None else given_object(request.extra_body, "extra_body")


def present(document: JsonObject) -> JsonObject:
    """The document without its None values."""
    return {key: value for key, value in document.items() if value is not None}


def merged(base: JsonObject, extra: JsonObject) -> JsonObject:
    """`extra` over `base`, objects merged key by key."""
    result = dict(base)
    for key, value in extra.items():
        inner = as_object(result.get(key))
        result[key] = merged(inner, as_object(value)) if inner and as_object(value) else value
    return result
