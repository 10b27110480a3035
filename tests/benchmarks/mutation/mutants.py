"""The small mistakes that are made in a file on purpose, one at a time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
NAMES = {"min": "max", "max": "min", "all": "any", "any": "all", "ceil": "floor", "floor": "ceil"}
PASSED_OVER = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom)
"""What is told to a person is looked after by tests of texts."""
ANNOTATIONS = {"annotation", "returns", "decorator_list"}

LONGEST = 100
"""Characters of code that are shown."""

Change = Callable[[], str]
"""Makes one mistake in place; returns what the place reads afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A statement of a module's top level with one mistake in it."""

    line: int
    lines: range
    """Of the smallest statement around the mistake: tests that run them may notice it."""
    what: str
    statement: ast.stmt
    runs: bool
    """Inside a function; otherwise it is a value of the module or a default."""


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, from its first statement to its last."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.If | ast.Import | ast.ImportFrom | ast.Expr):
            continue
        for place, (node, _, _) in enumerate(_places(statement, statement, runs=False)):
            for choice in range(len(_changes(node))):
                yield _mutant(statement, place, choice)


def _mutant(statement: ast.stmt, place: int, choice: int) -> Mutant:
    copy = deepcopy(statement)
    node, around, runs = list(_places(copy, copy, runs=False))[place]
    line, lines, was = getattr(node, "lineno", around.lineno), _lines(around), _first_line(node)
    what = f"`{was}`: {_changes(node)[choice]()}"
    ast.fix_missing_locations(copy)
    return Mutant(line=line, lines=lines, what=what, statement=copy, runs=runs)


def _places(
    node: ast.AST, around: ast.stmt, *, runs: bool
) -> Iterator[tuple[ast.AST, ast.stmt, bool]]:
    """Every node that runs, with the statement around it."""
    yield node, around, runs
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name in ANNOTATIONS or not isinstance(child, ast.AST):
                continue
            if not isinstance(child, PASSED_OVER):
                near = child if isinstance(child, ast.stmt) else around
                yield from _places(child, near, runs=runs or (function and name == "body"))


def _changes(node: ast.AST) -> list[Change]:
    """The mistakes that can be made in one node."""
    return [*_in_operator(node), *_in_value(node), *_in_statement(node)]


def _in_operator(node: ast.AST) -> list[Change]:
    match node:
        case ast.Compare():
            return [partial(_swap_one, node, index) for index in range(len(node.ops))]
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(node.op) in SWAPPED:
            return [partial(_set, node, "op", SWAPPED[type(node.op)]())]
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            other = ast.Name(id=NAMES[name], ctx=ast.Load())
            return [partial(_set, node, "func", ast.copy_location(other, node))]
        case _:
            return []


def _in_value(node: ast.AST) -> list[Change]:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return [partial(_set, node, "value", _other(value))]
        case ast.Set() | ast.Dict():
            return [partial(_drop, node, index) for index in range(len(_members(node)))]
        case ast.comprehension() if node.ifs:
            return [partial(_set, node, "ifs", node.ifs[1:])]
        case ast.IfExp():
            return [partial(_flip, node)]
        case _:
            return []


def _in_statement(node: ast.AST) -> list[Change]:
    """Left out, where it is there for what it does; or a bare condition turned round."""
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()):
            return [partial(_leave_out, node, "value", ast.Constant(value=None))]
        case ast.Assign(targets=[ast.Attribute() as target]):
            same = ast.Attribute(value=target.value, attr=target.attr, ctx=ast.Load())
            return [partial(_leave_out, node, "value", same)]
        case ast.If(test=ast.Compare() | ast.BoolOp(), orelse=[]):
            return [partial(_leave_out, node, "test", ast.Constant(value=False))]
        case ast.If() | ast.While() if not isinstance(node.test, ast.Compare | ast.BoolOp):
            return [partial(_set, node, "test", _negated(node.test))]
        case _:
            return []


def _swap_one(node: ast.Compare, index: int) -> str:
    node.ops[index] = SWAPPED[type(node.ops[index])]()  # type: ignore[assignment]
    return f"`{_first_line(node)}`"


def _set(node: ast.AST, name: str, value: object) -> str:
    setattr(node, name, value)
    return f"`{_first_line(node)}`"


def _flip(node: ast.IfExp) -> str:
    node.body, node.orelse = node.orelse, node.body
    return f"`{_first_line(node)}`"


def _drop(node: ast.Set | ast.Dict, index: int) -> str:
    gone = ast.unparse(_members(node)[index])
    for name in ("elts", "keys", "values"):
        if hasattr(node, name):
            del getattr(node, name)[index]
    if isinstance(node, ast.Set) and not node.elts:
        node.elts.append(ast.Starred(value=ast.Tuple(elts=[], ctx=ast.Load()), ctx=ast.Load()))
    return f"without `{gone}`"


def _members(node: ast.Set | ast.Dict) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Set) else node.values


def _leave_out(node: ast.AST, name: str, value: ast.expr) -> str:
    _set(node, name, value)
    return "left out"


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.copy_location(ast.UnaryOp(op=ast.Not(), operand=test), test)


def _other(value: float) -> float:
    return (not value) if isinstance(value, bool) else value + 1


def _lines(statement: ast.stmt) -> range:
    """The lines of a statement; of a compound one those before its body."""
    body = getattr(statement, "body", None)
    last = statement.end_lineno or statement.lineno
    if isinstance(body, list) and body:
        last = max(statement.lineno, body[0].lineno - 1)
    return range(statement.lineno, last + 1)


def _first_line(node: ast.AST) -> str:
    text = ast.unparse(node).partition("\n")[0]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
