"""The head of page one: title, status, notices, and the answer to "will users notice?"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import (
    cheapest_failed,
    chosen_option,
    decided_by_slice,
    open_option,
    reason_of,
    right_counts,
    saving_if_swapped,
)
from harness.publish.words import (
    REASONS,
    amount_text,
    count,
    day,
    limit,
    of_option,
    person,
    points,
    series,
    spoken,
    usd,
    usd_range,
)
from harness.record.codes import Reason, Result, State, Verdict
from reports.document import Notice, Paragraph

if TYPE_CHECKING:
    from harness.publish.facts import Facts
    from harness.record.model import DecisionRecord
    from harness.record.parts import OptionRecord, Quality


def title(record: DecisionRecord) -> str:
    """One line that says what to do, for what, and the figure that matters most."""
    match record.verdict:
        case Verdict.DOWNGRADE:
            return _downgrade_title(record)
        case Verdict.JUSTIFY:
            return _justify_title(record)
        case Verdict.UNDECIDED:
            return _undecided_title(record)


def _downgrade_title(record: DecisionRecord) -> str:
    name, today = spoken(record.feature.name), record.current.option
    option = chosen_option(record)
    how = (
        f"Downgrade {name} from {today} to {option.target.option}"
        if option is not None
        else f"Keep {today} for {name}, but change how it is used: {record.lever}"
    )
    if record.savings is None:
        return how
    saved = record.savings
    span = usd_range(saved.monthly_lower, saved.monthly_upper)
    return f"{how}: saves {usd(saved.monthly)} a month{span}"


def _justify_title(record: DecisionRecord) -> str:
    keep = f"Keep {record.current.option} for {spoken(record.feature.name)}"
    option = cheapest_failed(record)
    if option is None:
        first = next(iter(record.reason_codes), Reason.NO_CHEAPER_CANDIDATE)
        return f"{keep}: {REASONS[first]}"
    return f"{keep}: {_shortfall(option)}"


def _shortfall(option: OptionRecord) -> str:
    name, reason, quality = option.target.option, reason_of(option), option.quality
    part = decided_by_slice(option)
    if reason is Reason.SLICE_REGRESSION and part is not None and part.difference is not None:
        lost = points(-part.difference, signed=False)
        return f"{name} loses {lost} points on {part.key} {part.value}"
    if reason is Reason.QUALITY_INFERIOR and quality is not None:
        return f"{name} loses {points(-quality.difference, signed=False)} points"
    return of_option(name, reason) if reason is not None else f"{name} did not pass"


def _undecided_title(record: DecisionRecord) -> str:
    name, needed = spoken(record.feature.name), record.still_needed
    first = next(iter(record.reason_codes), Reason.QUALITY_UNDECIDED)
    if needed is not None and needed.labels:
        tail = f"{count(needed.labels)} labels would decide"
    elif needed is not None and needed.cases:
        tail = f"{count(needed.cases)} more cases would decide"
    else:
        tail = REASONS[first]
    return f"Undecided for {name}: {record.current.option} stays; {tail}"


def status(facts: Facts) -> str:
    """Where the decision stands, whose it is, and by when."""
    record = facts.record
    state = State.EXPIRED if facts.expired else record.state
    parts = [
        state.value,
        record.cycle,
        f"owner {person(record.feature.owner)}, {record.feature.team}",
        f"decide by {day(record.decide_by)}",
        f"evidence expires {day(record.expires_at)}",
    ]
    return " \u00b7 ".join(parts)


def notices(facts: Facts) -> list[Notice]:
    """What must be seen before all else."""
    record = facts.record
    found: list[Notice] = []
    if record.evidence.exploratory:
        why = "; ".join(record.evidence.exploratory)
        found.append(
            Notice(text=f"EXPLORATORY: this can be shown, but not accepted or locked. {why}")
        )
    if facts.expired:
        found.append(
            Notice(text=f"EXPIRED on {day(record.expires_at)}: review again before deciding.")
        )
    elif facts.overdue:
        found.append(Notice(text=f"A decision was due by {day(record.decide_by)}."))
    if record.evidence.imported:
        found.append(
            Notice(text="The answers were imported from another tool; we did not ask for them.")
        )
    return found


def opening(record: DecisionRecord) -> list[Paragraph]:
    """The first paragraphs: the risk before the money."""
    match record.verdict:
        case Verdict.DOWNGRADE:
            return _downgrade_opening(record)
        case Verdict.JUSTIFY:
            return _justify_opening(record)
        case Verdict.UNDECIDED:
            return _undecided_opening(record)


def _downgrade_opening(record: DecisionRecord) -> list[Paragraph]:
    option = chosen_option(record)
    if option is None or option.quality is None:
        text = "No: the same model answers with the same prompt; only the way it is billed changes."
        return [Paragraph(lead="Will users notice?", runs=(text,))]
    quality = option.quality
    answer = "Probably not. " if quality.worst < 0 else "No. "
    text = f"{answer}{_counts_text(record, quality)} {_bound_text(quality)}; {agreed(record)}."
    return [Paragraph(lead="Will users notice?", runs=(text,))]


def _counts_text(record: DecisionRecord, quality: Quality) -> str:
    unit, counts = record.feature.unit, right_counts(quality)
    if counts is None:
        return (
            f"On {count(quality.n)} held-back {unit} the smaller model scored "
            f"{points(quality.candidate, signed=False)} of 100, today's "
            f"{points(quality.current, signed=False)}."
        )
    today, then = counts
    return (
        f"On {count(quality.n)} held-back {unit} the smaller model was right {count(then)} times, "
        f"today's {count(today)}."
    )


def _bound_text(quality: Quality) -> str:
    if quality.worst >= 0:
        return f"Even at worst it is {points(quality.worst, signed=False)} points better"
    return f"It may be up to {points(-quality.worst, signed=False)} points worse"


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
    return (
        f"{who} agreed on a limit of {margin.value:g} on {day(margin.agreed_on)}, "
        "before anything was run"
    )


def _justify_opening(record: DecisionRecord) -> list[Paragraph]:
    paragraphs = [Paragraph(lead="Why stay?", runs=(_why_stay(record),))]
    option = cheapest_failed(record)
    if option is None:
        return paragraphs
    saving = saving_if_swapped(record, option)
    if saving is not None and saving > 0:
        text = (
            f"{usd(saving)} a month, against {option.target.option}, the cheapest that "
            f"{'failed' if option.result is Result.FAIL else 'was left'}."
        )
        paragraphs.append(Paragraph(lead="What staying costs.", runs=(text,)))
    else:
        text = _staying_unknown(record, option)
        paragraphs.append(Paragraph(lead="What staying costs.", runs=(text,)))
    return paragraphs


def _staying_unknown(record: DecisionRecord, option: OptionRecord) -> str:
    if saving_if_swapped(record, option) is None:
        return f"Not known: {option.target.option} has no monthly cost here ({_note(option)})."
    return f"Nothing: {option.target.option} is not cheaper at this traffic."


def _why_stay(record: DecisionRecord) -> str:
    option = cheapest_failed(record)
    if option is None:
        codes = series(REASONS[reason] for reason in record.reason_codes)
        return f"There is nothing to move to: {codes or REASONS[Reason.NO_CHEAPER_CANDIDATE]}."
    if option.quality is None:
        others = len(record.options) - 1
        more = f" The other {others} were left too; the table says why." if others > 0 else ""
        return f"{option.target.option} is the cheapest: {_note(option)}.{more}"
    return _measured_failure(record, option, option.quality)


def _measured_failure(record: DecisionRecord, option: OptionRecord, quality: Quality) -> str:
    counts = right_counts(quality)
    if counts is None:
        scored = (
            f"{option.target.option} scored {points(quality.candidate, signed=False)} of 100 on "
            f"{count(quality.n)} {record.feature.unit}, "
            f"today's model {points(quality.current, signed=False)}"
        )
    else:
        scored = (
            f"{option.target.option} was right {count(counts[1])} times on {count(quality.n)} "
            f"{record.feature.unit}, today's model {count(counts[0])} times"
        )
    return (
        f"{scored}: {points(quality.difference)} points, at worst {points(quality.worst)} "
        f"({limit(quality.margin)}); {agreed(record)}. {_why_failed(option)}"
    )


def _why_failed(option: OptionRecord) -> str:
    part = decided_by_slice(option)
    if part is not None and part.difference is not None:
        bound = "" if part.best is None else f", at best {points(part.best)}"
        return (
            f"On {part.key} {part.value} ({count(part.n)} cases) it is "
            f"{points(part.difference)} points{bound}."
        )
    reasons = [of_option("It", reason) for reason in option.reason_codes]
    return f"{'; '.join(reasons)}." if reasons else ""


def _note(option: OptionRecord) -> str:
    reasons = series(REASONS[reason] for reason in option.reason_codes)
    return (option.note or reasons or "no reason was recorded").rstrip(".")


def _undecided_opening(record: DecisionRecord) -> list[Paragraph]:
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
    if option is None or option.quality is None:
        note = f" {option.target.option}: {_note(option)}." if option is not None else ""
        return f"{reasons[:1].upper()}{reasons[1:]}.{note}"
    quality = option.quality
    return (
        f"{_counts_text(record, quality)} {option.target.option} may be up to "
        f"{points(-min(quality.worst, 0.0), signed=False)} points worse, and {agreed(record)}: "
        f"neither safe nor shown to be harmful ({reasons})."
    )


def _missing_text(record: DecisionRecord) -> str:
    needed = record.still_needed
    if needed is None:
        return "The record does not say how many cases or labels would decide."
    what = [
        text
        for number, text in (
            (needed.cases, f"{count(needed.cases)} more cases"),
            (needed.labels, f"{count(needed.labels)} labels"),
        )
        if number
    ]
    amount = f"{series(what)}. " if what else ""
    cost = "at a cost not known" if needed.cost_usd is None else f"for {usd(needed.cost_usd)}"
    worth = (
        "what deciding is worth is not known"
        if needed.worth_monthly_usd is None
        else f"deciding is worth up to USD {amount_text(needed.worth_monthly_usd)} a month"
    )
    note = f" {needed.note.rstrip('.')}." if needed.note else ""
    return f"{amount}This can be had {cost}; {worth}.{note}"
