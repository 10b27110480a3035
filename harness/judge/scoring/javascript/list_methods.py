"""Methods of arrays."""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# A value of JavaScript is anything.

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cmp_to_key

from harness.judge.scoring.javascript.text_methods import item_at, sliced
from harness.judge.scoring.javascript.values import (
    UNDEFINED,
    Function,
    JsError,
    Value,
    number_of,
    strictly,
    text_of,
    truth,
)


def _called(function: Value) -> Callable[..., Value]:
    if not isinstance(function, Function):
        raise JsError("not a function")
    return function.call


def _each(items: list[Value], function: Value) -> Iterator[tuple[Value, Value]]:
    call = _called(function)
    for at, item in enumerate(items):
        yield item, call(item, float(at), items)


def _find(items: list[Value], function: Value = UNDEFINED) -> Value:
    return next((item for item, found in _each(items, function) if truth(found)), UNDEFINED)


def _find_index(items: list[Value], function: Value = UNDEFINED) -> float:
    ends = enumerate(truth(found) for _, found in _each(items, function))
    return float(next((at for at, found in ends if found), -1))


def _holds(items: list[Value], wanted: Value = UNDEFINED) -> bool:
    if isinstance(wanted, float) and math.isnan(wanted):
        return any(isinstance(item, float) and math.isnan(item) for item in items)
    return any(strictly(item, wanted) for item in items)


def _index(items: list[Value], wanted: Value = UNDEFINED) -> float:
    return float(next((at for at, item in enumerate(items) if strictly(item, wanted)), -1))


def _last(items: list[Value], wanted: Value = UNDEFINED) -> float:
    places = [at for at, item in enumerate(items) if strictly(item, wanted)]
    return float(places[-1] if places else -1)


def _join(items: list[Value], sign: Value = UNDEFINED) -> str:
    told = "," if sign is UNDEFINED else text_of(sign)
    return told.join("" if one is None or one is UNDEFINED else text_of(one) for one in items)


def _concat(items: list[Value], *others: Value) -> list[Value]:
    found = list(items)
    for other in others:
        found += other if isinstance(other, list) else [other]
    return found


def _reverse(items: list[Value]) -> list[Value]:
    items.reverse()
    return items


def _sort(items: list[Value], function: Value = UNDEFINED) -> list[Value]:
    defined = [item for item in items if item is not UNDEFINED]
    if function is UNDEFINED:
        defined.sort(key=text_of)
    else:
        call = _called(function)

        def order(one: Value, other: Value) -> float:
            found = number_of(call(one, other))
            return 0.0 if math.isnan(found) else found

        defined.sort(key=cmp_to_key(lambda a, b: (order(a, b) > 0) - (order(a, b) < 0)))
    items[:] = [*defined, *[UNDEFINED] * (len(items) - len(defined))]
    return items


def _reduce(items: list[Value], function: Value = UNDEFINED, *start: Value) -> Value:
    call, rest = _called(function), list(enumerate(items))
    if start:
        found = start[0]
    elif rest:
        found = rest.pop(0)[1]
    else:
        raise JsError("nothing to reduce")
    for at, item in rest:
        found = call(found, item, float(at), items)
    return found


def _flat(items: list[Value]) -> list[Value]:
    return [each for item in items for each in (item if isinstance(item, list) else [item])]


OF_LIST: Mapping[str, Callable[..., Value]] = {
    "includes": _holds,
    "indexOf": _index,
    "lastIndexOf": _last,
    "slice": sliced,
    "at": item_at,
    "some": lambda items, f=UNDEFINED: any(truth(found) for _, found in _each(items, f)),
    "every": lambda items, f=UNDEFINED: all(truth(found) for _, found in _each(items, f)),
    "filter": lambda items, f=UNDEFINED: [i for i, found in _each(items, f) if truth(found)],
    "map": lambda items, f=UNDEFINED: [found for _, found in _each(items, f)],
    "find": _find,
    "findIndex": _find_index,
    "join": _join,
    "concat": _concat,
    "reverse": _reverse,
    "sort": _sort,
    "reduce": _reduce,
    "flat": _flat,
    "toString": _join,
}
"""By name."""
