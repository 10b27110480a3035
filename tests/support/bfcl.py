"""Cases in the form of the Berkeley Function Calling Leaderboard, read for our scorer.

A right answer lists, for each argument, every value that is right; an empty text among them says
that the argument may be left out. Texts are compared without white space, punctuation and case.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

RULES = {"*": "letters"}
"""How its checker compares texts."""
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "integer": "integer"}
MOST_TARGETS = 3000


def tools_of(functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Its function descriptions as tools with JSON Schemas, without their defaults.

    Its checker asks whether a right answer may lack an argument, never what the default is.
    """
    return [{"name": each["name"], "parameters": _schema(each["parameters"])} for each in functions]


def _schema(value: Any) -> Any:
    if isinstance(value, list):
        return [_schema(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: each
        for key, each in value.items()
        if key in {"type", "properties", "items", "required"} and not _is_any(key, each)
    }
    named = kept.pop("properties", None)
    found = {key: _typed(key, each) for key, each in kept.items()}
    if isinstance(named, dict):
        found["properties"] = {name: _schema(each) for name, each in named.items()}
    return found


def _is_any(key: str, value: Any) -> bool:
    return key == "type" and value == "any"


def _typed(key: str, value: Any) -> Any:
    return _TYPES.get(value, value) if key == "type" else _schema(value)


def targets_of(ground_truth: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Every right answer, as lists of calls; empty where there are too many to write down."""
    calls = [_calls(each) for each in ground_truth]
    count = 1
    for each in calls:
        count *= len(each)
    return [] if count > MOST_TARGETS else [list(each) for each in itertools.product(*calls)]


def _calls(stated: dict[str, Any]) -> list[dict[str, Any]]:
    ((name, arguments),) = stated.items()
    return [
        {"name": name, "arguments": each} for each in itertools.islice(_objects(arguments), 5000)
    ]


_ABSENT = object()


def _objects(stated: dict[str, list[Any]]) -> Any:
    """Every object that a mapping of keys to right values allows."""
    ways = [
        [_ABSENT if value == "" else value for one in values for value in _values(one)]
        for values in stated.values()
    ]
    for chosen in itertools.product(*ways):
        pairs = zip(stated, chosen, strict=True)
        yield {key: value for key, value in pairs if value is not _ABSENT}


def _values(value: Any) -> Any:
    """A right value itself; of an object all that it allows, of a list of objects every choice."""
    if isinstance(value, dict) and all(isinstance(each, list) for each in value.values()):
        yield from _objects(value)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        yield from (list(each) for each in itertools.product(*(list(_values(v)) for v in value)))
    else:
        yield value


def calls_of(reply: list[dict[str, Any]]) -> str | None:
    """Its decoded reply (`[{name: arguments}]`) as the journal keeps calls."""
    listed = [
        {"id": f"call_{at}", "name": name, "arguments": json.dumps(arguments)}
        for at, each in enumerate(reply)
        for name, arguments in each.items()
    ]
    return json.dumps(listed) if listed else None
