"""Whether the cases can tell a good model from an answer that never changes, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.words import count, points
from harness.record.codes import Reason
from reports.document import Notice, Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.trust import FloorFacts

_CONSTANT = {
    "empty answer": "giving no answer at all",
    "commonest target": "always giving the commonest answer",
    "fixed text": "always giving the same short text",
}


def floor_paragraph(record: DecisionRecord) -> list[Paragraph]:
    """Beside a verdict that rests on the cases: what they could tell apart; nothing if unknown."""
    floor = record.evidence.floor
    if floor is None or not floor.clears or Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return []
    text = f"Yes. {floor_figures(record, floor)}"
    return [Paragraph(lead="Can these cases tell a good model from a bad one?", runs=(text,))]


def floor_figures(record: DecisionRecord, floor: FloorFacts) -> str:
    """Today's model beside the best answer that never changes, on the same cases."""
    unit = record.feature.unit
    drawn = f"{unit} drawn at random and labelled" if floor.sampled else unit
    if floor.constant is None:
        return _alike(record, floor)
    if floor.level is None:
        return (
            f"{_capital(_constant(floor))} {_verb(floor)} {_constant_score(floor, unit)}, "
            f"{points(floor.constant_score, signed=False)} of 100. A model that is right on all of "
            f"them would at worst score {points(floor.best_lower, signed=False)} of 100, and the "
            f"limit is {floor.margin:g}: not even that one could be told apart."
        )
    today = (
        f"scored {points(floor.level, signed=False)} of 100 on {count(floor.cases)} {drawn}"
        if floor.right is None
        else f"was right on {count(floor.right)} of {count(floor.cases)} {drawn}"
    )
    if floor.assumed and floor.constant == "empty answer":
        return f"Today's model {today}; an empty answer is taken to score nothing."
    tail = " (assumed)" if floor.assumed else ""
    constant = f"{_constant(floor)} {_verb(floor)} {_constant_score(floor, '')}{tail}"
    return f"Today's model {today}; {constant}."


def _alike(record: DecisionRecord, floor: FloorFacts) -> str:
    return (
        f"Today's model gave one and the same answer to {points(floor.alike, signed=False)} % of "
        f"the {record.feature.unit}; no label can show that it is better than always giving that "
        "answer."
    )


def _constant(floor: FloorFacts) -> str:
    if floor.label is not None:
        return f'always answering "{floor.label}"'
    return _CONSTANT.get(floor.constant or "", "always giving the same answer")


def _verb(floor: FloorFacts) -> str:
    return "would score" if floor.constant_right is None else "would be right on"


def _constant_score(floor: FloorFacts, unit: str) -> str:
    if floor.constant_right is None:
        return points(floor.constant_score, signed=False)
    whole = f" of {count(floor.cases)} {unit}" if unit else ""
    return f"{count(floor.constant_right)}{whole}"


def cannot_tell(record: DecisionRecord) -> str:
    """Why a set that cannot tell leaves no verdict: with its figures."""
    floor = record.evidence.floor
    if floor is None:
        return ""
    figures = floor_figures(record, floor)
    if floor.level_lower is None or floor.constant_score is None:
        return figures
    needed = points(floor.constant_score + floor.margin, signed=False)
    return (
        f"{figures} At worst today's model scores {points(floor.level_lower, signed=False)} of "
        f"100; at least {needed} is needed: what the unchanging answer scores, and the limit of "
        f"{floor.margin:g}."
    )


def too_easy(record: DecisionRecord) -> list[Notice]:
    """Every model at 100 %: said beside the verdict."""
    floor = record.evidence.floor
    if floor is None or not floor.all_right:
        return []
    text = (
        f"Every model that was asked was right on every case (100 %): these {record.feature.unit} "
        "are too easy to show a difference. That no model failed here does not say that none fails "
        "on harder ones; add such cases if there are any in production."
    )
    return [Notice(text=text)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
