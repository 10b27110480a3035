"""What a parsed assertion says of an answer: the tree is walked, and nothing is run.

What JavaScript itself would throw fails the assertion, as it does in promptfoo.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from harness.judge.scoring.javascript.library import GLOBAL
from harness.judge.scoring.javascript.methods import member, method
from harness.judge.scoring.javascript.syntax import Node, parsed_script
from harness.judge.scoring.javascript.values import (
    UNDEFINED,
    Function,
    JsError,
    Regex,
    Value,
    added,
    as_js,
    is_less,
    loosely,
    number_of,
    strictly,
    text_of,
    truth,
    type_of,
    units,
)

_MOST_STEPS = 200_000


class _ShortError(Exception):
    """`?.` met nothing: the whole chain is undefined."""


@dataclass(frozen=True, slots=True)
class _Returned:
    value: Value


@dataclass(slots=True)
class _Walk:
    """One answer's walk through the tree."""

    variables: Value
    names: list[dict[str, Value]]
    steps: int = field(default=0)

    def block(self, nodes: list[Node]) -> _Returned | None:
        self.names.append({})
        try:
            for node in nodes:
                found = self.statement(node)
                if found is not None:
                    return found
        finally:
            self.names.pop()
        return None

    def statement(self, node: Node) -> _Returned | None:
        match node:
            case ("return", value):
                return _Returned(self.value(value))
            case ("let", name, value):
                self.names[-1][name] = self.value(value)
            case ("if", test, then, other):
                return self.block(then if truth(self.value(test)) else other)
            case ("block", inside):
                return self.block(inside)
            case ("try", tried, caught):
                return self.attempt(tried, caught)
            case (_, value):
                self.value(value)
            case _:
                raise AssertionError(node)
        return None

    def attempt(self, tried: list[Node], caught: list[Node]) -> _Returned | None:
        depth = len(self.names)
        try:
            return self.block(tried)
        except JsError:
            del self.names[depth:]
            return self.block(caught)

    def value(self, node: Node) -> Value:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise JsError("too long")
        return _VALUES[node[0]](self, *node[1:])

    def name(self, name: str) -> Value:
        for scope in reversed(self.names):
            if name in scope:
                return scope[name]
        return GLOBAL[name]

    def arrow(self, names: tuple[str, ...], body: Node) -> Value:
        around = list(self.names)

        def call(*given: Value) -> Value:
            padded = (*given, *[UNDEFINED] * len(names))
            inside = _Walk(self.variables, [*around, dict(zip(names, padded, strict=False))])
            inside.steps = self.steps
            found = inside.value(body)
            self.steps = inside.steps
            return found

        return Function(call)

    def call(self, callee: Node, arguments: list[Node]) -> Value:
        if callee[0] == "member":
            _, of, name, optional = callee
            holder = self.holder(of, optional=optional)
            return method(holder, name, [self.value(each) for each in arguments])
        function = self.value(callee)
        if not isinstance(function, Function):
            raise JsError("not a function")
        return function.call(*[self.value(each) for each in arguments])

    def holder(self, of: Node, *, optional: bool) -> Value:
        found = self.value(of)
        if found is None or found is UNDEFINED:
            if optional:
                raise _ShortError
            raise JsError("nothing has no properties")
        return found

    def member(self, of: Node, name: str, optional: bool) -> Value:  # noqa: FBT001  # a node's part
        return member(self.holder(of, optional=optional), name)

    def index(self, of: Node, at: Node, optional: bool) -> Value:  # noqa: FBT001  # a node's part
        holder = self.holder(of, optional=optional)
        return member(holder, text_of(self.value(at)))

    def chain(self, inside: Node) -> Value:
        try:
            return self.value(inside)
        except _ShortError:
            return UNDEFINED

    def either(self, left: Node, right: Node) -> Value:
        found = self.value(left)
        return found if truth(found) else self.value(right)

    def both(self, left: Node, right: Node) -> Value:
        found = self.value(left)
        return self.value(right) if truth(found) else found

    def present(self, left: Node, right: Node) -> Value:
        found = self.value(left)
        return self.value(right) if found is None or found is UNDEFINED else found

    def choice(self, test: Node, then: Node, other: Node) -> Value:
        return self.value(then if truth(self.value(test)) else other)

    def binary(self, sign: str, left: Node, right: Node) -> Value:
        return _BINARY[sign](self.value(left), self.value(right))

    def unary(self, sign: str, of: Node) -> Value:
        found = self.value(of)
        match sign:
            case "!":
                return not truth(found)
            case "typeof":
                return type_of(found)
            case "-":
                return -number_of(found)
            case _:
                return number_of(found)


def _division(one: Value, other: Value) -> float:
    a, b = number_of(one), number_of(other)
    if b:
        return a / b
    if math.isnan(a) or math.isnan(b) or a == 0:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


def _rest(one: Value, other: Value) -> float:
    a, b = number_of(one), number_of(other)
    if not math.isfinite(a) or math.isnan(b) or b == 0:
        return math.nan
    return a if math.isinf(b) else math.fmod(a, b)


def _numbers(how: Callable[[float, float], float]) -> Callable[[Value, Value], float]:
    return lambda one, other: how(number_of(one), number_of(other))


def _at_most(one: Value, other: Value) -> bool:
    return is_less(other, one) is False


_BINARY: Mapping[str, Callable[[Value, Value], Value]] = MappingProxyType(
    {
        "===": strictly,
        "!==": lambda one, other: not strictly(one, other),
        "==": loosely,
        "!=": lambda one, other: not loosely(one, other),
        "<": lambda one, other: is_less(one, other) is True,
        ">": lambda one, other: is_less(other, one) is True,
        "<=": _at_most,
        ">=": lambda one, other: _at_most(other, one),
        "+": added,
        "-": _numbers(operator.sub),
        "*": _numbers(operator.mul),
        "/": _division,
        "%": _rest,
    }
)


def _literal(_: _Walk, value: Value) -> Value:
    return units(value) if isinstance(value, str) else value


def _undefined(_: _Walk) -> Value:
    return UNDEFINED


def _variables(walk: _Walk) -> Value:
    return walk.variables


def _text(walk: _Walk, parts: list[Node]) -> str:
    return "".join(text_of(walk.value(part)) for part in parts)


def _listed(walk: _Walk, parts: list[Node]) -> list[Value]:
    return [walk.value(part) for part in parts]


def _object(walk: _Walk, pairs: list[tuple[str, Node]]) -> dict[str, Value]:
    return {units(key): walk.value(value) for key, value in pairs}


def _regex(_: _Walk, pattern: str, every: bool) -> Regex:  # noqa: FBT001  # a node's part
    return Regex(re.compile(units(pattern)), every)


_VALUES: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {
        "value": _literal,
        "undefined": _undefined,
        "regex": _regex,
        "vars": _variables,
        "name": _Walk.name,
        "arrow": _Walk.arrow,
        "call": _Walk.call,
        "member": _Walk.member,
        "index": _Walk.index,
        "chain": _Walk.chain,
        "list": _listed,
        "object": _object,
        "template": _text,
        "||": _Walk.either,
        "&&": _Walk.both,
        "??": _Walk.present,
        "if-else": _Walk.choice,
        "binary": _Walk.binary,
        "unary": _Walk.unary,
    }
)


@cache
def _script(text: str) -> tuple[Node, ...]:
    return tuple(parsed_script(text))


def script_value(text: str, answer: str, variables: Mapping[str, object]) -> Value:
    """What an assertion's text returns for an answer.

    Raises:
        JsError: JavaScript throws, or the function returns nothing that promptfoo takes.
        UntranslatableError: something in it is not read here.
    """
    walk = _Walk(as_js(dict(variables)), [{"output": units(answer)}])
    try:
        found = walk.block(list(_script(text)))
    except RecursionError:
        raise JsError("too deep") from None
    value = UNDEFINED if found is None else found.value
    if isinstance(value, bool | float | int) or _is_result(value):
        return value
    raise JsError("neither true nor false, nor a number")


def _is_result(value: Value) -> bool:
    if not isinstance(value, dict):
        return False
    given = cast("dict[str, Any]", value)
    score = given.get("score")
    return (
        isinstance(given.get("pass"), bool)
        and isinstance(score, int | float)
        and not isinstance(score, bool)
        and isinstance(given.get("reason"), str)
    )
