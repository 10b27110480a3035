"""Why spend changed between two periods, in terms that sum to the change, whole cents.

Feature by feature (calls of no feature: caller by caller) one thing changes at a time and the terms
telescope: the requests, the calls a request takes, which models answer, the tokens of a call, what
of them the cache serves, and what is left: the price of a token. A model's price of the old period
is its list price of then times what it really cost over list; a model that is new has the price of
today, and the old calls' mean length. Where tokens or prices are not known on one side, what a call
cost is one term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from harness.money.amounts import MILLION, cents
from harness.money.prices.rate_tables import Rates
from harness.money.spend.lines import Consumed, Outlay, PeriodSpend, total, used

ListPrices: TypeAlias = Callable[[str, date], Rates | None]
_ZERO = Decimal(0)


class Factor(StrEnum):
    """A cause of a change in spend; the value is its name on the page."""

    REQUESTS = "number of requests"
    AGAIN = "retries and duplicates"
    MODELS = "which models answer"
    QUESTIONS = "longer or shorter inputs"
    ANSWERS = "longer or shorter answers"
    CACHE = "prompt cache"
    PRICES = "price of a token"
    A_CALL = "cost of a call, tokens or price not known"
    NEW = "new features and callers"
    GONE = "features and callers that stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One feature's spend then and now, or one unplaced caller's, and the terms between."""

    feature: str
    caller: str
    """Of calls without a feature; else empty."""
    before: Decimal
    now: Decimal
    terms: Mapping[Factor, Decimal]

    def __post_init__(self) -> None:
        """Refuse terms that do not lead from one to the other."""
        if self.before + sum(self.terms.values(), _ZERO) != self.now:
            raise ValueError(f"{self.feature or self.caller}: the terms do not sum to the change")

    @property
    def change(self) -> Decimal:
        """USD more; below zero: less."""
        return self.now - self.before

    @property
    def main(self) -> Factor | None:
        """The largest term in the change's direction; None without a change."""
        same = {f: usd for f, usd in self.terms.items() if usd * self.change > 0}
        return max(same, key=lambda factor: abs(same[factor])) if same else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendBridge:
    """All spend then and now, and the causes of the change."""

    before: Decimal
    now: Decimal
    terms: Mapping[Factor, Decimal]
    """Every cause in its order; many are 0."""
    shifts: tuple[Shift, ...]
    """Largest change first."""

    def __post_init__(self) -> None:
        """Refuse a sum that is not the sum of its parts."""
        if self.before + sum(self.terms.values(), _ZERO) != self.now:
            raise ValueError("the terms do not lead from the old spend to the new")
        for factor, usd in self.terms.items():
            if sum((one.terms.get(factor, _ZERO) for one in self.shifts), _ZERO) != usd:
                raise ValueError(f"{factor} is not the sum of its parts")


def bridge_between(before: PeriodSpend, now: PeriodSpend, prices: ListPrices) -> SpendBridge:
    """Explain the change of one period's spend to another's."""
    old, new = _grouped(before.lines), _grouped(now.lines)
    days = before.span.start, now.span.start
    shifts = [
        _shift(key, old.get(key, ()), new.get(key, ()), (days, prices))
        for key in sorted({*old, *new})
    ]
    shifts.sort(key=lambda one: (-abs(one.change), one.feature, one.caller))
    return SpendBridge(
        before=before.usd,
        now=now.usd,
        terms={
            factor: sum((one.terms.get(factor, _ZERO) for one in shifts), _ZERO)
            for factor in Factor
        },
        shifts=tuple(shifts),
    )


def _grouped(lines: Iterable[Outlay]) -> dict[tuple[str, str], tuple[Outlay, ...]]:
    found: dict[tuple[str, str], list[Outlay]] = {}
    for one in lines:
        key = one.feature, "" if one.feature else one.caller
        found.setdefault(key, []).append(one)
    return {key: tuple(each) for key, each in found.items()}


Basis: TypeAlias = tuple[tuple[date, date], ListPrices]


def _shift(
    key: tuple[str, str], old: tuple[Outlay, ...], new: tuple[Outlay, ...], basis: Basis
) -> Shift:
    before, now = total(old), total(new)
    if not old or not new:
        terms = {Factor.NEW: now} if not old else {Factor.GONE: -before}
    else:
        terms = dict(_terms(_Side.of(old, basis, 0), _Side.of(new, basis, 1)))
    kept = {factor: usd for factor, usd in terms.items() if usd}
    return Shift(feature=key[0], caller=key[1], before=before, now=now, terms=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """The mean call of one model, and USD of each kind of its tokens, or of a call as a whole."""

    calls: Decimal
    input: Decimal
    cached: Decimal | None
    """Share of the input read from the vendor's cache; None: no log reports it."""
    written: Decimal | None
    """Likewise the share written to it."""
    output: Decimal
    prices: tuple[Decimal, Decimal, Decimal, Decimal] | None
    """Input, read from the cache, written to it, output; None: not known."""
    whole: Decimal
    """What a call cost."""

    @property
    def usd(self) -> Decimal:
        """USD of the call by its tokens, else as a whole."""
        if self.prices is None:
            return self.whole
        fresh, read, wrote, answer = self.prices
        cached, written = self.cached or _ZERO, self.written or _ZERO
        question = (1 - cached - written) * fresh + cached * read + written * wrote
        return self.input * question + self.output * answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One period of a feature."""

    usd: Decimal
    asked: Decimal
    """Requests, and other operations."""
    calls: Decimal
    tells_retries: bool
    """Its logs report which calls repeat another."""
    models: Mapping[str, _Call]

    @classmethod
    def of(cls, lines: tuple[Outlay, ...], basis: Basis, at: int) -> _Side:
        by_model: dict[str, list[Outlay]] = {}
        for one in lines:
            by_model.setdefault(one.model, []).append(one)
        days, prices = basis
        models = {
            name: _call(total(each), used(each), prices(name, days[at]))
            for name, each in by_model.items()
        }
        counts = used(lines)
        return cls(
            usd=total(lines),
            asked=counts.requests + counts.other_calls,
            calls=counts.calls,
            tells_retries=counts.retries is not None and counts.duplicates is not None,
            models={name: one for name, one in models.items() if one.calls},
        )


def _call(usd: Decimal, counts: Consumed, rates: Rates | None) -> _Call:
    """A model's mean call; without list prices every token weighs the same."""
    calls, asked = counts.calls, counts.input
    listed = (MILLION,) * 4
    if rates is not None:
        listed = (rates.input, rates.cache_read, rates.cache_write, rates.output)
    one = _Call(
        calls=calls,
        input=asked / calls if calls else _ZERO,
        cached=_share(counts.cached, asked),
        written=_share(counts.written, asked),
        output=counts.output / calls if calls else _ZERO,
        prices=(listed[0] / MILLION, listed[1] / MILLION, listed[2] / MILLION, listed[3] / MILLION),
        whole=usd / calls if calls else _ZERO,
    )
    worth = one.usd
    if not worth or one.prices is None:
        return replace(one, prices=None)
    ratio = one.whole / worth
    fresh, read, wrote, answer = one.prices
    return replace(one, prices=(fresh * ratio, read * ratio, wrote * ratio, answer * ratio))


def _share(tokens: Decimal | None, asked: Decimal) -> Decimal | None:
    return _ZERO if not asked else None if tokens is None else tokens / asked


def _differ(then: _Call, now: _Call) -> bool:
    """Whether the cache is reported in one period alone, so that its effect cannot be told."""
    return (then.cached is None, then.written is None) != (now.cached is None, now.written is None)


def _terms(old: _Side, new: _Side) -> Iterator[tuple[Factor, Decimal]]:
    """One factor after the other is taken from the new period; the last term is what is left."""
    if not (old.asked and new.asked and old.calls and new.calls and old.usd):
        yield Factor.A_CALL, new.usd - old.usd
        return
    again = old.usd * new.calls / old.calls
    # Where one period alone tells requests from retries, only all calls can be compared.
    alike = old.tells_retries == new.tells_retries
    requests = old.usd * new.asked / old.asked if alike else again
    levels = [(Factor.REQUESTS, requests), (Factor.AGAIN, again)]
    pairs = [(_before(name, one, old), one) for name, one in new.models.items()]
    apart = all(then.prices and one.prices and not _differ(then, one) for then, one in pairs)
    mixed = _mean(then for then, _ in _weighed(pairs)) * new.calls
    levels.append((Factor.MODELS, mixed))
    if not apart:
        levels.append((Factor.A_CALL, new.usd))
    else:
        questions = [(replace(then, input=one.input), one) for then, one in pairs]
        answers = [(replace(then, output=one.output), one) for then, one in questions]
        cache = [
            (replace(then, cached=one.cached, written=one.written), one) for then, one in answers
        ]
        for factor, stage in (
            (Factor.QUESTIONS, questions),
            (Factor.ANSWERS, answers),
            (Factor.CACHE, cache),
        ):
            levels.append((factor, _mean(then for then, _ in _weighed(stage)) * new.calls))
        levels.append((Factor.PRICES, new.usd))
    known = old.usd
    for factor, level in levels:
        reached = cents(level)
        yield factor, reached - known
        known = reached


def _weighed(pairs: Iterable[tuple[_Call, _Call]]) -> Iterator[tuple[_Call, _Call]]:
    """Each old call as often as the new period makes it."""
    return ((replace(then, calls=one.calls), one) for then, one in pairs)


def _mean(calls: Iterable[_Call]) -> Decimal:
    found = list(calls)
    whole = sum((one.calls for one in found), _ZERO)
    return sum((one.usd * one.calls for one in found), _ZERO) / whole if whole else _ZERO


def _before(name: str, one: _Call, old: _Side) -> _Call:
    """A model's mean call in the old period; of a new model at today's price, as long as all."""
    known = old.models.get(name)
    if known is not None:
        return known
    calls = old.calls
    return replace(
        one,
        input=sum((each.input * each.calls for each in old.models.values()), _ZERO) / calls,
        output=sum((each.output * each.calls for each in old.models.values()), _ZERO) / calls,
    )
