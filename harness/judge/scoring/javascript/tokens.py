"""The words and signs of JavaScript's text, one at a time, each read with its own meaning."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

from harness.judge.scoring.javascript.patterns import UntranslatableError

_SPACE = r"(?:[\t\n\v\f\r \u00a0\u2028\u2029\ufeff]|//[^\n\r\u2028\u2029]*|/\*(?s:.*?)\*/)*"
_SKIP = re.compile(_SPACE)
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)")
_WORD = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_SIGN = re.compile(r"===|!==|=>|\?\?|\?\.(?!\d)|&&|\|\||==|!=|<=|>=|[-+*/%!<>?:(){}\[\].,;=`]")
_REGEX = re.compile(r"/((?:[^/\\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+)/([a-z]*)")
_ENDS_VALUE = frozenset({"number", "text", "regex", "name"})
_TEXT = re.compile(
    r"""'((?:[^'\\\n\r]|\\(?:\r\n|(?s:.)))*)'|"((?:[^"\\\n\r]|\\(?:\r\n|(?s:.)))*)\""""
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|(?s:.)))"
)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WORDS = frozenset({"if", "else", "return", "const", "let", "var", "try", "catch", "new", "typeof"})
_REFUSED = frozenset(
    """
    async await break case class continue debugger default delete do export extends finally
    for function import in instanceof super switch this throw void while with yield
    """.split()  # noqa: SIM905  # words
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, text, pattern or sign."""

    kind: str
    value: Any
    after_line: bool
    """Whether a line ends before it."""
    at: int


def refusal(what: str) -> UntranslatableError:
    """What is not read here, as the error to raise."""
    return UntranslatableError(f"{what} is not read here")


def unescaped(text: str) -> str:
    """A literal's inside as its text."""

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is not None:
            if int(code, 16) > sys.maxunicode:
                raise refusal(f"the escape {match[0]!r}")
            return chr(int(code, 16))
        sign = match[4]
        if sign in {"\n", "\r", "\r\n", "\u2028", "\u2029"}:
            return ""
        if sign in "ux123456789":
            raise refusal(f"the escape {match[0]!r}")
        return _PLAIN.get(sign, sign)

    return _ESCAPE.sub(one, text)


@dataclass(slots=True)
class ScriptText:
    """Tokens of a text, one at a time; whether `/` begins a pattern depends on what came before."""

    text: str
    at: int = 0
    before: Token | None = None

    def next(self) -> Token:
        """The next token; behind the last one it is the end."""
        start = self.at
        skipped = _SKIP.match(self.text, start)
        self.at = skipped.end() if skipped else start
        line = any(sign in self.text[start : self.at] for sign in "\n\r\u2028\u2029")
        token = self._token(after_line=line)
        self.before = token
        return token

    def _token(self, *, after_line: bool) -> Token:
        at = self.at
        if at >= len(self.text):
            return Token("end", "the end", after_line, at)
        for kind, pattern in (("number", _NUMBER), ("word", _WORD), ("text", _TEXT)):
            found = pattern.match(self.text, at)
            if found is not None:
                self.at = found.end()
                return Token(*self._read(kind, found), after_line, at)
        if self.text[at] == "/" and not self._ends_value():
            return self._regex(at, after_line=after_line)
        sign = _SIGN.match(self.text, at)
        if sign is None:
            raise refusal(repr(self.text[at]))
        self.at = sign.end()
        return Token("sign", sign[0], after_line, at)

    def _read(self, kind: str, found: re.Match[str]) -> tuple[str, Any]:
        if kind == "text":
            return kind, unescaped(found[1] if found[1] is not None else found[2])
        if kind == "number":
            if (
                _WORD.match(self.text, found.end())
                or self.text[found.end() : found.end() + 1].isdigit()
            ):
                raise refusal(f"the number at {found.start()}")
            return kind, float(
                int(found[0], 16) if found[0][:2] in {"0x", "0X"} else float(found[0])
            )
        if found[0] in _REFUSED:
            raise refusal(f"`{found[0]}`")
        return ("keyword" if found[0] in _WORDS else "name"), found[0]

    def _ends_value(self) -> bool:
        before = self.before
        return before is not None and (
            before.kind in _ENDS_VALUE or before.value in {")", "]", "}"}
        )

    def _regex(self, at: int, *, after_line: bool) -> Token:
        found = _REGEX.match(self.text, at)
        if found is None:
            raise refusal("a pattern without an end")
        self.at = found.end()
        return Token("regex", (found[1], found[2]), after_line, at)
