"""The claims of an answer that can be checked without a model, against a case's passages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast

from evalsets.cases import FoundText
from harness.judge.scoring.grounded.citations import CitableIds, bare, quotes, says
from harness.judge.scoring.grounded.figures import Figure, figures, folded, of_dates
from harness.judge.scoring.grounded.wording import tables

Check: TypeAlias = Literal["quotes", "citations", "numbers"]

_COUNTED = re.compile(r"(?m)^[ \t]*(?:[-*\u2022][ \t]+)?(?:\*\*)?(\d{1,2})[.)](?:\*\*)?[ \t]+(\w*)")
_STEP = re.compile(
    r"(?i)\b(?:step|schritt|etape|\u00e9tape|paso|passo|stap|option|punkt|point|no\.|nr\.)"
    r" ?\d{1,2}\b"
)
_SOURCE_KEY = re.compile(r"(?i)source|citation|reference|quelle|\bids?$|passages?|documents?")
_LONG_RUN = re.compile(r"(?<![\d.,])\d[\d ()/.-]{5,}\d(?![.,]?\d)")
_ONE_NUMBER = re.compile(r"\d+(?:\.\d+)?|\d{1,3}(?:[ .]\d{3})+|\d{1,4}([-/.])\d{1,2}\1\d{1,4}")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2,}")
_STEM = 4
_WORD = re.compile(rf"[^\W\d_]{{{_STEM},}}")
_FEWEST_DIGITS = 7
"""Of a telephone or account number, which may be grouped in any way."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """A context that answers are held against."""

    passages: tuple[FoundText, ...]
    ids: CitableIds
    bare: tuple[str, ...]
    figures: tuple[Figure, ...]
    names: str
    """All passages without what joins the parts of a name."""
    long_numbers: frozenset[str]
    years: frozenset[int]
    stems: frozenset[str]
    """How its words begin."""


@lru_cache(maxsize=512)
def grounds_of(passages: tuple[FoundText, ...]) -> Grounds:
    """Read a context once, however many answers are held against it."""
    texts = [folded(each.text) for each in passages]
    found = [figure for text in texts for figure in figures(text)]
    days = [day.year for figure in found for day in figure.days if day.year]
    numbers = [int(value) for figure in found for value in figure.values if value.denominator == 1]
    return Grounds(
        passages=passages,
        ids=CitableIds.of([each.id for each in passages]),
        bare=tuple(bare(each.text) for each in passages),
        figures=(*found, *of_dates(found)),
        names="\n".join(map(_joined, [*texts, *(folded(each.id or "") for each in passages)])),
        long_numbers=frozenset(_long_numbers("\n".join(texts))),
        stems=frozenset(stem for text in texts for stem in _stems(text)),
        years=frozenset([*days, *(number for number in numbers if 1000 <= number <= 2999)]),  # noqa: PLR2004
    )


def ungrounded(
    answer: str, grounds: Grounds, checks: Sequence[Check], pattern: re.Pattern[str] | None = None
) -> Iterator[str]:
    """What an answer says that the context does not, in words; nothing where all is there."""
    text = spoken(answer)
    if "citations" in checks:
        for cited in grounds.ids.cited(text, pattern):
            yield from (f"cites {name!r}" for name in grounds.ids.unknown(cited))
    if "quotes" in checks:
        yield from _unsaid(text, grounds, pattern, heeds_ids="citations" in checks)
    if "numbers" in checks:
        yield from _unknown_numbers(text, grounds, pattern)


def tells_of(answer: str, grounds: Grounds) -> bool:
    """Whether an answer says anything of a context: a word, a number or a quote that it has."""
    text = spoken(answer)
    told = folded(text)
    if not grounds.stems.isdisjoint(_stems(told)):
        return True
    if any(says(passage, quote) for quote in quotes(text) for passage in grounds.bare):
        return True
    return any(_stands(figure, grounds) for figure in figures(told))


def _stems(text: str) -> Iterator[str]:
    """The first four letters of its words; of a script without spaces each pair of letters."""
    for word in _WORD.findall(text):
        yield word[:_STEM]
    for run in _UNSPACED.findall(text):
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def spoken(answer: str) -> str:
    """The words of an answer: of JSON its texts, what its keys call sources as citations."""
    stripped = answer.strip()
    if not stripped.startswith(("{", "[")):
        return answer
    try:
        value: object = json.loads(stripped)
    except (ValueError, RecursionError):
        return answer
    listed = _listed(value)
    if stripped.startswith("[") and not any(isinstance(each, dict) for each in listed):
        return answer
    return "\n".join(_words(value, sources=False))


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _words(value: object, *, sources: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            yield from _words(each, sources=_SOURCE_KEY.search(key) is not None)
        return
    if isinstance(value, list):
        for each in _listed(cast("object", value)):
            yield from _words(each, sources=sources)
    elif value is not None and not isinstance(value, bool):
        yield f"[{value}]" if sources else str(value)


def _unsaid(
    text: str, grounds: Grounds, pattern: re.Pattern[str] | None, *, heeds_ids: bool
) -> Iterator[str]:
    cited = list(grounds.ids.cited(text, pattern)) if heeds_ids else []
    for quote in quotes(text):
        behind = next((c for c in cited if not text[quote.end : c.start].strip(" .,;:\u3002")
                       and c.start >= quote.end), None)  # fmt: skip
        wanted = None if behind is None else set(behind.ids)
        said = any(
            says(passage, quote)
            for place, passage in enumerate(grounds.bare)
            if wanted is None or _id_of(grounds.passages[place], place) in wanted
        )
        if not said:
            yield f"quotes {quote.text[:80]!r}"


def _id_of(passage: FoundText, place: int) -> str:
    return str(place + 1) if passage.id is None else passage.id.casefold()


def _unknown_numbers(text: str, grounds: Grounds, pattern: re.Pattern[str] | None) -> Iterator[str]:
    told = _without_citations(text, grounds, pattern)
    told = folded(_STEP.sub(" ", _COUNTED.sub(_uncounted, told)))
    known = grounds.long_numbers
    for run in _LONG_RUN.findall(told):
        digits = re.sub(r"\D", "", run)
        if len(digits) >= _FEWEST_DIGITS and digits in known and _is_grouped(run):
            told = told.replace(run, " ")
    for figure in figures(told):
        if not figure.spelled and not _stands(figure, grounds):
            yield f"says {figure.text!r}"


def _is_grouped(run: str) -> bool:
    """Whether digits are grouped as those of an account, not as one number or a day."""
    return _ONE_NUMBER.fullmatch(run) is None


def _stands(figure: Figure, grounds: Grounds) -> bool:
    if figure.days:
        told = [day for other in grounds.figures for day in other.days]
        same = any(day.within(other, grounds.years) for day in figure.days for other in told)
        if same or not figure.values:
            return same
    if figure.minutes:
        return any(figure.minutes & other.minutes for other in grounds.figures)
    if figure.name:
        return figure.name in grounds.names
    if not figure.values:
        written = figure.text
        return any(other.text == written for other in grounds.figures)
    return any(figure.agrees(other) for other in grounds.figures)


def _without_citations(text: str, grounds: Grounds, pattern: re.Pattern[str] | None) -> str:
    for cited in sorted(grounds.ids.cited(text, pattern), key=lambda each: -each.start):
        text = f"{text[: cited.start]} {text[cited.end :]}"
    return text


def _uncounted(match: re.Match[str]) -> str:
    """A line without its number in a list; the day of a date stays."""
    return match[0] if folded(match[2]) in tables().months else f" {match[2]}"


def _joined(text: str) -> str:
    return re.sub(r"[-_/. ]", "", text)


def _long_numbers(text: str) -> Iterator[str]:
    for run in _LONG_RUN.findall(text):
        digits = re.sub(r"\D", "", run)
        if len(digits) >= _FEWEST_DIGITS:
            yield digits
