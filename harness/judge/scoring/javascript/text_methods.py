"""Methods of texts, and what a pattern finds in them."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# A value of JavaScript is anything.

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from harness.judge.scoring.javascript.values import (
    SPACE,
    UNDEFINED,
    Function,
    JsError,
    Regex,
    Value,
    number_of,
    text_of,
    units,
    whole,
)

_LONGEST = 10_000_000
"""Letters of a text that a method makes."""


def place_of(value: Value, missing: float = 0.0) -> float:
    """A whole place; NaN is 0."""
    number = missing if value is UNDEFINED else number_of(value)
    return (
        0.0 if math.isnan(number) else number if math.isinf(number) else float(math.trunc(number))
    )


def _within(place: float, length: int) -> int:
    return int(min(max(place, 0.0), float(length)))


def _from_end(place: float, length: int) -> int:
    return _within(place + length if place < 0 else place, length)


def _text_wanted(value: Value) -> str:
    if isinstance(value, Regex):
        raise JsError("a pattern where a text is wanted")
    return text_of(value)


def _str_includes(text: str, wanted: Value = UNDEFINED, start: Value = UNDEFINED) -> bool:
    return _text_wanted(wanted) in text[_within(place_of(start), len(text)) :]


def _starts(text: str, wanted: Value = UNDEFINED, start: Value = UNDEFINED) -> bool:
    return text.startswith(_text_wanted(wanted), _within(place_of(start), len(text)))


def _ends(text: str, wanted: Value = UNDEFINED, end: Value = UNDEFINED) -> bool:
    return text[: _within(place_of(end, len(text)), len(text))].endswith(_text_wanted(wanted))


def _str_index(text: str, wanted: Value = UNDEFINED, start: Value = UNDEFINED) -> float:
    return float(text.find(text_of(wanted), _within(place_of(start), len(text))))


def _str_last(text: str, wanted: Value = UNDEFINED) -> float:
    return float(text.rfind(text_of(wanted)))


def sliced(value: Value, start: Value = UNDEFINED, end: Value = UNDEFINED) -> Value:
    """`slice`, of a text or an array."""
    length = len(value)
    first = _from_end(place_of(start), length)
    return value[first : max(first, _from_end(place_of(end, length), length))]


def _substring(text: str, start: Value = UNDEFINED, end: Value = UNDEFINED) -> str:
    one, other = _within(place_of(start), len(text)), _within(place_of(end, len(text)), len(text))
    return text[min(one, other) : max(one, other)]


def _char(text: str, at: Value = UNDEFINED) -> str:
    place = place_of(at)
    return text[int(place)] if 0 <= place < len(text) else ""


def item_at(value: Value, at: Value = UNDEFINED) -> Value:
    """`at`, of a text or an array."""
    place = place_of(at)
    place += len(value) if place < 0 else 0
    return value[int(place)] if 0 <= place < len(value) else UNDEFINED


def _repeat(text: str, count: Value = UNDEFINED) -> str:
    number = place_of(count)
    if not 0 <= number <= _LONGEST or number * len(text) > _LONGEST:
        raise JsError("an impossible count")
    return text * int(number)


def _padding(text: str, length: Value, filler: Value) -> str:
    fill = " " if filler is UNDEFINED else text_of(filler)
    lacking = min(place_of(length), _LONGEST) - len(text)
    return (fill * math.ceil(lacking / len(fill)))[: int(lacking)] if fill and lacking > 0 else ""


def _split(text: str, sign: Value = UNDEFINED, most: Value = UNDEFINED) -> list[Value]:
    if most is not UNDEFINED:
        limit = int(number_of(most)) if math.isfinite(number_of(most)) else 0
        return _split(text, sign)[: limit % 2**32]
    if sign is UNDEFINED:
        return [text]
    if isinstance(sign, Regex):
        return _split_by(text, sign.pattern)
    told = text_of(sign)
    return list(text) if not told else list(text.split(told))


def _split_by(text: str, pattern: re.Pattern[str]) -> list[Value]:
    """ECMAScript's `RegExp.prototype[Symbol.split]`, step by step."""
    if not text:
        return [] if pattern.match(text) else [text]
    found: list[Value] = []
    start = at = 0
    while at < len(text):
        match = pattern.match(text, at)
        if match is None or match.end() == start:
            at += 1
            continue
        found += [text[start:at], *_groups(match)]
        start = at = match.end()
    return [*found, text[start:]]


def _groups(match: re.Match[str]) -> list[Value]:
    return [UNDEFINED if group is None else group for group in match.groups()]


def _put(replacement: str, match: re.Match[str], text: str) -> str:
    """A replacement with its `$` signs filled in."""

    def one(sign: re.Match[str]) -> str:
        told = sign[1]
        simple = {"$": "$", "&": match[0], "`": text[: match.start()], "'": text[match.end() :]}
        if told in simple:
            return simple[told]
        for digits in (told, told[:1]):
            if 0 < int(digits) <= match.re.groups:
                return (match[int(digits)] or "") + told[len(digits) :]
        return sign[0]

    return re.sub(r"\$([$&`']|\d{1,2})", one, replacement, flags=re.ASCII)


def _replace(text: str, wanted: Value = UNDEFINED, new: Value = UNDEFINED) -> str:
    every = isinstance(wanted, Regex) and wanted.every
    return _replaced(text, wanted, new, most=0 if every else 1)


def _replace_all(text: str, wanted: Value = UNDEFINED, new: Value = UNDEFINED) -> str:
    if isinstance(wanted, Regex) and not wanted.every:
        raise JsError("replaceAll wants the flag g")
    return _replaced(text, wanted, new, most=0)


def _replaced(text: str, wanted: Value, new: Value, *, most: int) -> str:
    pattern = (
        wanted.pattern if isinstance(wanted, Regex) else re.compile(re.escape(text_of(wanted)))
    )

    def one(match: re.Match[str]) -> str:
        if isinstance(new, Function):
            return text_of(new.call(match[0], *_groups(match), float(match.start()), text))
        return _put(text_of(new), match, text)

    return pattern.sub(one, text, count=most)


def _match(text: str, wanted: Regex) -> Value:
    if wanted.every:
        return [match[0] for match in wanted.pattern.finditer(text)] or None
    found = wanted.pattern.search(text)
    return None if found is None else [found[0], *_groups(found)]


def _search(text: str, wanted: Regex) -> float:
    found = wanted.pattern.search(text)
    return -1.0 if found is None else float(found.start())


def is_found(regex: Regex, text: Value = UNDEFINED) -> bool:
    """`test`, of a pattern."""
    return regex.pattern.search(text_of(text)) is not None


OF_TEXT: Mapping[str, Callable[..., Value]] = {
    "includes": _str_includes,
    "startsWith": _starts,
    "endsWith": _ends,
    "indexOf": _str_index,
    "lastIndexOf": _str_last,
    "slice": sliced,
    "substring": _substring,
    "charAt": _char,
    "at": item_at,
    "trim": lambda text: text.strip(SPACE),
    "trimStart": lambda text: text.lstrip(SPACE),
    "trimEnd": lambda text: text.rstrip(SPACE),
    "toLowerCase": lambda text: units(whole(text).lower()),
    "toUpperCase": lambda text: units(whole(text).upper()),
    "split": _split,
    "replace": _replace,
    "replaceAll": _replace_all,
    "match": _match,
    "search": _search,
    "repeat": _repeat,
    "padStart": lambda text, n=UNDEFINED, fill=UNDEFINED: _padding(text, n, fill) + text,
    "padEnd": lambda text, n=UNDEFINED, fill=UNDEFINED: text + _padding(text, n, fill),
    "concat": lambda text, *others: text + "".join(map(text_of, others)),
    "toString": lambda text: text,
}
"""By name."""
