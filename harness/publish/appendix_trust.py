"""The appendix on how far the figures can be trusted: repeats, cases to read, a second grader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.tables import table
from harness.publish.words import count, points, share
from harness.wording import plural
from reports.document import Bullets, Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import GraderFacts, NoiseFacts, OptionRecord, SpreadFacts
    from reports.document import Block

_MOST_IDS = 60
_TILT = 1.0
"""Points from which a grader is said to favour a model."""


def repeats(record: DecisionRecord) -> list[Block | None]:
    """How much of what is seen is a model's own noise; nothing with one answer per case."""
    rows: dict[tuple[str, ...], None] = {}
    for option in record.options:
        quality = option.quality
        if quality is not None:
            rows |= _spread_row(record.current.option, quality.spread_current)
            rows |= _spread_row(option.target.option, quality.spread_candidate)
    return [
        None if record.noise is None else _noise(record.current.option, record.noise),
        table(
            "Standard deviation of the score, in points; repeats of a case are averaged",
            ("model", "cases", "answers per case", "between cases", "within a case"),
            list(rows),
        ),
    ]


def _spread_row(name: str, found: SpreadFacts | None) -> dict[tuple[str, ...], None]:
    if found is None:
        return {}
    cells = (
        name,
        count(found.cases),
        count(found.repeats),
        f"{found.between:.1f}",
        f"{found.within:.1f}",
    )
    return {cells: None}


def _noise(name: str, found: NoiseFacts) -> Paragraph:
    text = (
        f"Asked twice, {name} scores differently on {share(found.disagreement)} of "
        f"{count(found.cases)} cases, and its second answers differ by {points(found.difference)} "
        f"points (standard error {found.error:.1f}). A difference of that size is no difference "
        "between models."
    )
    return Paragraph(lead="Noise floor.", runs=(text,))


def mixes(record: DecisionRecord) -> Block | None:
    """The difference at production's mix; nothing where no mix is stated."""
    found = [(o.target.option, o.quality.mix) for o in record.options if o.quality]
    return table(
        "At production's mix of parts, in points: beside the finding, each part's bound at its "
        "share of the level",
        ("option", "parts of", "mix", "cases", "difference", "at worst"),
        [
            (
                name,
                mix.key,
                ", ".join(f"{part} {percent:g} %" for part, percent in mix.shares),
                count(mix.n),
                points(mix.difference),
                points(mix.worst),
            )
            for name, mix in found
            if mix is not None
        ],
    )


def audit(record: DecisionRecord) -> list[Block | None]:
    """The cases to read, by id, and what a second grader makes of the same answers."""
    return [
        *(_grader_line(option) for option in record.options),
        table(
            "The same answers under a second grader, which decides nothing",
            (
                "option",
                "second grader",
                "cases",
                "today",
                "today, again",
                "candidate",
                "candidate, again",
                "difference moves by",
                "scores changed, today / candidate",
            ),
            [_grader_cells(o.target.option, o.grader) for o in record.options if o.grader],
        ),
        *(_to_read(option) for option in record.options),
    ]


def _grader_cells(name: str, found: GraderFacts) -> tuple[str, ...]:
    return (
        name,
        found.grader,
        count(found.cases),
        share(found.current),
        share(found.current_again),
        share(found.candidate),
        share(found.candidate_again),
        points(found.tilt),
        f"{len(found.changed_current):,} / {len(found.changed_candidate):,}",
    )


def _grader_line(option: OptionRecord) -> Paragraph | None:
    found = option.grader
    if found is None or abs(found.tilt) < _TILT:
        return None
    favoured = option.target.option if found.tilt < 0 else "today's model"
    text = (
        f"The grader that decided favours {favoured} by {abs(found.tilt):.1f} points over the "
        f"second grader, {found.grader}. Read the cases on which the two differ before anything is "
        f"signed: {_ids(found.changed_current + found.changed_candidate)}."
    )
    return Paragraph(lead=f"Is the grader right about {option.target.option}?", runs=(text,))


def _to_read(option: OptionRecord) -> Bullets | None:
    found = option.audit
    if found is None or not (found.losses or found.gains):
        return None
    items = [
        f"{plural(len(ids), 'case')} where {who} scores more: {_ids(ids)}"
        for who, ids in (("today's model", found.losses), (option.target.option, found.gains))
        if ids
    ]
    return Bullets(lead=f"Cases to read, {option.target.option}.", items=tuple(items))


def _ids(ids: tuple[str, ...]) -> str:
    distinct = tuple(dict.fromkeys(ids))
    more = len(distinct) - _MOST_IDS
    listed = ", ".join(distinct[:_MOST_IDS])
    return f"{listed} and {more:,} more in the record" if more > 0 else listed
