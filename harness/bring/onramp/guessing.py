"""Which scorer fits a set's targets, held against that scorer's own reading of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

from evalsets.cases import Case, ScorerSpec
from evalsets.jsonl import canonical
from evalsets.validation import shown
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.numbers import NumberColumn, column_locale, convention, whole_quantity
from harness.judge.scoring.scorer import Scorer

_MOST_LABELS = 20
_MOST_FIELDS = 40
"""With more, each target's own fields are compared."""
_ROWS = 5
"""Rows that are shown as they are read."""
_BY_ITS_SIGNS = {"en": "1,234.5", "de": "1.234,5", "fr": "1 234,5", "de-CH": "1'234.5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A scorer, and lines that say how it reads the first targets."""

    primary: ScorerSpec
    notes: tuple[str, ...] = ()


def guess_scorer(cases: Sequence[Case], *, locale: str | None = None, comma: bool = False) -> Guess:
    """A scorer that fits the targets: a few labels, numbers, JSON objects, else equal texts.

    Raises:
        UsageError: `locale` is not known, or the targets are no numbers of it.
    """
    targets = [text for case in cases for text in _targets(case)]
    column = _told(targets, locale) if locale is not None else column_locale(targets)
    if comma and locale is None and column is not None and "de" in column.otherwise:
        # A table that a semicolon separates comes from where a comma stands before decimals.
        column = column_locale(targets, prefer="de")
    spec = _spec(targets, column)
    scorer = find_scorer(spec)
    if not all(_holds(scorer, case) for case in cases):
        spec = ScorerSpec(scorer="exact")
    return Guess(primary=spec, notes=tuple(_notes(spec, cases, column)))


def _targets(case: Case) -> tuple[str, ...]:
    return () if case.target is None else (case.target, *case.also_right)


def _told(targets: Sequence[str], locale: str) -> NumberColumn:
    name = convention(locale)
    if name is None:
        raise UsageError(f"--locale {locale}: not known; en, de, fr, de-CH, en-IN, ar and others")
    wrong = next((text for text in targets if whole_quantity(text, name) is None), None)
    if wrong is not None or not targets:
        what = "there is no target" if wrong is None else f"the target {shown(wrong)} is no number"
        raise UsageError(f"--locale {locale}: {what}")
    return NumberColumn(locale=name)


def _spec(targets: Sequence[str], column: NumberColumn | None) -> ScorerSpec:
    if column is not None:
        options = {} if column.locale == "en" else {"locale": column.locale}
        return ScorerSpec(scorer="number", options=canonical(options))
    labels = _labels(targets)
    # YAML takes no control characters, and no label or field has one.
    if not all(target.isprintable() for target in labels):
        return ScorerSpec(scorer="exact")
    fields = _json_fields(targets)
    if fields:
        options = {"fields": fields if len(fields) <= _MOST_FIELDS else [], "pass": "all"}
        return ScorerSpec(scorer="json-fields", options=canonical(options))
    if 1 < len(labels) <= min(_MOST_LABELS, len(targets) // 2):
        return ScorerSpec(scorer="label", options=canonical({"labels": labels}))
    return ScorerSpec(scorer="exact")


def _holds(scorer: Scorer, case: Case) -> bool:
    """Whether each target of a case is right by the scorer's own reading."""
    try:
        return all(
            scorer.score(replace(case, target=text, also_right=()), text) == 1
            for text in _targets(case)
        )
    except UsageError:
        return False


def _notes(spec: ScorerSpec, cases: Iterable[Case], column: NumberColumn | None) -> Iterator[str]:
    if spec.scorer == "exact":
        return
    if spec.scorer == "number" and column is not None:
        yield from _locale_notes(column)
    yield from islice(_readings(spec, cases, column), _ROWS)


def _readings(
    spec: ScorerSpec, cases: Iterable[Case], column: NumberColumn | None
) -> Iterator[str]:
    """Rows whose reading is not their text; of JSON the fields are told by the scorer's options."""
    scorer = find_scorer(spec)
    for case in cases:
        text = case.target
        if text is None or spec.scorer == "json-fields":
            continue
        read = scorer.normalise(text) or "" if column is None else _value(text, column)
        if read != text:
            yield f"{case.id}: {shown(text)} is read as {shown(read)}"


def _value(text: str, column: NumberColumn) -> str:
    found = whole_quantity(text, column.locale)
    return "" if found is None else found.text()


def _locale_notes(column: NumberColumn) -> Iterator[str]:
    """Whose numbers they are, where that is not plain."""
    otherwise: Mapping[str, str] = column.otherwise
    example = _BY_ITS_SIGNS.get(column.locale, "")
    if column.locale != "en" or otherwise:
        yield f"numbers are read as {column.locale} writes them" + (
            f" ({example})" if example else ""
        )
    for name, text in list(otherwise.items())[:1]:
        yield f"{shown(text)} would be another number in {name}: --locale {name} takes that"


def _labels(targets: Iterable[str]) -> list[str]:
    """The different targets, case apart, each in its commonest spelling."""
    spellings: dict[str, Counter[str]] = {}
    for target in targets:
        spellings.setdefault(target.strip().casefold(), Counter())[target.strip()] += 1
    return sorted(max(counts, key=lambda text: counts[text]) for counts in spellings.values())


def _json_fields(targets: Sequence[str]) -> list[str]:
    """Every field of any target, where all are JSON objects; an optional one is scored too."""
    objects = [_json_object(target) for target in targets]
    if not objects or any(found is None for found in objects):
        return []
    return sorted({name for found in objects if found is not None for name in found})


def _json_object(text: str) -> dict[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
