"""Quoted spans of an answer, and whether a passage says them.

A quote may leave out a middle (`...`, `[...]`), put a word in brackets, or change the capital it
begins with; what is left must stand in one passage, word for word and in its order. Which marks,
dashes and spaces are used does not count, nor punctuation at its ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTED = re.compile(
    '\u201e(?P<low>[^\u201e\u201c\u201d]+)[\u201c\u201d"]'
    "|\u201c(?P<high>[^\u201c\u201d]+)\u201d"
    "|\u00ab(?P<guillemets>[^\u00ab\u00bb]+)\u00bb"
    "|\u00bb(?P<turned>[^\u00ab\u00bb]+)\u00ab"
    "|\u2039(?P<small>[^\u2039\u203a]+)\u203a"
    "|\u300c(?P<corner>[^\u300d]+)\u300d"
    "|\u300e(?P<white>[^\u300f]+)\u300f"
    r'|(?<![\w"])"(?P<plain>[^"\n]+)"(?!\w)'
    "|(?<!\\w)\u2018(?P<single>[^\u2018\u2019\n]{1,400}(?:\u2019\\w[^\u2018\u2019\n]{0,200}){0,5})\u2019(?!\\w)"
    r"|(?<!\w)'(?P<straight>\w[^'\n]{0,400}(?:'\w[^'\n]{0,200}){0,5})'(?!\w)"
    r"|(?m:^[ \t]*>[ \t]?(?P<block>\S[^\n]*))"
)
_SEVERAL = frozenset({"single", "straight"})
"""Marks that also are apostrophes: a quote between them has at least two words."""
_LEFT_OUT = re.compile(
    r"\[\s*(?:\u2026|\.{3,})\s*\]|\(\s*(?:\u2026|\.{3,})\s*\)|\u2026|\.{3,}|\. \. \.|\[[^\[\]]*\]"
)
_CAPITAL = re.compile(r"\[(\w)\](?=\w)")
_MARKS = re.compile(
    "[\"'\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u300c-\u300f`*_]"
)
_DASH = re.compile("[\u2010-\u2015\u2212]")
_EDGES = " .,;:!?\u3002\uff0c\uff01\uff1f-()"
_SPACED = re.compile(r"[A-Za-z0-9\u00c0-\u058f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What stands between quotation marks, and where in the answer it ends."""

    text: str
    end: int


def quotes(answer: str) -> Iterator[Quote]:
    """The quoted spans of an answer, those of block quotes too."""
    for match in _QUOTED.finditer(answer):
        kind = match.lastgroup or ""
        text = match[kind]
        if kind in _SEVERAL and len(text.split()) < 2:  # noqa: PLR2004
            continue
        if any(_pieces(text)):
            yield Quote(text=text, end=match.end())


def says(passage: str, quote: Quote) -> bool:
    """Whether a passage in bare form (`bare`) says a quote."""
    at = 0
    for piece in _pieces(quote.text):
        at = _after(passage, piece, at)
        if at < 0:
            return False
    return True


def bare(text: str) -> str:
    """A text as quotes are compared: no marks and no emphasis, one kind of dash and space."""
    form = unicodedata.normalize("NFKC", text).casefold()
    form = "".join(each for each in form if unicodedata.category(each) != "Cf")
    return " ".join(_DASH.sub("-", _MARKS.sub("", form)).split())


def _pieces(quote: str) -> list[str]:
    """What a quote keeps, between what it leaves out."""
    parts = _LEFT_OUT.split(_CAPITAL.sub(r"\1", quote))
    return [piece for part in parts if (piece := bare(part).strip(_EDGES))]


def _after(passage: str, piece: str, at: int) -> int:
    """Where a piece ends in a passage, as whole words; -1 where it is not said."""
    while (found := passage.find(piece, at)) >= 0:
        end = found + len(piece)
        before, behind = passage[max(found - 1, 0) : found], passage[end : end + 1]
        if not (_joined(before, piece[0]) or _joined(piece[-1], behind)):
            return end
        at = found + 1
    return -1


def _joined(one: str, other: str) -> bool:
    """Whether two letters are of one word, in a script that puts spaces between words."""
    return bool(one and other and _SPACED.match(one) and _SPACED.match(other))
