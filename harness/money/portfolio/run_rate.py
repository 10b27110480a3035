"""USD a month by provider and by model: as reviewed, as production runs, and once all is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from harness.money.portfolio.overview import Counted, FeatureMoney, Overview
from harness.record.parts import Target

By: TypeAlias = Literal["provider", "model"]
_ZERO = Decimal(0)


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
