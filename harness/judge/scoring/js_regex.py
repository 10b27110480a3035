"""JavaScript's regular expressions in Python's words, with the same meaning; or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CLASSES = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
}
_LINE_END = r"[\n\r\u2028\u2029]"
_ANY = r"[^\n\r\u2028\u2029]"
_ONE = len(r"\x00")
"""A shorthand is longer than any escaped letter: behind it a hyphen is no range."""
_NAMED = re.compile(r"\(\?<([A-Za-z_$][\w$]*)>")
_BACK = re.compile(r"\\k<([A-Za-z_$][\w$]*)>")
_CONTROL = {"t": r"\t", "n": r"\n", "v": r"\v", "f": r"\f", "r": r"\r"}
_NOT_JAVASCRIPT = re.compile(r"\(\?(?:P|#|\(|>|[a-zA-Z-]+[:)])")


class UntranslatableError(ValueError):
    """A pattern that has no counterpart; the message says why."""


def to_python(pattern: str, *, flags: str = "") -> str:
    r"""The pattern in Python's words.

    >>> to_python(r"^(?<year>\d{4})$")
    '\\A(?P<year>[0-9]{4})\\Z'

    Raises:
        UntranslatableError: JavaScript refuses the pattern, or Python cannot say the same.
    """
    if set(flags) - set("gimsuy"):
        raise UntranslatableError(f"the flags {flags!r} are not read")
    if _NOT_JAVASCRIPT.search(re.sub(r"\\.", "", pattern, flags=re.DOTALL)):
        raise UntranslatableError("JavaScript itself refuses this pattern, so it never holds")
    words = _Words(pattern=pattern, multiline="m" in flags, dotall="s" in flags)
    text = "".join(words.all())
    # Without the flag u JavaScript pairs no letter beyond ASCII with one in it.
    alike = "ai" if pattern.isascii() else "i"
    text = f"(?{alike}:{text})" if "i" in flags else text
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UntranslatableError(f"the pattern cannot be said in Python: {error}") from None
    return text


@dataclass(slots=True, kw_only=True)
class _Words:
    pattern: str
    multiline: bool
    dotall: bool
    at: int = 0
    out: list[str] = field(default_factory=list[str])

    def all(self) -> list[str]:
        while self.at < len(self.pattern):
            self.out.append(self.one())
        return self.out

    def one(self) -> str:
        letter = self.pattern[self.at]
        if letter == "\\":
            return self.escape(inside=False)
        if letter == "[":
            return self.character_class()
        if letter == "(":
            return self.group()
        if letter == "{":
            return self.brace()
        self.at += 1
        return self.quantifier(letter) if letter in "*+?" else self.mark(letter)

    def mark(self, letter: str) -> str:
        """A point or an end; any other letter is itself."""
        marks = {
            ".": "[\\s\\S]" if self.dotall else _ANY,
            "^": rf"(?:\A|(?<={_LINE_END}))" if self.multiline else r"\A",
            "$": rf"(?={_LINE_END}|\Z)" if self.multiline else r"\Z",
        }
        return marks.get(letter, letter)

    def quantifier(self, letter: str) -> str:
        """`*`, `+` or `?`; behind another quantifier only `?`, which makes it lazy."""
        if letter == "+" and self.out and self.out[-1] in {"*", "+", "?"}:
            raise UntranslatableError("JavaScript itself refuses this pattern, so it never holds")
        return letter

    def brace(self) -> str:
        """A count, or a bracket as it stands."""
        count = re.compile(r"\{\d+(,\d*)?\}").match(self.pattern, self.at)
        self.at += 1
        return "{" if count else r"\{"

    def group(self) -> str:
        named = _NAMED.match(self.pattern, self.at)
        if named is not None:
            self.at = named.end()
            return f"(?P<{named[1].replace('$', '_')}>"
        self.at += 1
        return "("

    def character_class(self) -> str:
        start = self.at
        self.at += 1
        negated = self.pattern.startswith("^", self.at)
        self.at += negated
        parts: list[str] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != "]":
            letter = self.pattern[self.at]
            if letter == "\\":
                parts.append(self.escape(inside=True))
                if len(parts[-1]) > _ONE and self.pattern.startswith("-", self.at):
                    self.at += 1
                    parts.append(r"\-")
                continue
            self.at += 1
            parts.append("\\" + letter if letter in "[&~|" or self.is_double(letter) else letter)
        if self.at >= len(self.pattern):
            raise UntranslatableError(f"the class at {start} has no end")
        self.at += 1
        if not parts:
            return "[\\s\\S]" if negated else "(?!)"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def is_double(self, letter: str) -> bool:
        return letter == "-" and self.pattern.startswith("-", self.at)

    def escape(self, *, inside: bool) -> str:
        back = None if inside else _BACK.match(self.pattern, self.at)
        if back is not None:
            self.at = back.end()
            return f"(?P={back[1].replace('$', '_')})"
        self.at += 2
        if self.at > len(self.pattern):
            raise UntranslatableError("a backslash at the end")
        letter = self.pattern[self.at - 1]
        if letter.lower() in _CLASSES:
            return self.shorthand(letter, inside=inside)
        if letter in "bB":
            return "\\x08" if inside else rf"(?a:\{letter})"
        if letter in "xu":
            return self.code(letter)
        return self.plain(letter, inside=inside)

    def plain(self, letter: str, *, inside: bool) -> str:
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter == "c":
            self.at += 1
            return f"\\x{ord(self.pattern[self.at - 1 : self.at] or '@') % 32:02x}"
        if letter.isdigit():
            return self.digit(letter, inside=inside)
        return re.escape(letter)

    def digit(self, letter: str, *, inside: bool) -> str:
        following = self.pattern[self.at : self.at + 1]
        if letter == "0" and not following.isdigit():
            return "\\x00"
        groups = len(re.findall(r"(?<!\\)\((?!\?)|\(\?<(?![=!])", self.pattern))
        if inside or letter == "0" or following.isdigit() or int(letter) > groups:
            raise UntranslatableError(f"\\{letter} is not read")
        return f"(?:\\{letter})"

    def code(self, letter: str) -> str:
        digits = 2 if letter == "x" else 4
        found = re.compile(rf"[0-9A-Fa-f]{{{digits}}}").match(self.pattern, self.at)
        if found is None:
            if letter == "u" and self.pattern.startswith("{", self.at):
                raise UntranslatableError("\\u{...} is not read")
            return letter
        self.at = found.end()
        return re.escape(chr(int(found[0], 16)))

    def shorthand(self, letter: str, *, inside: bool) -> str:
        listed = _CLASSES[letter.lower()]
        if letter.islower():
            return listed if inside else f"[{listed}]"
        if inside:
            raise UntranslatableError(f"\\{letter} in a class is not read")
        return f"[^{listed}]"
