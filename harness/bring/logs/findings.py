"""What logs show that costs money: since when, whose, and USD a month.

Growth and a broken cache are told between the first and the last third of the days, by means of a
call; what a change costs is priced at the last day's rates. Retries and duplicates cost what the
log says that they cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from harness.bring.logs.call_log import CallLog
from harness.bring.logs.pricing_calls import RatesOn
from harness.money.amounts import exact
from harness.money.measured import FeatureMeasured, TrafficFinding, Window
from harness.money.prices.rate_tables import Rates

_GREW = 1.25
_BROKE = 0.5
_CACHED = 0.2
_FEWEST_DAYS = 6
_FEWEST_CALLS = 30
_OFTEN = 0.02
_MONTH = timedelta(days=30.4375)
_MILLION = Decimal(1_000_000)
_DAYS = """
SELECT feature, began::DATE AS day, sum(n), sum(input) / sum(n), sum(output) / sum(n),
  sum(cached) / nullif(sum(input) FILTER (cached IS NOT NULL), 0), mode(model ORDER BY model),
  sum(cost) / sum(n)
FROM calls WHERE kind = 'answer' AND NOT hit AND feature <> '' AND known AND coalesce(failed, 0) = 0
GROUP BY ALL ORDER BY ALL
"""
_EXTRA = """
SELECT feature, again, min(began)::DATE, sum(n), sum(cost), mode(caller ORDER BY caller)
FROM calls WHERE again IS NOT NULL AND feature <> '' GROUP BY ALL ORDER BY ALL
"""
_UNTAGGED = """
SELECT caller, min(began), sum(n), sum(cost) FROM calls WHERE feature = '' AND NOT hit
GROUP BY caller ORDER BY caller
"""


@dataclass(frozen=True, slots=True)
class _Day:
    feature: str
    day: date
    calls: float
    input: float
    output: float
    cached: float | None
    """Share of the input; None: not told."""
    model: str
    cost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thirds:
    """The first and the last third of a feature's days."""

    first: Sequence[_Day]
    last: Sequence[_Day]
    days: Sequence[_Day]

    def mean(self, days: Sequence[_Day], name: str) -> float:
        calls = sum(day.calls for day in days)
        return sum(float(getattr(day, name)) * day.calls for day in days) / calls

    def ends(self, name: str) -> tuple[float, float]:
        """The means of both."""
        return self.mean(self.first, name), self.mean(self.last, name)

    def since(self, name: str) -> date:
        """The first day from which on every day is nearer to the last third than to the first."""
        low, high = self.ends(name)
        middle = (low + high) / 2
        found = self.days[-1].day
        for day in reversed(self.days):
            if (getattr(day, name) > middle) != (high > low):
                break
            found = day.day
        return found

    @property
    def calls_a_month(self) -> Decimal:
        """At the last third's volume."""
        return exact(sum(day.calls for day in self.last) / len(self.last)) * exact(
            _MONTH / timedelta(days=1)
        )


def findings(
    log: CallLog, window: Window, features: Sequence[FeatureMeasured], rates: RatesOn
) -> tuple[TrafficFinding, ...]:
    """All of them, dearest first; those without an amount last."""
    whose = {each.feature: each.callers[0].name if each.callers else "" for each in features}
    found = [
        *_repeated(log, window, features),
        *_untagged(log, window),
        *_changed(log, whose, rates),
        *_without_price(features, window, whose),
    ]
    return tuple(
        sorted(found, key=lambda one: (-(one.usd_a_month or Decimal(-1)), one.kind, one.feature))
    )


def _repeated(
    log: CallLog, window: Window, features: Sequence[FeatureMeasured]
) -> Iterator[TrafficFinding]:
    calls = {each.feature: each.requests + each.retries + each.duplicates for each in features}
    for feature, again, since, count, cost, caller in log.base.execute(_EXTRA).fetchall():
        if count < _OFTEN * calls[feature]:
            continue
        kind, what = (
            ("retry-storm", "are retries")
            if again == "retry"
            else (
                "silent-duplicates",
                "repeat an answered call within a minute",
            )
        )
        yield TrafficFinding(
            kind=kind,
            feature=feature,
            since=since,
            who=caller,
            usd_a_month=None if cost is None else _monthly(cost, window.end - window.start),
            says=f"{count:,.0f} of {calls[feature]:,} calls {what}",
        )


def _untagged(log: CallLog, window: Window) -> Iterator[TrafficFinding]:
    """Callers of no feature that were not there in the first quarter of the log."""
    late = window.start + (window.end - window.start) / 4
    for caller, first, count, cost in log.base.execute(_UNTAGGED).fetchall():
        if first.replace(tzinfo=None) < late.replace(tzinfo=None):
            continue
        span = window.end.replace(tzinfo=None) - first
        yield TrafficFinding(
            kind="new-untagged-caller",
            feature="",
            since=first.date(),
            who=caller,
            usd_a_month=None if cost is None else _monthly(cost, max(span, timedelta(days=1))),
            says=f"{count:,.0f} calls of no feature by a new caller",
        )


def _changed(log: CallLog, whose: dict[str, str], rates: RatesOn) -> Iterator[TrafficFinding]:
    days = (_Day(*row) for row in log.base.execute(_DAYS).fetchall())
    for feature, group in groupby(days, key=lambda day: day.feature):
        own = tuple(group)
        third = len(own) // 3
        if len(own) < _FEWEST_DAYS:
            continue
        parts = _Thirds(first=own[:third], last=own[-third:], days=own)
        if (
            min(sum(day.calls for day in part) for part in (parts.first, parts.last))
            < _FEWEST_CALLS
        ):
            continue
        for kind, name, usd, says in _changes(parts, rates(own[-1].model, own[-1].day)):
            yield TrafficFinding(
                kind=kind,
                feature=feature,
                since=parts.since(name) if name else _model_since(parts),
                who=whose.get(feature, ""),
                usd_a_month=usd,
                says=says,
            )


def _changes(parts: _Thirds, rates: Rates | None) -> Iterator[tuple[str, str, Decimal | None, str]]:
    month = parts.calls_a_month
    for kind, name in (("context-growth", "input"), ("output-growth", "output")):
        before, now = parts.ends(name)
        if now >= _GREW * before and now > before:
            usd = None if rates is None else month * exact(now - before) * getattr(rates, name)
            words = f"{name} tokens of a call {before:,.0f} -> {now:,.0f}"
            yield kind, name, usd and (usd / _MILLION).quantize(Decimal("0.01")), words
    told = all(day.cached is not None for day in parts.days)
    before, now = parts.ends("cached") if told else (0.0, 0.0)
    if before >= _CACHED and now <= _BROKE * before:
        lost = exact((before - now) * parts.ends("input")[1])
        usd = None if rates is None else month * lost * (rates.input - rates.cache_read)
        words = f"read from the prompt cache {before:.0%} -> {now:.0%} of the input"
        yield "cache-broken", "cached", usd and (usd / _MILLION).quantize(Decimal("0.01")), words
    first, last = parts.days[0].model, parts.days[-1].model
    if first != last:
        costs = [_cost(days) for days in (parts.first, parts.last)]
        usd = None
        if costs[0] is not None and costs[1] is not None:
            usd = (month * exact(costs[1] - costs[0])).quantize(Decimal("0.01"))
        yield "model-changed", "", usd, f"{first} -> {last}"


def _cost(days: Sequence[_Day]) -> float | None:
    """USD of a call; None where a day has no cost."""
    known = [day.cost for day in days if day.cost is not None]
    return sum(known) / len(days) if len(known) == len(days) else None


def _model_since(parts: _Thirds) -> date:
    """The first day since which the last model answered most calls."""
    found = parts.days[-1]
    for day in reversed(parts.days):
        if day.model != found.model:
            break
        found = day
    return found.day


def _without_price(
    features: Sequence[FeatureMeasured], window: Window, whose: dict[str, str]
) -> Iterator[TrafficFinding]:
    for each in features:
        if each.without_price and each.without_cost:
            yield TrafficFinding(
                kind="cost-without-price",
                feature=each.feature,
                since=window.start.date(),
                who=whose.get(each.feature, ""),
                usd_a_month=None,
                says=f"{each.without_price:,} calls of a model that nobody lists a price for",
            )


def _monthly(cost: Decimal, span: timedelta) -> Decimal:
    share = exact(_MONTH / span)
    return (cost * share).quantize(Decimal("0.01"))
