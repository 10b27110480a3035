"""A small part of JavaScript as a tree: what assertions about one answer are written in.

Declarations, `if`, `return`, `try`, arrow functions of one expression, literals, operators, members
and calls. Everything else is refused when it is read, with its name: a loop, an assignment, a name
or a method that is not known here. No program is ever run: the tree is walked (`meaning.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from harness.judge.scoring.javascript.known import (
    GLOBALS,
    METHODS,
    NEVER_READ,
    ONLY_CALLED,
    Node,
    called,
    regex_node,
)
from harness.judge.scoring.javascript.tokens import ScriptText, Token, refusal, unescaped


@dataclass(slots=True)
class _Parser:
    reader: ScriptText
    token: Token = field(init=False)
    scopes: list[set[str]] = field(default_factory=lambda: [set[str]()])
    depth: int = 0

    def __post_init__(self) -> None:
        self.token = self.reader.next()

    def take(self) -> Token:
        token = self.token
        self.token = self.reader.next()
        return token

    def sees(self, *values: str) -> bool:
        return self.token.kind in _SIGNS and self.token.value in values

    def takes(self, *values: str) -> bool:
        if self.sees(*values):
            self.take()
            return True
        return False

    def need(self, value: str) -> None:
        if not self.takes(value):
            raise refusal(f"{self.token.value!r} where {value!r} is expected")

    def name(self) -> str:
        if self.token.kind != "name":
            raise refusal(f"{self.token.value!r} as a name")
        return str(self.take().value)

    def statements(self, *, until: str) -> list[Node]:
        found: list[Node] = []
        while not (self.sees(until) or self.token.kind == "end"):
            if not self.takes(";"):
                found.append(self.statement())
        return found

    def statement(self) -> Node:
        read = _STATEMENTS.get(self.token.value) if self.token.kind in _SIGNS else None
        if read is not None:
            return read(self)
        value = self.expression()
        self.ends()
        return ("expression", value)

    def returned(self) -> Node:
        self.need("return")
        bare = self.sees(";", "}") or self.token.kind == "end" or self.token.after_line
        value: Node = ("undefined",) if bare else self.expression()
        self.ends()
        return ("return", value)

    def ends(self) -> None:
        """A statement ends by a semicolon, a bracket, a line's end or the end."""
        if self.takes(";") or self.sees("}") or self.token.kind == "end" or self.token.after_line:
            return
        raise refusal(f"{self.token.value!r}")

    def declaration(self) -> Node:
        self.take()
        name = self.name()
        if name in GLOBALS or any(name in scope for scope in self.scopes):
            raise refusal(f"a second {name!r}")
        self.need("=")
        value = self.expression()
        if value[0] == "regex" and value[2]:
            raise refusal("a pattern with the flag g under a name")
        self.scopes[-1].add(name)
        self.ends()
        return ("let", name, value)

    def condition(self) -> Node:
        self.need("if")
        self.need("(")
        test = self.expression()
        self.need(")")
        then = self.body()
        other = self.body() if self.takes("else") else []
        return ("if", test, then, other)

    def body(self) -> list[Node]:
        return self.block() if self.sees("{") else [self.statement()]

    def block(self) -> list[Node]:
        self.need("{")
        self.scopes.append(set())
        found = self.statements(until="}")
        self.scopes.pop()
        self.need("}")
        return found

    def attempt(self) -> Node:
        self.need("try")
        tried = self.block()
        self.need("catch")
        if self.takes("("):
            self.name()
            self.need(")")
        return ("try", tried, self.block())

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise refusal("an expression so deep")
        found = self.arrow() or self.choice()
        self.depth -= 1
        return found

    def arrow(self) -> Node | None:
        """`x => ...`, `(x, y) => ...`; None where none begins here."""
        head = _ARROW.match(self.reader.text, self.token.at)
        if head is None:
            return None
        names = re.findall(r"[A-Za-z_$][\w$]*", head[0], re.ASCII)
        self.reader.at, self.reader.before = head.end(), None
        self.token = self.reader.next()
        if self.sees("{"):
            raise refusal("a function with a body")
        if GLOBALS & set(names):
            raise refusal(f"a second {names[0]!r}")
        self.scopes.append(set(names))
        value = self.expression()
        self.scopes.pop()
        return ("arrow", tuple(names), value)

    def choice(self) -> Node:
        test = self.either()
        if not self.takes("?"):
            return test
        then = self.expression()
        self.need(":")
        return ("if-else", test, then, self.expression())

    def either(self) -> Node:
        left = self.both()
        signs: set[str] = set()
        while self.sees("||", "??"):
            sign = str(self.take().value)
            signs.add(sign)
            left = (sign, left, self.both())
            if len(signs) > 1:
                raise refusal("`??` beside `||`")
        return left

    def both(self) -> Node:
        left = self.binary(0)
        while self.takes("&&"):
            left = ("&&", left, self.binary(0))
        return left

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.sees(*_LEVELS[level]):
            sign = str(self.take().value)
            left = ("binary", sign, left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        if self.sees("!", "-", "+", "typeof"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise refusal("an expression so deep")
            sign = str(self.take().value)
            found: Node = ("unary", sign, self.unary())
            self.depth -= 1
            return found
        return self.postfix(self.primary())

    def postfix(self, found: Node) -> Node:
        optional = False
        while True:
            if self.takes("."):
                found = self.member(found, optional=False)
            elif self.takes("?."):
                found, optional = self.optional(found), True
            elif self.takes("["):
                found = self.index(found, optional=False)
            elif self.takes("("):
                found = called(found, self.listed(")"))
            else:
                return ("chain", found) if optional else found

    def optional(self, found: Node) -> Node:
        if self.sees("("):
            raise refusal("`?.(`")
        if self.takes("["):
            return self.index(found, optional=True)
        return self.member(found, optional=True)

    def index(self, found: Node, *, optional: bool) -> Node:
        at = self.expression()
        self.need("]")
        return ("index", found, at, optional)

    def member(self, found: Node, *, optional: bool) -> Node:
        if self.token.kind not in {"name", "keyword"}:
            raise refusal(f"{self.token.value!r} behind a point")
        name = str(self.take().value)
        called = self.sees("(")
        if name in NEVER_READ or (called and name not in METHODS):
            raise refusal(f"`.{name}`")
        if not called and name in ONLY_CALLED:
            raise refusal(f"`.{name}` without a call")
        return ("member", found, name, optional)

    def listed(self, end: str) -> list[Node]:
        found: list[Node] = []
        while not self.takes(end):
            found.append(self.expression())
            if not self.sees(end):
                self.need(",")
        return found

    def primary(self) -> Node:
        kind, value = self.token.kind, self.token.value
        if kind in {"number", "text"}:
            return ("value", self.take().value)
        if kind == "regex":
            return regex_node(*self.take().value)
        if kind == "name":
            return self.variable()
        read = _PRIMARY.get(value) if kind in _SIGNS else None
        if read is None:
            raise refusal(f"{value!r}")
        return read(self)

    def inside(self) -> Node:
        self.need("(")
        found = self.expression()
        self.need(")")
        return found

    def array(self) -> Node:
        self.need("[")
        return ("list", self.listed("]"))

    def variable(self) -> Node:
        name = str(self.take().value)
        if name in {"true", "false"}:
            return ("value", name == "true")
        if name == "null":
            return ("value", None)
        if name == "context":
            self.need(".")
            if self.name() != "vars":
                raise refusal("`context` beside `context.vars`")
            return ("vars",)
        if name == "parseInt" and not self.sees("("):
            raise refusal("`parseInt` without a call")
        if name in GLOBALS or any(name in scope for scope in self.scopes):
            return ("name", name)
        raise refusal(f"`{name}`")

    def template(self) -> Node:
        """A text in backticks: parts of text and expressions."""
        parts: list[Node] = []
        reader = self.reader
        while True:
            found = _TEMPLATE.match(reader.text, reader.at)
            if found is None:
                raise refusal("a text without an end")
            reader.at = found.end()
            parts.append(("value", unescaped(re.sub(r"\r\n?", "\n", found[1]))))
            if found[2] == "`":
                reader.before = Token("text", "", after_line=False, at=reader.at)
                self.token = reader.next()
                return ("template", parts)
            reader.before = None
            self.token = reader.next()
            parts.append(self.expression())
            if not self.sees("}"):
                raise refusal("a text without an end")
            reader.at = self.token.at + 1

    def object(self) -> Node:
        self.need("{")
        found: list[tuple[str, Node]] = []
        while not self.takes("}"):
            token = self.take()
            if token.kind not in {"name", "text", "keyword"} or token.value == "__proto__":
                raise refusal(f"{token.value!r} as a key")
            self.need(":")
            found.append((str(token.value), self.expression()))
            if not self.sees("}"):
                self.need(",")
        return ("object", found)

    def made(self) -> Node:
        self.need("new")
        if self.name() != "RegExp":
            raise refusal("`new`")
        self.need("(")
        texts = self.listed(")")
        if not 1 <= len(texts) <= 2 or any(  # noqa: PLR2004  # a pattern and its flags
            part[0] != "value" or not isinstance(part[1], str) for part in texts
        ):
            raise refusal("a pattern that is not written out")
        pattern, flags = str(texts[0][1]), str(texts[1][1]) if len(texts) > 1 else ""
        return regex_node(pattern or "(?:)", flags)


_SIGNS = frozenset({"sign", "keyword"})
_STATEMENTS: Mapping[str, Callable[[_Parser], Node]] = {
    **dict.fromkeys(("const", "let", "var"), _Parser.declaration),
    "if": _Parser.condition,
    "try": _Parser.attempt,
    "{": lambda parser: ("block", parser.block()),
    "return": _Parser.returned,
}
_PRIMARY: Mapping[str, Callable[[_Parser], Node]] = {
    "`": _Parser.template,
    "(": _Parser.inside,
    "[": _Parser.array,
    "{": _Parser.object,
    "new": _Parser.made,
}
_DEEPEST = 60
_LEVELS = (
    ("==", "!=", "===", "!=="),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_ARROW = re.compile(
    r"(?:[A-Za-z_$][\w$]*|\(\s*(?:[A-Za-z_$][\w$]*\s*(?:,\s*[A-Za-z_$][\w$]*\s*)*)?\))\s*=>",
    re.ASCII,
)
_TEMPLATE = re.compile(r"((?:[^`\\$]|\\(?s:.)|\$(?!\{))*)(`|\$\{)")
_DECLARES = re.compile(r"(?:const|let|var)\s")


def parsed_script(text: str) -> list[Node]:
    """The statements of an assertion's text, as promptfoo makes a function of it.

    One line is an expression whose value is returned, or declarations and an expression behind
    them; several lines are a function's body.

    Raises:
        UntranslatableError: something in it is not read here.
    """
    text = text.rstrip()
    if "\n" in text:
        return _whole(text, lambda parser: parser.statements(until=""))
    line = re.sub(r";+\s*$", "", text.strip())
    if _DECLARES.match(line):
        found = _whole(line, lambda parser: parser.statements(until=""))
        if found and found[-1][0] == "expression":
            found[-1] = ("return", found[-1][1])
        return found
    return _whole(line, lambda parser: [("return", parser.expression())])


def _whole(text: str, read: Callable[[_Parser], list[Node]]) -> list[Node]:
    try:
        parser = _Parser(ScriptText(text))
        found = read(parser)
    except RecursionError:
        raise refusal("an expression so deep") from None
    if parser.token.kind != "end":
        raise refusal(f"{parser.token.value!r}")
    return found


def names_vars(nodes: object) -> bool:
    """Whether a tree reads the test's variables."""
    if not isinstance(nodes, tuple | list):
        return False
    parts = cast("tuple[object, ...] | list[object]", nodes)
    return tuple(parts[:1]) == ("vars",) or any(map(names_vars, parts))
