"""The paragraphs below the large figures: "Will users notice?", "Why stay?" and the like.

A downgrade tells what was measured of quality; a justification why to stay and what that costs;
an undecided review why there is no answer yet, what is missing, and what deciding is worth.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from harness.record.base import Reason, Result, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord, StillNeeded
from harness.record.quality_parts import Quality
from harness.tell.facts import (
    cheapest_failed,
    chosen_option,
    decided_by_slice,
    labelling,
    month_of,
    on_paid_capacity,
    open_option,
    right_counts,
    saving_if_swapped,
)
from harness.tell.page.kinds import called
from harness.tell.page.missing import cannot_tell, why_stopped
from harness.tell.page.money_words import at_most_text, at_stake, error_costs, too_little
from harness.tell.page.page_stay import nearest
from harness.tell.page.page_tables import promised_time
from harness.tell.page.ways_on import UNKNOWN, provide
from harness.tell.words import (
    REASONS,
    adding_up,
    at_worst,
    count,
    day,
    groups_text,
    harm,
    harm_text,
    of_option,
    person,
    points,
    seconds,
    sentence,
    series,
    share,
)
from harness.wording import in_points, limit, plural, usd, with_pilot
from reports.document import Paragraph


def cases_of(record: DecisionRecord, quality: Quality) -> str:
    """The number of cases behind an option's figures, and how many of them were the pilot's."""
    return with_pilot(quality.n, quality.pilot_cases or 0, record.feature.unit)


def counts_text(record: DecisionRecord, option: OptionRecord, quality: Quality) -> str:
    """How often each model was right, or how they scored."""
    who = called(option)
    counts = right_counts(quality)
    unit = f"held-back {record.feature.unit}"
    cases = with_pilot(quality.n, quality.pilot_cases or 0, unit)
    if quality.current is None:
        return f"On {cases} {unlabelled_text(quality, who)}."
    if counts is None:
        return (
            f"On {cases} {who} scored "
            f"{points(quality.candidate, signed=False)} of 100, today's "
            f"{points(quality.current, signed=False)}."
        )
    incumbent, candidate = counts
    right = f"{who} was right {count(candidate)} times, today's {count(incumbent)}"
    return f"On {cases} {right}."


def unlabelled_text(quality: Quality, who: str) -> str:
    """What is known where some that agree have no label: the difference, but no level."""
    alike = f"the models answered alike {count(quality.agreed_without_label)} times, unlabelled"
    incumbent, candidate = quality.only_current_right, quality.only_candidate_right
    if incumbent is None or candidate is None:
        return f"{alike}; how good either is was not measured, only the difference"
    labelled = quality.n - (quality.agreed_without_label or 0) - incumbent - candidate
    if labelled:
        alike += f", and were both right or both wrong {count(labelled)} times"
    return (
        f"{alike}; where they differ {who} alone was right {count(candidate)} times, "
        f"today's alone {count(incumbent)}"
    )


def agreed(record: DecisionRecord) -> str:
    """Who set the limit, and what the journal says of when."""
    margin = record.margin
    if margin.agreed_on is None:
        return (
            f"the limit is {in_points(margin.value)} (the company's rule for "
            f"{record.feature.risk} risk; nobody agreed to it by name)"
        )
    owner = margin.agreed_by is None or margin.agreed_by == record.feature.owner.partition("@")[0]
    who = "you" if owner else person(margin.agreed_by or "")
    said = f"{who} agreed on a limit of {in_points(margin.value)} on {day(margin.agreed_on)}"
    return f"{said}{_earned(record, margin.agreed_on)}"


def _earned(record: DecisionRecord, agreed_on: date) -> str:
    """Whether the limit was fixed before an answer was seen: the journal knows, no typed date."""
    margin = record.margin
    if record.evidence.imported:
        return "; the answers had been seen before"
    if margin.fixed_on is None:
        return "" if agreed_on <= record.generated_at.date() else ", after this review"
    if margin.fixed_at is not None and margin.fixed_at != margin.value:
        return (
            f"; it was {in_points(margin.fixed_at)} when these cases were first asked, "
            f"on {day(margin.fixed_on)}"
        )
    if agreed_on > margin.fixed_on:
        return f", after these cases were first asked, on {day(margin.fixed_on)}"
    return ", before anything was run"


def note_of(option: OptionRecord) -> str:
    """Why an option ended as it did: the record's note, or its reason codes in words."""
    reasons = series(REASONS[reason] for reason in option.reason_codes)
    return (option.note or reasons or "no reason was recorded").rstrip(".")


def undecided_opening(record: DecisionRecord) -> list[Paragraph]:
    """Why there is no answer, and what is missing."""
    return [
        Paragraph(lead="Will users notice?", runs=("No: nothing changes until it is decided.",)),
        Paragraph(lead="Why no answer yet?", runs=(_why_open(record),)),
        Paragraph(lead="What is missing.", runs=(_missing_text(record),)),
    ]


_EXPLAINED = {
    Reason.LABELS_MISSING: " Where the models answer alike, nobody needs to say what is right: the "
    "difference is nothing. Where they differ somebody has to, without knowing which model said "
    "what.",
    Reason.EVALSET_SPENT: " All tests of these models on the same cases share one chance of being "
    "wrong, and every test takes a part of it: it is used up. The cases can still be looked at, "
    "but they decide nothing any more.",
}
"""What a reader asks next where a reason is no matter of these answers alone."""


def _why_open(record: DecisionRecord) -> str:
    option = open_option(record)
    reasons = series(REASONS[reason] for reason in record.reason_codes)
    plain = f"{reasons[:1].upper()}{reasons[1:]}."
    plain += "".join(_EXPLAINED.get(reason, "") for reason in record.reason_codes)
    if Reason.BASELINE_FAILS_OWN_BAR in record.reason_codes:
        return f"{plain} It scored {points(record.current_quality, signed=False)} of 100."
    if Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return f"{plain} {cannot_tell(record)}"
    if option is None or option.quality is None:
        return plain if option is None else f"{plain} {option.target.option}: {note_of(option)}."
    quality = option.quality
    if quality.worst > -quality.margin:
        return (
            f"{counts_text(record, option, quality)} That would hold the limit, at worst "
            f"{at_worst(quality.worst)}; but {reasons}."
        )
    return (
        f"{counts_text(record, option, quality)} {harm_text(record, quality)} "
        f"{option.target.option} is neither safe nor shown to be harmful ({reasons}); "
        f"{agreed(record)}.{groups_text(record, quality)}"
    )


def _missing_text(record: DecisionRecord) -> str:
    provided = provide(record)
    needed = record.still_needed
    if needed is None:
        return " ".join(provided) or UNKNOWN
    if needed.note and not provided:
        provided = [sentence(needed.note)]
    lacking = ((needed.cases, "more case"), (needed.labels, "label"))
    what = [plural(number, name) for number, name in lacking if number]
    amount = [f"{series(what)}, {_price(needed)}{labelling(record)}."] if what else []
    if needed.labels and Reason.LABELS_MISSING in record.reason_codes:
        amount.append("They belong to the look that waits; what differs later may need none.")
    stake = at_stake(record)
    worth = f"At stake: {stake}." if stake else "What deciding is worth is not known."
    return " ".join([*amount, *provided, worth])


def _price(needed: StillNeeded) -> str:
    """What deciding would cost: labels need no calls, and a cost of zero is not shown."""
    if needed.cost_usd:
        return f"for {usd(needed.cost_usd)} of calls"
    return "at a cost not known" if needed.cases else "without another call"


def justify_opening(record: DecisionRecord) -> list[Paragraph]:
    """The cheapest option that failed, by how much, and what it would have saved."""
    paragraphs = [
        Paragraph(lead="Will users notice?", runs=("No: nothing changes.",)),
        Paragraph(lead="Why stay?", runs=(_why_stay(record),)),
    ]
    option = cheapest_failed(record)
    if option is None:
        return paragraphs
    saving = saving_if_swapped(record, option)
    if saving is not None and saving > 0:
        paragraphs.append(
            Paragraph(lead="What staying costs.", runs=(_staying(record, option, saving),))
        )
        paragraphs += nearest(record, option)
    else:
        text = _staying_unknown(record, option)
        paragraphs.append(Paragraph(lead="What staying costs.", runs=(text,)))
    return paragraphs


def _staying(record: DecisionRecord, option: OptionRecord, saving: Decimal) -> str:
    """The saving forgone, how its bound adds up, and what the errors would cost."""
    how = "failed" if option.result is Result.FAIL else "was left"
    against = f"against {option.target.option}, the cheapest that {how}"
    incumbent, candidate = month_of(record.current_cost), month_of(option.cost)
    bound = ""
    if option.quality is None:
        bound = at_most_text(incumbent, candidate, option.saving_at_most)
    elif incumbent is not None and candidate is not None:
        first, second, _ = adding_up(incumbent, candidate)
        against += f": USD {first} today, USD {second} with it"
    costs = error_costs(record, option)
    on_bill = " on the bill" if costs else ""
    return f"{usd(saving)} a month{on_bill}, {against}.{bound}{'.' if bound else ''}{costs}"


def _staying_unknown(record: DecisionRecord, option: OptionRecord) -> str:
    if saving_if_swapped(record, option) is None:
        return f"Not known: {option.target.option} has no monthly cost here ({note_of(option)})."
    if on_paid_capacity(record):
        return "Nothing more before the term ends: the units are paid, used or not."
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
            f"{unlabelled_text(quality, called(option))}"
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
        f"{scored}: {points(quality.difference)} points, at worst {at_worst(quality.worst)} "
        f"({limit(quality.margin)}); {agreed(record)}.{_corrected(quality)} "
        f"{_why_failed(record, option)}"
    )


def _why_failed(record: DecisionRecord, option: OptionRecord) -> str:
    return " ".join(_failure(record, option, reason) for reason in option.reason_codes)


def _failure(record: DecisionRecord, option: OptionRecord, reason: Reason) -> str:
    """One reason, with the figure that it rests on where there is one."""
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
    return figure or f"{of_option('It', reason)}.".removeprefix("It: ")


def _slice_text(option: OptionRecord) -> str:
    part = decided_by_slice(option)
    if part is None or part.difference is None:
        return ""
    best = "" if part.best is None else f", at best {points(part.best)}"
    allowed = "" if part.margin is None else f" ({limit(part.margin)})"
    name = f"{part.key} {part.value} ({count(part.n)} cases)"
    return f"On {name} it is at {points(part.difference)} points{best}{allowed}."


def _guardrail_text(option: OptionRecord) -> str:
    rail = next((rail for rail in option.guardrails if rail.vetoes), None)
    if rail is None or rail.difference is None:
        return ""
    allowed = "" if rail.margin is None else f" ({limit(rail.margin)})"
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


def opening(record: DecisionRecord) -> list[Paragraph]:
    """The first paragraphs: the risk before the money."""
    match record.verdict:
        case Verdict.DOWNGRADE:
            return _downgrade_opening(record)
        case Verdict.JUSTIFY:
            return justify_opening(record)
        case Verdict.UNDECIDED:
            return undecided_opening(record)


def _downgrade_opening(record: DecisionRecord) -> list[Paragraph]:
    option = chosen_option(record)
    if option is None or option.quality is None:
        text = "No: the same model answers with the same prompt; only the way it is billed changes."
        return [Paragraph(lead="Will users notice?", runs=(text,))]
    counts = counts_text(record, option, option.quality).removesuffix(".")
    groups = groups_text(record, option.quality)
    text = (
        f"{harm_text(record, option.quality)}{_corrected(option.quality)} {counts}; "
        f"{agreed(record)}.{groups}"
    )
    return [Paragraph(lead="Will users notice?", runs=(text,))]


def _corrected(quality: Quality) -> str:
    """Says why the expected figure is not the one seen; empty if both are the same in print."""
    told, gain = harm(quality), quality.difference > 0
    seen = points(abs(quality.difference), signed=False)
    if quality.corrected is None:
        return ""
    if told.of is None:
        same = points(quality.corrected) == points(quality.difference)
        measured = f"{seen} of 100 points {'higher' if gain else 'lower'}"
    else:
        same = abs(-quality.difference * told.of / 100 - told.seen) <= 0.5  # noqa: PLR2004
        measured = f"{seen} {'fewer' if gain else 'more'} of 100"
    if same:
        return ""
    less = "the loss is set higher"
    if gain:
        less = "the gain is set lower" if told.seen < 0 else "no gain is counted on"
    return f" (As seen {measured}; {less}, as what is picked for looking good looks too good.)"
