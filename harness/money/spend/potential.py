"""The most that another model could save of a feature's spend, before any review: by prices alone.

Every cheaper model gets the benefit of the doubt that a plan gives it (fewer tokens read and
written), and nothing is known of its quality: it says which features are worth a review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harness.money.amounts import cents
from harness.money.prices.rate_tables import Rates
from harness.money.savings import DAYS_PER_MONTH, saving_upper_bound
from harness.money.spend.lines import Consumed, Group, Outlay, grouped
from harness.workspace.feature_file import Traffic

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Potential:
    """A feature's month at the period's pace, and the most that could be saved of it."""

    feature: str
    model: str
    """The model that most of it is spent on."""
    cheapest: str
    """The model that would save most; empty: none is cheaper, or no price is known."""
    monthly_usd: Decimal
    saving_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapPrices:
    """Prices on a day: of each model, and of what is cheaper than it."""

    own: Callable[[str, date], Rates | None]
    cheaper: Callable[[str, date], Mapping[str, Rates]]
    on: date


def potential_of(
    lines: Iterable[Outlay],
    days: Decimal,
    prices: SwapPrices,
    above_usual: Mapping[str, Decimal] | None = None,
) -> tuple[Potential, ...]:
    """Every feature's, most to be saved first.

    Args:
        lines: a period's, in whole cents.
        days: that it has, whole or in part.
        prices: of models, today.
        above_usual: by feature, what its unusual hours cost above the usual: in no month's pace.
    """
    above = above_usual or {}
    found = [
        _of(one, _usual_share(one.usd, above.get(one.name, _ZERO)) * DAYS_PER_MONTH / days, prices)
        for one in grouped(lines, "feature")
        if one.name and one.usd
    ]
    return tuple(sorted(found, key=lambda one: (-one.saving_usd, one.feature)))


def _usual_share(usd: Decimal, above: Decimal) -> Decimal:
    return max(usd - above, _ZERO) / usd


def _of(feature: Group, times: Decimal, prices: SwapPrices) -> Potential:
    by_model = grouped(feature.lines, "model")
    saved = [_saved(one, prices) for one in by_model]
    most = max(saved, key=lambda pair: pair[1])
    return Potential(
        feature=feature.name,
        model=by_model[0].name,
        cheapest=most[0],
        monthly_usd=cents(sum((one.usd for one in by_model), _ZERO) * times),
        saving_usd=cents(sum((usd for _, usd in saved), _ZERO) * times),
    )


def _saved(one: Group, prices: SwapPrices) -> tuple[str, Decimal]:
    """The model that could save most of what another one cost, and how much."""
    rates = prices.own(one.name, prices.on)
    traffic = _traffic(one.used)
    if rates is None or traffic is None:
        return "", _ZERO
    found = {"": _ZERO}
    for name, candidate in prices.cheaper(one.name, prices.on).items():
        bound = saving_upper_bound(traffic, incumbent=rates, candidate=candidate)
        if bound.spent:
            found[name] = one.usd * bound.monthly / bound.spent
    best = max(found, key=lambda name: (found[name], name))
    return best, found[best]


def _traffic(used: Consumed) -> Traffic | None:
    """The mean call as a month of traffic; None without tokens.

    What no log tells of a cache counts as read anew.
    """
    if not used.calls or not used.input:
        return None
    return Traffic.model_validate(
        {
            "requests_per_month": 1_000_000,
            "input_tokens": str(used.input / used.calls),
            "output_tokens": str(used.output / used.calls),
            "cached_share": str(min((used.cached or _ZERO) / used.input, Decimal(1))),
            "source": "logs",
        }
    )
