"""The names, methods and arguments of JavaScript that are known here; all others are refused."""

from __future__ import annotations

from typing import Any, TypeAlias

from harness.judge.scoring.javascript.patterns import UntranslatableError, to_python
from harness.judge.scoring.javascript.tokens import refusal

Node: TypeAlias = "tuple[Any, ...]"
"""A kind, and what belongs to it: `("call", callee, arguments)`."""
GLOBALS = frozenset(
    """
    output context JSON Math Number String Boolean Array Object parseInt parseFloat isNaN
    isFinite undefined NaN Infinity
    """.split()  # noqa: SIM905  # words
)
METHODS = frozenset(
    """
    includes startsWith endsWith indexOf lastIndexOf slice substring charAt at trim trimStart
    trimEnd toLowerCase toUpperCase split replace replaceAll match search repeat padStart
    padEnd concat toString test some every filter map find findIndex join reverse sort reduce
    flat toFixed parse stringify keys values entries isArray isInteger isNaN isFinite parseInt
    parseFloat abs min max round floor ceil trunc hasOwnProperty
    """.split()  # noqa: SIM905  # words
)
"""Methods that are known; of another one nobody can say what it does."""
NEVER_READ = frozenset({"constructor", "prototype", "__proto__", "caller", "callee", "arguments"})
ONLY_CALLED = METHODS - {"keys", "values", "entries", "test", "match", "search", "find", "map",
                          "filter", "min", "max", "at", "round", "abs", "join"}  # fmt: skip
"""As a property without a call these are functions, not a value of an answer's JSON."""
_FEWER = {
    "stringify": 1,
    "toString": 0,
    "lastIndexOf": 1,
    "flat": 0,
    "parse": 1,
    "indexOf": 1,
    "includes": 1,
}
"""Arguments of methods whose further ones are not read."""


def called(callee: Node, arguments: list[Node]) -> Node:
    """A call as a node; refused where an argument is not read here."""
    name = callee[2] if callee[0] == "member" else callee[1] if callee[0] == "name" else ""
    if name in {"match", "search"} and (not arguments or arguments[0][0] != "regex"):
        raise refusal(f"`.{name}` without a pattern that is written out")
    if name == "parseInt" and arguments[1:2] not in ([], [("value", 10.0)]):
        raise refusal("`parseInt` to another base")
    if len(arguments) > _FEWER.get(name, len(arguments)):
        raise refusal(f"`.{name}` with so many arguments")
    return ("call", callee, arguments)


def regex_node(pattern: str, flags: str) -> Node:
    """A pattern as a value; raises `UntranslatableError` where Python cannot say the same."""
    if set(flags) - set("gims") or len(set(flags)) < len(flags):
        raise UntranslatableError(f"the flags {flags!r} of a pattern are not read")
    return ("regex", to_python(pattern, flags=flags), "g" in flags)
