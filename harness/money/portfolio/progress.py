"""How far savings came: by steps, by feature, and in the run-rate by provider and model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from harness.money.portfolio.overview import IN_PRODUCTION, Counted, FeatureMoney, Overview
from harness.record.base import State
from harness.record.parts import Target

_ZERO = Decimal(0)
_TAKEN = (State.ACCEPTED, *IN_PRODUCTION)


class Milestone(StrEnum):
    """How far a saving has come; the value is what people call it."""

    IDENTIFIED = "could be saved at most"
    FOUND = "found by the review"
    ACCEPTED = "accepted"
    PRODUCTION = "in production"
    VERIFIED = "verified: forecast"
    REALISED = "verified: realised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One step: USD a month after discounts and the features that it is of."""

    step: Milestone
    features: int
    usd: Decimal


def funnel(figures: Overview) -> tuple[Reached, ...]:
    """The downgrades by how far each has come; a later step counts in all before it.

    The first step is known before any call, the second counts what was rejected or has ended too.
    """
    stages, tried = figures.stages, figures.evaluation
    billed = [one for one in figures.counted(Counted.PRODUCTION) if one.realised is not None]

    def reached(step: Milestone, states: tuple[State, ...]) -> Reached:
        of = [one for one in stages if one.state in states]
        usd = sum((one.forecast for one in of), _ZERO)
        return Reached(step=step, features=sum(one.features for one in of), usd=usd)

    total = figures.total
    return (
        Reached(step=Milestone.IDENTIFIED, features=tried.bound_on, usd=tried.bound),
        reached(Milestone.FOUND, tuple(State)),
        reached(Milestone.ACCEPTED, _TAKEN),
        reached(Milestone.PRODUCTION, IN_PRODUCTION),
        Reached(step=Milestone.VERIFIED, features=len(billed), usd=total.verified_forecast),
        Reached(step=Milestone.REALISED, features=len(billed), usd=total.realised),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One verified downgrade: its forecast against the bill, USD; a month, and over its months."""

    feature: FeatureMoney
    forecast: Decimal
    realised: Decimal
    months: int | None
    """Months of the bill; None: verified before records said which."""
    verified_on: date | None

    @property
    def forecast_so_far(self) -> Decimal | None:
        """The forecast over the billed months."""
        return None if self.months is None else self.forecast * self.months

    @property
    def realised_so_far(self) -> Decimal | None:
        """What the billed months saved together."""
        return None if self.months is None else self.realised * self.months


def kept_promises(figures: Overview) -> tuple[Kept, ...]:
    """The downgrades in production that a bill has verified, largest forecast first."""
    return tuple(
        Kept(
            feature=one,
            forecast=one.saving,
            realised=one.realised,
            months=None if saved.realised_months is None else len(saved.realised_months),
            verified_on=None if saved.verified_at is None else saved.verified_at.date(),
        )
        for one in figures.counted(Counted.PRODUCTION)
        if (saved := one.record.savings) is not None
        and one.saving is not None
        and one.realised is not None
    )


By: TypeAlias = Literal["provider", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRate:
    """What one provider or model costs a month after discounts, at the traffic as reviewed.

    `now` has the downgrades that are in production, `taken` every proposal too, and batch or
    caching where no other model is proposed or in use.
    """

    name: str
    reviewed: Decimal
    now: Decimal
    taken: Decimal


def run_rates(figures: Overview, by: By) -> tuple[RunRate, ...]:
    """Every provider or model that costs something, dearest now first."""
    found: dict[str, list[Decimal]] = {}
    for one in figures.features:
        for name, at, usd in _parts(one, by):
            found.setdefault(name, [_ZERO, _ZERO, _ZERO])[at] += usd
    rates = [
        RunRate(name=name, reviewed=usd[0], now=usd[1], taken=usd[2]) for name, usd in found.items()
    ]
    return tuple(sorted(rates, key=lambda one: (-one.now, -one.reviewed, one.name)))


def run_rate_of_all(figures: Overview) -> RunRate:
    """The same of all features whose spend is known."""
    total = figures.total
    now = total.spend - _known(figures, Counted.PRODUCTION)
    rest = _known(figures, Counted.PROPOSED) + _known(figures, Counted.SAME_MODEL)
    return RunRate(name="all", reviewed=total.spend, now=now, taken=now - rest)


def _known(figures: Overview, place: Counted) -> Decimal:
    """A saving, of features whose spend is known: of others there is nothing to take it off."""
    found = (one.saving for one in figures.counted(place) if one.spend is not None)
    return sum((usd for usd in found if usd is not None), _ZERO)


def _parts(one: FeatureMoney, by: By) -> Iterator[tuple[str, int, Decimal]]:
    """Name, column and USD of a feature in each of the three columns."""
    if one.spend is None:
        return
    old, new = _named(one.record.current, by), _chosen(one, by)
    saved = one.saving or _ZERO
    runs = one.counted is Counted.PRODUCTION
    yield old, 0, one.spend
    yield (new if runs else old), 1, one.spend - (saved if runs else _ZERO)
    yield new, 2, one.spend - saved


def _chosen(one: FeatureMoney, by: By) -> str:
    """Who answers once the saving is made; the same model by batch or caching."""
    record = one.record
    swap = one.counted in {Counted.PROPOSED, Counted.PRODUCTION} and one.saving is not None
    target = next((o.target for o in record.options if o.target.option == record.chosen), None)
    return _named(target if swap and target is not None else record.current, by)


def _named(target: Target, by: By) -> str:
    return target.provider if by == "provider" else target.option
