"""Ids and passages that an answer cites or quotes, and those of them that no passage has.

`[doc-3]`, `[1, 2]`, `[1-3]`, a bracket of OpenAI's file search, `(doc-3)` and a line `Sources: ...`
are read. In brackets stand other things, too: what has not the shape of an id of the case is left
alone, so a word in brackets is no citation unless a passage is called so.

A quote may leave out a middle (`...`, `[...]`), put a word in brackets, or change the capital it
begins with; what is left must stand in one passage, word for word and in its order. Which marks,
dashes and spaces are used does not count, nor punctuation at its ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BRACKETS = re.compile(r"\[([^\[\]\n]{1,200})\](?!\()|\u3010([^\u3011\n]{1,200})\u3011")
_ROUND = re.compile(r"\(([^()\n]{1,200})\)")
_LINE = re.compile(
    r"(?im)(?:^|(?<=[.\s]))(?:sources?|quellen?|fuentes?|fonti?|bron(?:nen)?|references?)\s*:\s*"
    r"([^\n]+)$"
)
_PROSE = re.compile(
    r"(?i)\b(?:passage|document|source|quelle|dokument|fuente|fonte|bron|extrait|chunk) (\d{1,3})\b"
)
_BETWEEN = re.compile(r"\s*[,;\uff0c\u3001]\s*|\s+(?:and|und|et|y|e|en|&)\s+")
_CALLED = re.compile(
    r"^(?:\^|#|(?:doc(?:ument)?|source|passage|chunk|ref(?:erence)?|quelle|dokument|abschnitt"
    r"|fuente|documento|fonte|bron|extrait|context)s?[\s.:_#-]+)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d{1,3})\s*[-\u2013]\s*(\d{1,3})")
_WIDEST = 20
"""A longer range is read by its ends."""
_POSITION = re.compile(r"\d{1,3}")
_DISTINCT = re.compile(r"[^a]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """Ids cited in one place of an answer, and where it begins and ends."""

    ids: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CitableIds:
    """The ids of a case's passages, in small letters; a passage without one has its place."""

    known: frozenset[str]
    shapes: frozenset[str]

    @classmethod
    def of(cls, ids: Sequence[str | None]) -> CitableIds:
        """Gather ids in the order of the passages."""
        known = frozenset(
            str(place) if name is None else name.casefold() for place, name in enumerate(ids, 1)
        )
        return cls(known, frozenset(_shape(name) for name in known))

    def cited(self, answer: str, pattern: re.Pattern[str] | None = None) -> Iterator[Cited]:
        """What an answer cites, in its order; by a pattern of the team's own, if it has one."""
        if pattern is not None:
            for match in pattern.finditer(answer):
                inside = match[1] if pattern.groups else match[0]
                yield Cited(ids=tuple(_parts(inside)), start=match.start(), end=match.end())
            return
        for kind in (_BRACKETS, _ROUND, _LINE, *((_PROSE,) if "9" in self.shapes else ())):
            for match in kind.finditer(answer):
                inside = next(group for group in match.groups() if group is not None)
                ids = tuple(self._ids(inside, telling=kind in (_ROUND, _LINE)))
                if ids:
                    yield Cited(ids=ids, start=match.start(), end=match.end())

    def unknown(self, cited: Cited) -> tuple[str, ...]:
        """The cited ids that no passage has."""
        return tuple(name for name in cited.ids if name not in self.known)

    def _ids(self, inside: str, *, telling: bool) -> Iterator[str]:
        """The parts of a bracket that are ids, or have the shape of one; `telling`: no number."""
        whole = inside.strip().casefold()
        for part in [whole] if whole in self.known else _parts(inside):
            if telling and part.isdecimal():
                continue
            for name in self._one(part):
                if name in self.known or self._like_one(name):
                    yield name

    def _one(self, part: str) -> Iterator[str]:
        if part in self.known:
            yield part
            return
        called = _CALLED.sub("", part)
        several = _RANGE.fullmatch(called)
        if several is not None and called not in self.known:
            first, last = int(several[1]), int(several[2])
            between = range(first, last + 1) if last - first < _WIDEST else (first, last)
            yield from map(str, between)
            return
        yield called if called in self.known or _shape(part) not in self.shapes else part

    def _like_one(self, name: str) -> bool:
        shape = _shape(name)
        if shape == "9":
            return "9" in self.shapes and _POSITION.fullmatch(name) is not None
        if shape.startswith("a://"):
            return any(known.startswith("a://") for known in self.shapes)
        return shape in self.shapes and _DISTINCT.search(shape) is not None


def _parts(inside: str) -> list[str]:
    parts = _BETWEEN.split(inside.partition("\u2020")[0].strip())
    return [part.strip(" .`*\"'").casefold() for part in parts if part.strip(" .`*\"'")]


def _shape(name: str) -> str:
    """An id with its letters as `a` and its digits as `9`: `doc-12` is `a-9`."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", name))


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
