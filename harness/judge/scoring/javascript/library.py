"""The objects and functions that JavaScript always has."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# A value of JavaScript is anything.

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from harness.judge.scoring.javascript.values import (
    SPACE,
    UNDEFINED,
    Function,
    JsError,
    Value,
    number_of,
    parse,
    stringify,
    text_of,
    truth,
)


@dataclass(frozen=True, slots=True)
class Library(Function):
    """An object that JavaScript always has, with functions of its own."""

    named: Mapping[str, Callable[..., Value]]


def no_function(*_: Value) -> Value:
    """Called, it throws: a method without what it is of, or an object."""
    raise JsError("a method without what it is of")


def _nearest(number: float) -> float:
    """The nearest whole number; a half goes up."""
    below = math.floor(number)
    return below + (number - below >= 0.5)  # noqa: PLR2004  # a half


def _parse_int(value: Value = UNDEFINED, base: Value = UNDEFINED) -> float:
    text = text_of(value).strip(SPACE)
    hexadecimal = re.match(r"([+-]?)0[xX]([0-9a-fA-F]+)", text)
    if hexadecimal and base is UNDEFINED:
        return float(int(hexadecimal[1] + hexadecimal[2], 16))
    found = re.match(r"[+-]?[0-9]+", text)
    return float(found[0]) if found else math.nan


def _parse_float(value: Value = UNDEFINED, *_: Value) -> float:
    text = text_of(value).strip(SPACE)
    found = re.match(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", text)
    return float(found[0]) if found else math.nan


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Value = UNDEFINED) -> bool:
    return _is_number(value) and math.isfinite(value) and float(value).is_integer()


def _extreme(pick: Callable[[float, float], float], start: float) -> Callable[..., float]:
    def found(*values: Value) -> float:
        numbers = [number_of(value) for value in values]
        if any(map(math.isnan, numbers)):
            return math.nan
        best = start
        for number in numbers:
            best = pick(best, number)
        return best

    return found


def _rounding(how: Callable[[float], float]) -> Callable[..., float]:
    def found(value: Value = UNDEFINED) -> float:
        number = number_of(value)
        return float(how(number)) if math.isfinite(number) else number

    return found


def _items_of(value: Value) -> list[tuple[str, Value]]:
    if value is None or value is UNDEFINED:
        raise JsError("nothing has no keys")
    if isinstance(value, dict):
        return list(cast("dict[str, Value]", value).items())
    if isinstance(value, str | list):
        return [(str(at), item) for at, item in enumerate(cast("list[Value]", value))]
    return []


GLOBAL: Mapping[str, Value] = MappingProxyType(
    {
        "JSON": Library(no_function, {"parse": lambda text=UNDEFINED: parse(text_of(text)),
                                    "stringify": stringify}),
        "Math": Library(no_function, {
            "abs": lambda value=UNDEFINED: abs(number_of(value)),
            "min": _extreme(min, math.inf),
            "max": _extreme(max, -math.inf),
            "round": _rounding(_nearest),
            "floor": _rounding(math.floor),
            "ceil": _rounding(math.ceil),
            "trunc": _rounding(math.trunc),
        }),
        "Array": Library(no_function, {"isArray": lambda value=UNDEFINED: isinstance(value, list)}),
        "Object": Library(no_function, {
            "keys": lambda value=UNDEFINED: [key for key, _ in _items_of(value)],
            "values": lambda value=UNDEFINED: [item for _, item in _items_of(value)],
            "entries": lambda value=UNDEFINED: [[key, item] for key, item in _items_of(value)],
        }),
        "parseInt": Function(_parse_int),
        "parseFloat": Function(_parse_float),
        "isNaN": Function(lambda value=UNDEFINED, *_: math.isnan(number_of(value))),
        "isFinite": Function(lambda value=UNDEFINED, *_: math.isfinite(number_of(value))),
        "Number": Library(lambda value=0.0, *_: number_of(value), {
            "isInteger": _is_integer,
            "isNaN": lambda value=UNDEFINED: _is_number(value) and math.isnan(value),
            "isFinite": lambda value=UNDEFINED: _is_number(value) and math.isfinite(value),
            "parseInt": _parse_int,
            "parseFloat": _parse_float,
        }),
        "String": Function(lambda value="", *_: text_of(value)),
        "Boolean": Function(lambda value=UNDEFINED, *_: truth(value)),
        "undefined": UNDEFINED,
        "NaN": math.nan,
        "Infinity": math.inf,
    }
)  # fmt: skip
"""What every script knows, by name."""
