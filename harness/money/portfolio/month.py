"""A portfolio as it stood on a past day: later decisions, bills and reviews are not known yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from harness.money.portfolio.overview import Counted, FeatureMoney, Overview
from harness.record.base import State, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import HistoryEntry

_ZERO = Decimal(0)


def as_of(record: DecisionRecord, day: date) -> DecisionRecord:
    """The record at the end of a day: what was decided or billed after it is taken back."""
    kept = tuple(entry for entry in record.history if entry.at.date() <= day)
    if len(kept) == len(record.history):
        return record
    update: dict[str, object] = {
        "history": kept,
        "state": kept[-1].state if kept else State.PROPOSED,
    }
    if record.verdict is Verdict.JUSTIFY and not any(e.state is State.ACCEPTED for e in kept):
        update["exception"] = None
    saved = record.savings
    if saved is not None and saved.verified_at is not None and saved.verified_at.date() > day:
        nothing = {"realised": None, "verified_at": None, "realised_months": None}
        update["savings"] = saved.model_copy(update=nothing)
    return record.model_copy(update=update)


def stood(records: Iterable[DecisionRecord], day: date) -> tuple[DecisionRecord, ...]:
    """Of each feature the newest record that had been made, as it stood at the end of the day."""
    found: dict[str, DecisionRecord] = {}
    made = (record for record in records if record.generated_at.date() <= day)
    for record in sorted(made, key=lambda one: (one.cycle, one.generated_at)):
        found[record.feature.id] = as_of(record, day)
    return tuple(found[name] for name in sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """What one feature costs a month as production runs on the day, and on the day before."""

    one: FeatureMoney
    now: Decimal
    before: Decimal | None
    """None: it had no record then, or its spend was not known."""


def running(one: FeatureMoney) -> Decimal | None:
    """USD a month as production runs: the spend as reviewed less a saving in production."""
    if one.spend is None:
        return None
    return one.spend - ((one.saving or _ZERO) if one.counted is Counted.PRODUCTION else _ZERO)


def costs(now: Overview, before: Overview) -> tuple[Driver, ...]:
    """Every feature whose cost is known, dearest first: the drivers of the run-rate."""
    old = {one.record.feature.id: running(one) for one in before.features}
    found = [
        Driver(one=one, now=usd, before=old.get(one.record.feature.id))
        for one in now.features
        if (usd := running(one)) is not None
    ]
    return tuple(sorted(found, key=lambda cost: (-cost.now, cost.one.record.feature.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One move of a decision."""

    record: DecisionRecord
    entry: HistoryEntry


def moves(records: Iterable[DecisionRecord], first: date, last: date) -> tuple[Happening, ...]:
    """Every move of a decision from the first day to the last, in order."""
    found = [
        Happening(record=record, entry=entry)
        for record in records
        for entry in record.history
        if first <= entry.at.date() <= last
    ]
    return tuple(sorted(found, key=_when))


def _when(event: Happening) -> tuple[datetime, str]:
    return event.entry.at, event.record.feature.id
