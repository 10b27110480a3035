"""Why to stay, and what staying costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import (
    cheapest_failed,
    decided_by_slice,
    month_of,
    right_counts,
    saving_if_swapped,
)
from harness.publish.money_words import at_most_text, errors_beside, too_little
from harness.publish.page_tables import promised_time
from harness.publish.quality_words import agreed, cases_of, note_of, unlabelled_text
from harness.publish.stops import why_stopped
from harness.publish.words import (
    REASONS,
    count,
    limit,
    of_option,
    points,
    seconds,
    series,
    share,
    usd,
)
from harness.record.codes import Reason, Result
from reports.document import Paragraph

if TYPE_CHECKING:
    from decimal import Decimal

    from harness.record.model import DecisionRecord
    from harness.record.parts import OptionRecord, Quality


def justify_opening(record: DecisionRecord) -> list[Paragraph]:
    """The cheapest that failed, by how much, and what it would have saved."""
    paragraphs = [Paragraph(lead="Why stay?", runs=(_why_stay(record),))]
    option = cheapest_failed(record)
    if option is None:
        return paragraphs
    saving = saving_if_swapped(record, option)
    if saving is not None and saving > 0:
        paragraphs.append(
            Paragraph(lead="What staying costs.", runs=(_staying(record, option, saving),))
        )
    else:
        text = _staying_unknown(record, option)
        paragraphs.append(Paragraph(lead="What staying costs.", runs=(text,)))
    return paragraphs


def _staying(record: DecisionRecord, option: OptionRecord, saving: Decimal) -> str:
    """The bill's part of it, how a bound of it adds up, and what the errors would cost."""
    how = "failed" if option.result is Result.FAIL else "was left"
    against = f"against {option.target.option}, the cheapest that {how}"
    bound = ""
    if option.quality is None:
        today, then = month_of(record.current_cost), month_of(option.cost)
        bound = at_most_text(today, then, option.saving_at_most)
    beside = errors_beside(record, option)
    on_bill = " on the bill" if beside else ""
    return f"{usd(saving)} a month{on_bill}, {against}.{bound}{'.' if bound else ''}{beside}"


def _staying_unknown(record: DecisionRecord, option: OptionRecord) -> str:
    if saving_if_swapped(record, option) is None:
        return f"Not known: {option.target.option} has no monthly cost here ({note_of(option)})."
    return f"Nothing: {option.target.option} is not cheaper at this traffic."


def _why_stay(record: DecisionRecord) -> str:
    option = cheapest_failed(record)
    if option is None:
        codes = series(REASONS[reason] for reason in record.reason_codes)
        return f"There is nothing to move to: {codes or REASONS[Reason.NO_CHEAPER_CANDIDATE]}."
    if option.quality is None:
        others = len(record.options) - 1
        more = f" {_others(others)} left too; the table says why." if others > 0 else ""
        return f"{option.target.option} is the cheapest: {note_of(option)}.{more}"
    return _measured_failure(record, option, option.quality)


def _others(number: int) -> str:
    return "The other was" if number == 1 else f"The other {number} were"


def _measured_failure(record: DecisionRecord, option: OptionRecord, quality: Quality) -> str:
    counts = right_counts(quality)
    if quality.current is None:
        scored = (
            f"{option.target.option} was tried on {cases_of(record, quality)}; "
            f"{unlabelled_text(quality)}"
        )
    elif counts is None:
        scored = (
            f"{option.target.option} scored {points(quality.candidate, signed=False)} of 100 on "
            f"{cases_of(record, quality)}, "
            f"today's model {points(quality.current, signed=False)}"
        )
    else:
        scored = (
            f"{option.target.option} was right {count(counts[1])} times on "
            f"{cases_of(record, quality)}, today's model {count(counts[0])} times"
        )
    return (
        f"{scored}: {points(quality.difference)} points, at worst {points(quality.worst)} "
        f"({limit(quality.margin)}); {agreed(record)}. {_why_failed(record, option)}"
    )


def _why_failed(record: DecisionRecord, option: OptionRecord) -> str:
    return " ".join(_failure(record, option, reason) for reason in option.reason_codes)


def _failure(record: DecisionRecord, option: OptionRecord, reason: Reason) -> str:
    """One reason with the figure that it rests on, where there is one."""
    match reason:
        case Reason.SLICE_REGRESSION:
            figure = _slice_text(option)
        case Reason.GUARDRAIL_FAILED:
            figure = _guardrail_text(option)
        case Reason.LATENCY_SLO_MISSED:
            figure = _latency_text(option)
        case Reason.UNLIKELY_TO_PASS:
            figure = why_stopped(record, option)
        case Reason.NET_SAVING_BELOW_MINIMUM:
            figure = too_little(record, option)
        case _:
            figure = ""
    return figure or f"{of_option('It', reason)}."


def _slice_text(option: OptionRecord) -> str:
    part = decided_by_slice(option)
    if part is None or part.difference is None:
        return ""
    best = "" if part.best is None else f", at best {points(part.best)}"
    allowed = "" if part.margin is None else f" (limit -{part.margin:g})"
    name = f"{part.key} {part.value} ({count(part.n)} cases)"
    return f"On {name} it is at {points(part.difference)} points{best}{allowed}."


def _guardrail_text(option: OptionRecord) -> str:
    rail = next((rail for rail in option.guardrails if rail.vetoes), None)
    if rail is None or rail.difference is None:
        return ""
    allowed = "" if rail.margin is None else f" (limit -{rail.margin:g})"
    return (
        f"It fails the guardrail {rail.name}: {share(rail.candidate)} against "
        f"{share(rail.current)} today, {points(rail.difference)} points{allowed}."
    )


def _latency_text(option: OptionRecord) -> str:
    if option.latency is None:
        return ""
    bound, promised = promised_time(option.latency)
    if bound is None or promised is None:
        return ""
    return f"It may take {seconds(bound)} where {promised:g} s are promised."
