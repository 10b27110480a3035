"""Quoted texts of a source file in any language with C-like or `#` comments.

No grammar: a small reader that knows quotes and comments, and names a value by what stands before
it on its line and by the less indented lines above it. It serves TypeScript, JavaScript, Go, Java,
TOML and what cannot be parsed otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.scan.uses import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STRING = r"""(?P<quote>["'`])(?P<text>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)"""
_C_LIKE = re.compile(
    rf"(?P<comment>//[^\n]*|/\*.*?\*/)|{_STRING}",
    re.DOTALL,
)
_HASH = re.compile(rf"(?P<comment>\#[^\n]*)|{_STRING}")
_LOOKS = re.compile(
    r"(?:[=!]==?|\bcase|\.(?:startsWith|endsWith|includes|indexOf|has|equals|HasPrefix)\(|(?<!\|)\|)\s*$"
)
_CALL = re.compile(r"[\w$.]*\(\s*$")
_TERNARY = re.compile(r"([\w$]+)\s*(?::\s*[\w$]+\s*)?(?:=(?![=>])|:)[^=;{?]*\?(?![?.])[^;{]*$")
_FUNCTION = re.compile(r"\b(?:function|class|func|def)\s+([\w$]+)")
_FIRST = re.compile(r"""^\s*(?:-\s+)?["']?([\w$.-]+)["']?\s*[:=]""")
_INLINE = re.compile(r"""["']?([\w$.-]+)["']?\s*[:=]\s*\{(?!\{|[^{]*\})""")
_TYPED = re.compile(r"([\w$]+)\s*\??:\s*[\w$<>\[\]| .]+=\s*$")
_NAMED = re.compile(r"""["']?([\w$.-]+)["']?\s*\??\s*(?::=|=>|:|=|\?\?|\|\||,)\s*\[?\s*$""")
_OUTER = re.compile(
    r"""^\s*(?:(?:export|default|async|public|private|static|func|function|class|const|let|var|def)
    \s+)*["']?([\w$.-]+)["']?\s*(?:\(|:|=|\{)""",
    re.VERBOSE,
)
_TOML_SECTION = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:\#.*)?$")


@dataclass(frozen=True, slots=True)
class _Place:
    """One quoted text with the rest of its line around it."""

    line: int
    before: str
    text: str
    after: str


def source_words(text: str) -> Iterator[Word]:
    """Quoted texts of a language with `//` comments."""
    yield from _words(text, _C_LIKE)


def hash_words(text: str) -> Iterator[Word]:
    """Quoted texts of a language with `#` comments."""
    yield from _words(text, _HASH)


def toml_words(text: str) -> Iterator[Word]:
    """Quoted texts of a TOML file, by section and key."""
    lines = text.split("\n")
    for place in _places(text, _HASH):
        if _TOML_SECTION.match(lines[place.line - 1]) is not None:
            continue
        inline = _INLINE.findall(place.before)
        key = _key_before(place.before) or _key_above(lines, place.line)
        parts = [_section(lines, place.line), *inline, key]
        yield Word(line=place.line, key=".".join(part for part in parts if part), text=place.text)


def _words(text: str, pattern: re.Pattern[str]) -> Iterator[Word]:
    lines = text.split("\n")
    for place in _places(text, pattern):
        if _is_key(place) or _LOOKS.search(place.before) or place.after.startswith("|"):
            continue
        inline = _INLINE.findall(place.before)
        names = [*_around(lines, place.line), *inline, _key_before(place.before)]
        key = ".".join(name for name in names if name)
        yield Word(line=place.line, key=key, text=place.text)


def _places(text: str, pattern: re.Pattern[str]) -> Iterator[_Place]:
    for match in pattern.finditer(text):
        if match["comment"] is not None:
            continue
        start, end = match.span()
        begin = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", end)
        after = text[end : len(text) if stop < 0 else stop].strip()
        line = text.count("\n", 0, start) + 1
        yield _Place(line, text[begin:start], match["text"], after)


def _is_key(place: _Place) -> bool:
    """`"gpt-4o": 2.5` names a row of a table; `x ? "gpt-4o" : y` chooses."""
    return place.after.startswith(":") and not place.before.rstrip().endswith("?")


def _key_before(before: str) -> str:
    """What the line calls a value that stands behind this text."""
    if (ternary := _TERNARY.search(before)) is not None:
        return ternary[1]
    head = before
    while (call := _CALL.search(head)) is not None and call.group() != "":
        name, head = call.group().strip(" ("), head[: call.start()]
        if not head.strip():
            return name.rpartition(".")[2]
    found = _TYPED.search(head) or _NAMED.search(head) or _FIRST.search(head)
    return found[1].rpartition(".")[2] if found else ""


def _key_above(lines: Sequence[str], line: int) -> str:
    """The key of a list that began on a line above."""
    for above in reversed(lines[: line - 1]):
        if (found := re.match(r"""\s*["']?([\w.-]+)["']?\s*=\s*\[""", above)) is not None:
            return found[1]
    return ""


def _section(lines: Sequence[str], line: int) -> str:
    for above in reversed(lines[:line]):
        if (found := _TOML_SECTION.match(above)) is not None:
            return found[1].replace('"', "").replace("'", "")
    return ""


def _around(lines: Sequence[str], line: int) -> list[str]:
    """Names of the less indented lines above, outermost first: functions, classes, objects."""
    names: list[str] = []
    depth = _indent(lines[line - 1])
    for above in reversed(lines[: line - 1]):
        if depth == 0:
            break
        if above.strip() and _indent(above) < depth:
            depth = _indent(above)
            found = _FUNCTION.search(above) or _OUTER.match(above)
            if found is not None and above.rstrip().endswith(("{", "(", "[", ":", "=>", "=")):
                names.append(found[1].rpartition(".")[2])
    return names[::-1]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
