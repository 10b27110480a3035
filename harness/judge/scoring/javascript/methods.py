"""Properties and methods of JavaScript's values."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# A value of JavaScript is anything.

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any, cast

from harness.judge.scoring.javascript.library import Library, no_function
from harness.judge.scoring.javascript.list_methods import OF_LIST
from harness.judge.scoring.javascript.text_methods import OF_TEXT, is_found, place_of
from harness.judge.scoring.javascript.values import (
    UNDEFINED,
    Function,
    JsError,
    Regex,
    Value,
    number_text,
    text_of,
)

_LONGEST = 10_000_000
"""Letters of a text that a method makes."""


def member(holder: Value, name: str) -> Value:
    """A property that is not called."""
    if isinstance(holder, str | list):
        several = cast("str | list[Value]", holder)
        if name == "length":
            return float(len(several))
        if name.isascii() and name.isdigit() and str(int(name)) == name:
            return several[int(name)] if int(name) < len(several) else UNDEFINED
        return Function(no_function) if name in _METHODS[type(holder)] else UNDEFINED
    if isinstance(holder, dict):
        return cast("dict[str, Value]", holder).get(name, UNDEFINED)
    return UNDEFINED


_TAKES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("trim", "trimStart", "trimEnd", "toLowerCase", "toUpperCase"), 0),
        **dict.fromkeys(("reverse", "flat", "toString"), 0),
        **dict.fromkeys(("charAt", "at", "repeat", "match", "search", "test", "toFixed"), 1),
        **dict.fromkeys(("some", "every", "filter", "map", "find", "findIndex", "join", "sort"), 1),
        **dict.fromkeys(("lastIndexOf", "hasOwnProperty"), 1),
        "concat": 1000,
    }
)
"""Arguments that a method looks at, where it is not two: JavaScript ignores the others."""


def method(holder: Value, name: str, arguments: list[Value]) -> Value:
    """What a method returns; raises `JsError` where the value has none of this name."""
    if isinstance(holder, Library):
        if name not in holder.named:
            raise JsError(f"{name} is not a function")
        return holder.named[name](*arguments)
    kind: Any = float if isinstance(holder, int | float) else type(holder)
    kind = bool if isinstance(holder, bool) else kind
    named = _METHODS.get(kind, {}).get(name)
    if isinstance(holder, dict) and name in holder:
        named = None
    if named is None:
        raise JsError(f"{name} is not a function")
    found = named(holder, *arguments[: _TAKES.get(name, 2)])
    if isinstance(found, str) and len(found) > _LONGEST:
        raise JsError("too long a text")
    return found


def _fixed(number: float, places: Value = UNDEFINED) -> str:
    digits = place_of(places)
    if not 0 <= digits <= 100:  # noqa: PLR2004  # ECMAScript's own limit
        raise JsError("toFixed of so many places")
    if not math.isfinite(number) or abs(number) >= 1e21:  # noqa: PLR2004  # as above
        return number_text(number)
    whole_number = Decimal(number).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)
    text = f"{whole_number:f}"
    return text.removeprefix("-") if number == 0 else text


def _owns(holder: Value, name: Value = UNDEFINED) -> bool:
    if isinstance(holder, dict):
        return text_of(name) in holder
    found = member(holder, text_of(name))
    return not (found is UNDEFINED or isinstance(found, Function))


_METHODS: Mapping[type, Mapping[str, Callable[..., Value]]] = MappingProxyType(
    {
        str: {**OF_TEXT, "hasOwnProperty": _owns},
        list: {**OF_LIST, "hasOwnProperty": _owns},
        dict: {"hasOwnProperty": _owns, "toString": lambda _: "[object Object]"},
        float: {"hasOwnProperty": _owns, "toString": text_of, "toFixed": _fixed},
        bool: {"hasOwnProperty": _owns, "toString": text_of},
        Regex: {"test": is_found},
    }
)
