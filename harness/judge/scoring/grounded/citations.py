"""Ids that an answer cites, and those of them that no passage has.

`[doc-3]`, `[1, 2]`, `[1-3]`, a bracket of OpenAI's file search, `(doc-3)` and a line `Sources: ...`
are read. In brackets stand other things, too: what has not the shape of an id of the case is left
alone, so a word in brackets is no citation unless a passage is called so.
"""

from __future__ import annotations

import re
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
