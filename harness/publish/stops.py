"""Options that were given up before their last case: why, what it saved, what would decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import saving_if_swapped
from harness.publish.tables import table
from harness.publish.words import DASH, count, usd
from harness.record.codes import Reason
from harness.wording import chance, percent

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import OptionRecord, StopFacts
    from reports.document import Table

TO_THE_END = "was asked every case and not shown to hold the limit"
"""Of a record from before an option that was asked every case stayed open."""


def why_stopped(record: DecisionRecord, option: OptionRecord) -> str:
    """What was seen, the chance that was left, what it saved, and how many cases would decide."""
    stopped = option.stopped
    if stopped is None:
        return f"It {TO_THE_END}." if was_asked_everything(record, option) else ""
    unit = record.feature.unit
    return (
        f"It was given up after {count(stopped.seen)} of {count(stopped.cases)} {unit}: "
        f"{_chance_left(stopped)}{_saved(stopped)}. {_would_decide(stopped, unit)}"
    )


def _chance_left(stopped: StopFacts) -> str:
    left = f"the chance that the rest would show it within the limit was {chance(stopped.chance)}"
    if stopped.by_share:
        return f"{left}, too small beside those of the others"
    return f"{left} (it is given up below {percent(stopped.threshold, 1)})"


def _saved(stopped: StopFacts) -> str:
    return f"; stopping saved {usd(stopped.saved_usd)}" if stopped.saved_usd else ""


def _would_decide(stopped: StopFacts, unit: str) -> str:
    if stopped.cases_to_decide is None:
        return "As it was seen, no number of cases is likely to show it within the limit."
    return f"As it was seen, about {count(stopped.cases_to_decide)} {unit} would decide."


def cases_that_would_change(record: DecisionRecord) -> list[str]:
    """For each option that was given up early: cases, their cost and worth; fewest cases first."""
    found: list[tuple[int, str]] = []
    for option in record.options:
        stopped = option.stopped
        if stopped is None or stopped.cases_to_decide is None:
            continue
        found.append((stopped.cases_to_decide, _offer(record, option, stopped)))
    return [text for _, text in sorted(found)]


def _offer(record: DecisionRecord, option: OptionRecord, stopped: StopFacts) -> str:
    total, unit = stopped.cases_to_decide or 0, record.feature.unit
    more = max(total - stopped.cases, 0)
    cases = (
        f"{count(more)} more {unit} ({count(total)} in all)"
        if more
        else f"All {count(total)} {unit}"
    )
    cost, saving = stopped.cost_to_decide_usd, saving_if_swapped(record, option)
    price = f", for {usd(cost)} of calls" if cost else ""
    worth = f", worth up to {usd(saving)} a month" if saving is not None and saving > 0 else ""
    return f"{cases}: they would decide on {option.target.option}{price}{worth}."


def was_asked_everything(record: DecisionRecord, option: OptionRecord) -> bool:
    """A record made before such an option stayed open calls it unlikely to pass."""
    quality = option.quality
    if option.stopped is not None or quality is None or not quality.looks:
        return False
    if Reason.UNLIKELY_TO_PASS not in option.reason_codes:
        return False
    last, lost = quality.looks[-1], option.missing
    missing = 0 if lost is None else lost.current + lost.candidate
    return last.action == "futile" and last.n + missing >= record.evidence.eval_set.deciding


def stops_table(record: DecisionRecord) -> Table | None:
    """One row for each option that was given up early."""
    return table(
        "Given up before the last case",
        (
            "option",
            "cases",
            "of",
            "chance left",
            "given up below",
            "part of the error allowed",
            "given up below this part",
            "saved",
            "cases that would decide",
            "their cost",
        ),
        (
            _cells(option.target.option, option.stopped)
            for option in record.options
            if option.stopped is not None
        ),
    )


def _cells(name: str, stopped: StopFacts) -> tuple[str, ...]:
    return (
        name,
        count(stopped.seen),
        count(stopped.cases),
        chance(stopped.chance),
        percent(stopped.threshold, 1),
        DASH if stopped.share is None else percent(stopped.share, 1),
        DASH if stopped.least_share is None else percent(stopped.least_share, 1),
        usd(stopped.saved_usd),
        "no number is likely to"
        if stopped.cases_to_decide is None
        else count(stopped.cases_to_decide),
        usd(stopped.cost_to_decide_usd),
    )
