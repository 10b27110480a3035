"""Words that numbers stand beside and answers refuse by: `configs/grounding.yaml` as tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import yaml

from evalsets.files import FileModel
from harness.workspace.reading import shipped


class _Scale(FileModel):
    powers: tuple[int, ...]
    words: str


class GroundingWords(FileModel):
    """`configs/grounding.yaml`; words stand in one text each, with spaces between."""

    units: Mapping[str, str]
    long_units: Mapping[str, tuple[str, ...]]
    ambiguous: str
    scales: tuple[_Scale, ...]
    months: Mapping[int, str]
    down: str
    articles: str
    spelled: Mapping[int, str]
    refusals: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTables:
    """The same as tables by word."""

    units: Mapping[str, str]
    """A unit's one name."""
    long_units: Mapping[str, str]
    """The same, of two words."""
    ambiguous: frozenset[str]
    """Units that are words of their own, too: only right behind a number in digits."""
    scales: Mapping[str, tuple[int, ...]]
    """Powers of ten that a word may mean: billions are not the same in every language."""
    months: Mapping[str, int]
    down: frozenset[str]
    """Words by which a number without a sign may be a negative one."""
    spelled: Mapping[str, int]
    """Numbers written out."""
    articles: frozenset[str]
    """Spelled ones that are articles as well: a number that may be told, and no claim of one."""
    refusal: re.Pattern[str]
    """A first sentence that says that there is no answer."""


@cache
def tables() -> WordTables:
    """Read once, when the first answer is scored."""
    text = shipped("grounding.yaml").read_text(encoding="utf-8")
    read = GroundingWords.model_validate(yaml.safe_load(text))
    refusals = (each.replace("SOURCE", read.source) for each in read.refusals)
    return WordTables(
        units=_by_word(read.units),
        long_units={word: name for name, words in read.long_units.items() for word in words},
        ambiguous=frozenset(read.ambiguous.split()),
        scales={word: scale.powers for scale in read.scales for word in scale.words.split()},
        months=_by_word(read.months),
        down=frozenset(read.down.split()),
        spelled=_by_word(read.spelled),
        articles=frozenset(read.articles.split()),
        refusal=re.compile("|".join(f"(?:{each})" for each in refusals), re.MULTILINE),
    )


_KeyT = TypeVar("_KeyT")


def _by_word(rows: Mapping[_KeyT, str]) -> Mapping[str, _KeyT]:
    return {word: key for key, words in rows.items() for word in words.split()}
