"""From what could be saved to what a bill shows: the steps of all, and feature by feature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from harness.money.portfolio.overview import IN_PRODUCTION, Counted, FeatureMoney, Overview
from harness.record.base import State

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
