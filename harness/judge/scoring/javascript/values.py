"""JavaScript's values and what happens between them: conversions, equality, texts of numbers.

A text is held in JavaScript's letters: one beyond U+FFFF is two halves. A number is a float, an
array a list, an object a dict; `undefined` has a type of its own, `null` is None.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_HALVES = struct.Struct("<2H")


class Undefined:
    """The type of `undefined`."""


UNDEFINED: Final = Undefined()
Value: TypeAlias = "Any"
"""One of the kinds above."""


class JsError(Exception):
    """What JavaScript itself throws: the assertion fails."""


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern, and whether it looks for all matches."""

    pattern: re.Pattern[str]
    every: bool


@dataclass(frozen=True, slots=True)
class Function:
    """A function that was passed or is looked at, never shown."""

    call: Callable[..., Value]


def units(text: str) -> str:
    """The text in JavaScript's letters: those beyond U+FFFF are two halves each."""
    return _BEYOND.sub(
        lambda match: "".join(map(chr, _HALVES.unpack(match[0].encode("utf-16-le")))), text
    )


def whole(text: str) -> str:
    """The text with its halves put together again; a lone half stays."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


_LONGEST_PLAIN = 1e21
_LEAST_PLAIN = 1e-6


def number_text(value: float) -> str:
    """A number as JavaScript writes it.

    >>> number_text(5.0), number_text(1e21), number_text(1e-7), number_text(-0.0)
    ('5', '1e+21', '1e-7', '0')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < _LONGEST_PLAIN:
        return str(int(value))
    if _LEAST_PLAIN <= abs(value) < _LONGEST_PLAIN:
        return format(value, "f") if "e" in repr(value) else repr(value)
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", repr(value).replace(".0e", "e"))


_SAID = {None: "null", True: "true", False: "false"}


def text_of(value: Value) -> str:
    """`String(value)`."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | Undefined):
        return "undefined" if isinstance(value, Undefined) else _SAID[value]
    if isinstance(value, int | float):
        return number_text(float(value))
    if isinstance(value, list):
        several = cast("list[Value]", value)
        return ",".join("" if one is None or one is UNDEFINED else text_of(one) for one in several)
    if isinstance(value, dict):
        return "[object Object]"
    raise JsError("a function or a pattern as a text")


_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)
_OTHER_BASES = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def number_of(value: Value) -> float:
    """`Number(value)`."""
    match value:
        case bool() | int() | float():
            return float(value)
        case None:
            return 0.0
        case str():
            return _number_in(value.strip(SPACE))
        case list():
            return number_of(text_of(cast("list[Value]", value)))
        case _:
            return math.nan


def _number_in(text: str) -> float:
    if not text:
        return 0.0
    if _OTHER_BASES.fullmatch(text):
        return float(int(text, 0))
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def truth(value: Value) -> bool:
    """Whether a value counts as true."""
    match value:
        case bool():
            return value
        case str():
            return value != ""
        case int() | float():
            return value != 0 and not math.isnan(value)
        case _:
            return not (value is None or value is UNDEFINED)


def strictly(one: Value, other: Value) -> bool:
    """`===`: objects are equal to themselves alone."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    both = (one, other)
    if all(isinstance(each, str) for each in both) or all(
        isinstance(each, int | float) for each in both
    ):
        return bool(one == other)
    return one is other


def loosely(one: Value, other: Value) -> bool:
    """`==`."""
    none = (None, UNDEFINED)
    if one in none or other in none:
        return one in none and other in none
    simple = (bool, str, int, float)
    ours, theirs = isinstance(one, simple), isinstance(other, simple)
    if not ours and not theirs:
        return one is other
    if not (ours and theirs):
        return loosely(one if ours else text_of(one), other if theirs else text_of(other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return number_of(one) == number_of(other)


def added(one: Value, other: Value) -> Value:
    """`+`."""
    simple = (bool, int, float, str, Undefined)
    left = one if isinstance(one, simple) or one is None else text_of(one)
    right = other if isinstance(other, simple) or other is None else text_of(other)
    if isinstance(left, str) or isinstance(right, str):
        return text_of(left) + text_of(right)
    return number_of(left) + number_of(right)


def is_less(one: Value, other: Value) -> bool | None:
    """`<`; None where a number is none, and no comparison holds."""
    left, right = (text_of(v) if isinstance(v, list | dict) else v for v in (one, other))
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    a, b = number_of(left), number_of(right)
    return None if math.isnan(a) or math.isnan(b) else a < b


_TYPES: tuple[tuple[type[Any], str], ...] = (
    (str, "string"),
    (bool, "boolean"),
    (int, "number"),
    (float, "number"),
    (Undefined, "undefined"),
    (Function, "function"),
)


def type_of(value: Value) -> str:
    """`typeof`."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "object")


def as_js(value: Value) -> Value:
    """A JSON value as JavaScript holds it: texts in its letters, whole-number keys first."""
    if isinstance(value, str):
        return units(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _float(value)
    if isinstance(value, list):
        return [as_js(each) for each in cast("list[Value]", value)]
    if isinstance(value, dict):
        named = {units(str(key)): as_js(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        first = sorted((key for key in named if _is_index(key)), key=int)
        return {key: named[key] for key in (*first, *named)}
    return value


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and str(int(key)) == key and int(key) < 2**32 - 1


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _refuse(constant: str) -> Value:
    raise ValueError(constant)


def parse(text: str) -> Value:
    """`JSON.parse`."""
    told = whole(text)
    try:
        if told[:1] == "\ufeff":
            _refuse(told[:1])
        return as_js(json.loads(told, parse_constant=_refuse, parse_int=float))
    except (ValueError, RecursionError) as error:
        raise JsError(str(error)) from None


_HALF = re.compile("[\ud800-\udfff]")


def stringify(value: Value) -> Value:
    """`JSON.stringify` of one argument."""
    if isinstance(value, Undefined | Function):
        return UNDEFINED
    if isinstance(value, str):
        text = json.dumps(whole(value), ensure_ascii=False)
        return units(_HALF.sub(lambda match: f"\\u{ord(match[0]):04x}", text))
    if isinstance(value, list):
        parts = [stringify(each) for each in cast("list[Value]", value)]
        return f"[{','.join('null' if part is UNDEFINED else part for part in parts)}]"
    if isinstance(value, dict):
        named = cast("dict[str, Value]", value)
        pairs = ((key, stringify(item)) for key, item in named.items())
        inside = (f"{stringify(key)}:{item}" for key, item in pairs if item is not UNDEFINED)
        return f"{{{','.join(inside)}}}"
    return _simple(value)


def _simple(value: Value) -> str:
    if isinstance(value, Regex):
        return "{}"
    endless = isinstance(value, float) and not math.isfinite(value)
    return "null" if endless else text_of(value)
