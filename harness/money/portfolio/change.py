"""Why the spend of all features changed since the last cycle, and what a month brought.

Each feature's newest earlier record is held against its record now. One thing changes at a time and
the terms telescope: the requests, the share that is asked again, the tokens of a request at the old
prices, and what is left: the prices, or the model where it is another one. Levels are whole cents,
so every sum is exact. GPUs of one's own are no sum of tokens: their change is one term.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from harness.money.amounts import cents, exact
from harness.money.portfolio.overview import Counted, FeatureMoney, Overview
from harness.record.base import State, Verdict
from harness.record.model import DecisionRecord
from harness.record.money import RateFacts, TrafficFacts
from harness.record.parts import FeatureFacts, HistoryEntry

_ZERO = Decimal(0)
_MILLION = Decimal(1_000_000)
_PRICES = ("input", "output", "cache_read", "cache_write", "per_request", "discount", "tiers")


class Mover(StrEnum):
    """A cause of a change in spend; the value is its name on the page."""

    REQUESTS = "requests"
    RETRIES = "retries"
    TOKENS = "tokens a request"
    PRICES = "prices"
    MODEL = "another model"
    OWN_GPUS = "own GPUs"
    NEW = "new features"
    GONE = "not reviewed now"
    KNOWN_NOW = "known only now"
    UNKNOWN_NOW = "not known now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One feature's spend before and now, whole cents, and the terms between them."""

    feature: FeatureFacts
    before: Decimal | None
    """None: there was no earlier record, or its spend was not known."""
    now: Decimal | None
    terms: Mapping[Mover, Decimal]

    def __post_init__(self) -> None:
        """Refuse terms that do not lead from one spend to the other."""
        if sum(self.terms.values(), _ZERO) != self.change:
            raise ValueError(f"{self.feature.id}: the terms do not sum to the change")

    @property
    def change(self) -> Decimal:
        """USD a month more; below zero: less."""
        return (self.now or _ZERO) - (self.before or _ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """The spend of all features then and now, and the causes of the change."""

    cycles: tuple[str, ...]
    """The cycles that it is held against."""
    before: Decimal
    now: Decimal
    terms: Mapping[Mover, Decimal]
    """Every cause, in the order in which it is counted; most are 0."""
    features: tuple[Moved, ...]
    """Largest change first."""

    def __post_init__(self) -> None:
        """Refuse a sum that is not the sum of its parts."""
        if self.before + sum(self.terms.values(), _ZERO) != self.now:
            raise ValueError("the terms do not lead from the old spend to the new")
        for cause, usd in self.terms.items():
            if sum((one.terms.get(cause, _ZERO) for one in self.features), _ZERO) != usd:
                raise ValueError(f"{cause} is not the sum of the features'")


def change_since(past: Sequence[DecisionRecord], now: Sequence[FeatureMoney]) -> Movement | None:
    """Hold this cycle's spend against the newest earlier record of each feature.

    A record that was superseded counts where its feature has no later one. None: nothing earlier.
    """
    old: dict[str, DecisionRecord] = {}
    for record in sorted(past, key=lambda one: (one.cycle, one.state is not State.SUPERSEDED)):
        old[record.feature.id] = record
    if not old:
        return None
    names = {one.record.feature.id for one in now}
    moved = [_moved(old.get(one.record.feature.id), one) for one in now]
    moved += [_gone(record) for name, record in sorted(old.items()) if name not in names]
    moved.sort(key=lambda one: (-abs(one.change), one.feature.id))
    return Movement(
        cycles=tuple(sorted({record.cycle for record in old.values()})),
        before=_total(one.before for one in moved),
        now=_total(one.now for one in moved),
        terms={
            cause: _total(one.terms.get(cause, _ZERO) for one in moved) for cause in Mover
        },
        features=tuple(moved),
    )  # fmt: skip


def _total(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((one for one in amounts if one is not None), _ZERO)


def _spend(record: DecisionRecord) -> Decimal | None:
    usd = record.current_cost.monthly_after_discounts
    return None if usd is None else cents(usd)


def _gone(record: DecisionRecord) -> Moved:
    spend = _spend(record)
    terms = {} if spend is None else {Mover.GONE: -spend}
    return Moved(feature=record.feature, before=spend, now=None, terms=terms)


def _moved(old: DecisionRecord | None, new: FeatureMoney) -> Moved:
    before, now = None if old is None else _spend(old), new.spend
    terms: dict[Mover, Decimal] = {}
    if old is None:
        terms = {} if now is None else {Mover.NEW: now}
    elif before is None:
        terms = {} if now is None else {Mover.KNOWN_NOW: now}
    elif now is None:
        terms = {Mover.UNKNOWN_NOW: -before}
    else:
        for cause, usd in _between(old, new.record, before, now):
            terms[cause] = terms.get(cause, _ZERO) + usd
    kept = {cause: usd for cause, usd in terms.items() if usd}
    return Moved(feature=new.record.feature, before=before, now=now, terms=kept)


def _between(
    old: DecisionRecord, new: DecisionRecord, before: Decimal, now: Decimal
) -> Iterator[tuple[Mover, Decimal]]:
    """The terms of a feature whose spend is known on both sides."""
    was, will = old.traffic, new.traffic
    first, then = old.current_cost.rates, new.current_cost.rates
    hosted = old.current_cost.hosting is None and new.current_cost.hosting is None
    if not hosted:
        yield Mover.OWN_GPUS, now - before
        return
    other = old.current.option != new.current.option
    rest = Mover.MODEL if other else Mover.PRICES
    if was is None or will is None or first is None or then is None or not was.requests_per_month:
        yield rest, now - before
        return
    requests = cents(before * will.requests_per_month / was.requests_per_month)
    again = cents(requests * (1 + exact(will.retry_rate)) / (1 + exact(was.retry_rate)))
    yield Mover.REQUESTS, requests - before
    yield Mover.RETRIES, again - requests
    if not other and _same_prices(first, then):
        yield Mover.TOKENS, now - again
        return
    size = _request(was, first)
    tokens = cents(again * _request(will, first) / size) if size else again
    yield Mover.TOKENS, tokens - again
    yield rest, now - tokens


def _same_prices(first: RateFacts, then: RateFacts) -> bool:
    return all(getattr(first, name) == getattr(then, name) for name in _PRICES)


def _request(traffic: TrafficFacts, rates: RateFacts) -> Decimal:
    """USD of one request of mean length at the list price of a short one, without retries."""
    cached, written = exact(traffic.cached_share), exact(traffic.cache_written_share)
    prompt = (
        (1 - cached - written) * rates.input
        + cached * rates.cache_read
        + written * rates.cache_write
    )
    tokens = exact(traffic.input_tokens) * prompt + exact(traffic.output_tokens) * rates.output
    return rates.per_request + tokens / _MILLION


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
class DecisionEvent:
    """One move of a decision."""

    record: DecisionRecord
    entry: HistoryEntry


def moves(records: Iterable[DecisionRecord], first: date, last: date) -> tuple[DecisionEvent, ...]:
    """Every move of a decision from the first day to the last, in order."""
    found = [
        DecisionEvent(record=record, entry=entry)
        for record in records
        for entry in record.history
        if first <= entry.at.date() <= last
    ]
    return tuple(sorted(found, key=_when))


def _when(event: DecisionEvent) -> tuple[datetime, str]:
    return event.entry.at, event.record.feature.id
