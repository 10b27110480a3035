"""The first lines of a document: title, status and notices."""

from __future__ import annotations

from harness.record.base import Reason, Verdict
from harness.record.laws import broken_laws
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality
from harness.tell.facts import (
    Facts,
    break_even_of,
    cheapest_failed,
    chosen_option,
    decided_by_slice,
    reason_of,
    saving_if_swapped,
)
from harness.tell.page.kinds import whole_name
from harness.tell.page.missing import TO_THE_END, was_asked_everything
from harness.tell.page.money_words import net_saving_of, result, saves
from harness.tell.words import (
    LEVERS,
    REASONS,
    count,
    day,
    harm,
    of_option,
    person,
    points,
    sentence,
    spoken,
)
from harness.wording import listed, plural, usd
from reports.document import Notice

MIXED = "Counts and difference rest on different cases; review again."
"""Said of an older record whose figures break a law that is checked today."""
_BY_MORE_CASES = {Reason.QUALITY_UNDECIDED, Reason.SAMPLE_TOO_SMALL, Reason.LABELS_MISSING}


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
    name, incumbent = spoken(record.feature.name), record.current.option
    option = chosen_option(record)
    how = (
        f"Switch {name} from {incumbent} to {whole_name(option)}"
        if option is not None
        else f"Keep {incumbent} for {name}, but change how it is used: "
        f"{LEVERS.get(record.lever, record.lever)}"
    )
    if record.savings is None:
        return how
    return f"{how}: {saves(record, record.savings)}"


def _justify_title(record: DecisionRecord) -> str:
    keep = f"Keep {record.current.option} for {spoken(record.feature.name)}"
    option = cheapest_failed(record)
    if option is None:
        first = next(iter(record.reason_codes), Reason.NO_CHEAPER_CANDIDATE)
        return f"{keep}: {REASONS[first]}"
    return f"{keep}: {_shortfall(record, option)}"


def _shortfall(record: DecisionRecord, option: OptionRecord) -> str:
    name, reason, quality = option.target.option, reason_of(option), option.quality
    part = decided_by_slice(option)
    if reason is Reason.SLICE_REGRESSION and part is not None and part.difference is not None:
        lost = points(-part.difference, signed=False)
        return f"{name} loses {lost} points on {part.key} {part.value}"
    if reason is Reason.QUALITY_INFERIOR and quality is not None:
        return f"{name} {_lost(quality)}"
    money = _too_little(record, option)
    if money:
        return f"{name} {money}"
    if was_asked_everything(record, option):
        return f"{name} {TO_THE_END}"
    return of_option(name, reason) if reason is not None else f"{name} did not pass"


def _lost(quality: Quality) -> str:
    """`gets 9 in 100 more wrong`, or points where answers are graded."""
    found = harm(quality)
    if found.of is None:
        return f"loses {points(-quality.difference, signed=False)} points"
    return f"gets {count(found.seen)} in {count(found.of)} more wrong"


def _too_little(record: DecisionRecord, option: OptionRecord) -> str:
    """`would save only USD 12 a month`; empty where money is not the reason or is unknown."""
    reason, saving = reason_of(option), saving_if_swapped(record, option)
    if reason is Reason.NET_SAVING_BELOW_MINIMUM:
        return _too_little_left(record, option)
    if reason is Reason.SAVINGS_BELOW_MINIMUM and saving is not None and saving > 0:
        return f"would save only {usd(saving)} a month"
    return ""


def _too_little_left(record: DecisionRecord, option: OptionRecord) -> str:
    """`saves only USD 43 a month with its mistakes and the switch counted`; empty: not known."""
    net, even = net_saving_of(record, option), break_even_of(record, option)
    once = None if even is None else even.one_off_monthly
    left = even.net_of_one_off if even is not None and once else net.net if net else None
    if left is None:
        return ""
    costs = [*(["its mistakes"] if net is not None else []), *(["the switch"] if once else [])]
    only = result(left).replace("saves", "saves only", 1)
    return f"{only} with {listed(costs)} counted"


def _undecided_title(record: DecisionRecord) -> str:
    name, needed = spoken(record.feature.name), record.still_needed
    first = next(iter(record.reason_codes), Reason.QUALITY_UNDECIDED)
    if first not in _BY_MORE_CASES:
        tail = REASONS[first]
    elif needed is not None and needed.labels:
        tail = f"it waits for {plural(needed.labels, 'label')}"
    elif needed is not None and needed.cases:
        more = "case" if needed.cases == 1 else "cases"
        tail = f"{count(needed.cases)} more {more} would probably decide"
    else:
        tail = REASONS[first]
    return f"Undecided for {name}: {record.current.option} stays; {tail}"


def status(facts: Facts) -> str:
    """The decision's state, cycle and owner, and until when the evidence holds."""
    record = facts.record
    parts = [
        facts.state.value,
        record.cycle,
        f"owner {person(record.feature.owner)}, {record.feature.team}",
        f"evidence expires {day(ends_on(record))}",
    ]
    return " \u00b7 ".join(parts)


def notices(facts: Facts) -> list[Notice]:
    """What a reader must know first: exploratory, expired, overdue, inconsistent or imported."""
    record = facts.record
    found: list[Notice] = []
    if record.evidence.exploratory:
        why = "; ".join(record.evidence.exploratory)
        found.append(
            Notice(
                text=f"EXPLORATORY: this can be shown, but not accepted or locked. {sentence(why)}"
            )
        )
    if facts.expired:
        found.append(
            Notice(text=f"EXPIRED on {day(ends_on(record))}: review again before deciding.")
        )
    elif facts.overdue:
        found.append(Notice(text=f"A decision was due by {day(record.decide_by)}."))
    if any(broken_laws(record)):
        found.append(Notice(text=MIXED))
    for option in record.options:
        if was_asked_everything(record, option):
            text = f"{option.target.option} {TO_THE_END}: today it would be open. Review again."
            found.append(Notice(text=text))
    if record.evidence.imported:
        found.append(
            Notice(
                text=f"{'Some of the' if record.evidence.imported_in_part else 'The'} answers were "
                "imported from another tool; we did not ask for them."
            )
        )
    return found
