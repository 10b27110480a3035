"""Why there is no answer yet, what is missing, and what deciding is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import open_option
from harness.publish.floor_words import cannot_tell
from harness.publish.in_cases import groups_text, harm_text
from harness.publish.quality_words import agreed, counts_text, note_of
from harness.publish.words import REASONS, day, person, points, sentence, series, usd
from harness.record.codes import Reason
from harness.wording import plural
from reports.document import Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import StillNeeded


def undecided_opening(record: DecisionRecord) -> list[Paragraph]:
    """Why there is no answer, what is missing, and what happens until then."""
    until = (
        f"{record.current.option} stays; {person(record.feature.owner)} decides by "
        f"{day(record.decide_by)} whether the answer is worth having."
    )
    return [
        Paragraph(lead="Why no answer yet?", runs=(_why_open(record),)),
        Paragraph(lead="What is missing.", runs=(_missing_text(record),)),
        Paragraph(lead="Until then.", runs=(until,)),
    ]


def _why_open(record: DecisionRecord) -> str:
    option = open_option(record)
    reasons = series(REASONS[reason] for reason in record.reason_codes)
    plain = f"{reasons[:1].upper()}{reasons[1:]}."
    if Reason.BASELINE_FAILS_OWN_BAR in record.reason_codes:
        return f"{plain} It scored {points(record.current_quality, signed=False)} of 100."
    if Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return f"{plain} {cannot_tell(record)}"
    if option is None or option.quality is None:
        return plain if option is None else f"{plain} {option.target.option}: {note_of(option)}."
    quality = option.quality
    if quality.worst > -quality.margin:
        return (
            f"{counts_text(record, quality)} That would hold the limit, at worst "
            f"{points(quality.worst)}; but {reasons}."
        )
    return (
        f"{counts_text(record, quality)} {harm_text(record, quality)} "
        f"{option.target.option} is neither safe nor shown to be harmful ({reasons}); "
        f"{agreed(record)}.{groups_text(record, quality)}"
    )


_PROVIDE = {
    Reason.PRICE_MISSING: "A price: a dated entry beside the model in models/.",
    Reason.TRAFFIC_MISSING: "How often production asks, and with how many tokens: `traffic` in the "
    "feature's file.",
    Reason.RUN_INCOMPLETE: "The answers that did not come: run the review again; what was answered "
    "is not asked twice.",
    Reason.LATENCY_NOT_MEASURED: "A time measurement of at least 60 live requests.",
    Reason.JUDGE_UNRELIABLE: "A judge that agrees with people, or labels made by people.",
    Reason.USAGE_NOT_REPORTED: "A server that reports its usage: without it the cost is unknown.",
    Reason.EVALSET_CANNOT_TELL: "Cases on which a working model is clearly better than an answer "
    "that never changes: see that the prompt holds the case, that the targets are what a right "
    "answer says, and that they are not nearly all the same.",
    Reason.BASELINE_FAILS_OWN_BAR: "A model or a prompt that passes the bar: mend that first.",
}


def _missing_text(record: DecisionRecord) -> str:
    provide = [_PROVIDE[reason] for reason in record.reason_codes if reason in _PROVIDE]
    needed = record.still_needed
    if needed is None:
        return " ".join(provide) or "The record does not say how many cases or labels would decide."
    if needed.note and not provide:
        provide = [sentence(needed.note)]
    what = [
        text
        for number, text in (
            (needed.cases, plural(needed.cases or 0, "more case")),
            (needed.labels, plural(needed.labels or 0, "label")),
        )
        if number
    ]
    amount = [f"{series(what)}, {_price(needed)}."] if what else []
    worth = (
        "What deciding is worth is not known."
        if needed.worth_monthly_usd is None
        else f"Deciding is worth up to {usd(needed.worth_monthly_usd)} a month."
    )
    return " ".join([*amount, *provide, worth])


def _price(needed: StillNeeded) -> str:
    """Labels alone need no call; cases that cost nothing were never asked before."""
    if needed.cost_usd:
        return f"for {usd(needed.cost_usd)} of calls"
    return "at a cost not known" if needed.cases else "without another call"
