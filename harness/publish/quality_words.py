"""What was measured of quality, in the owner's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import right_counts
from harness.publish.words import REASONS, count, day, person, points, series
from harness.wording import pilot_beside

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import OptionRecord, Quality


def cases_of(record: DecisionRecord, quality: Quality) -> str:
    """The cases that an option's figures rest on, the pilot's named where they are among them."""
    return pilot_beside(quality.n, quality.pilot_cases or 0, record.feature.unit)


def counts_text(record: DecisionRecord, quality: Quality) -> str:
    """How often each model was right, or how they scored."""
    counts = right_counts(quality)
    unit = f"held-back {record.feature.unit}"
    cases = pilot_beside(quality.n, quality.pilot_cases or 0, unit)
    if quality.current is None:
        return f"On {cases} {unlabelled_text(quality)}."
    if counts is None:
        return (
            f"On {cases} the smaller model scored "
            f"{points(quality.candidate, signed=False)} of 100, today's "
            f"{points(quality.current, signed=False)}."
        )
    today, then = counts
    return f"On {cases} the smaller model was right {count(then)} times, today's {count(today)}."


def unlabelled_text(quality: Quality) -> str:
    """What is known where equal answers stand in for labels: the difference, and no level."""
    alike = f"the models answered alike {count(quality.agreed_without_label)} times, unlabelled"
    today, then = quality.only_current_right, quality.only_candidate_right
    if today is None or then is None:
        return f"{alike}; how good either is was not measured, only the difference"
    return (
        f"{alike}; where they differ the smaller model alone was right {count(then)} times, "
        f"today's alone {count(today)}"
    )


def agreed(record: DecisionRecord) -> str:
    """Who set the limit, and that it was set before."""
    margin = record.margin
    if margin.agreed_on is None:
        return (
            f"the limit is {margin.value:g} points (the company's rule for "
            f"{record.feature.risk} risk; nobody agreed to it by name)"
        )
    owner = margin.agreed_by is None or margin.agreed_by == record.feature.owner.partition("@")[0]
    who = "you" if owner else person(margin.agreed_by or "")
    before = margin.agreed_on <= record.generated_at.date()
    return (
        f"{who} agreed on a limit of {margin.value:g} on {day(margin.agreed_on)}, "
        f"{'before anything was run' if before else 'after this review'}"
    )


def note_of(option: OptionRecord) -> str:
    """Why an option ended as it did: the record's line, or its reasons in words."""
    reasons = series(REASONS[reason] for reason in option.reason_codes)
    return (option.note or reasons or "no reason was recorded").rstrip(".")
