"""What the chosen option saves a month."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import plain, rounded
from harness.record.parts import Savings

if TYPE_CHECKING:
    from harness.economics.cascade import CascadeCost
    from harness.economics.interval import SavingInterval
    from harness.economics.monthly import MonthlyCost
    from harness.record.parts import BreakEven

DAYS_PER_MONTH = Decimal("30.4375")
_USD_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a saving is held against. None: not known, as of a record that does not hold it."""

    one_off_cost: Decimal
    one_off_monthly: Decimal | None
    """The one-off cost, spread."""
    minimum_usd: Decimal | None
    """Least a month that is worth a change."""


def spread(one_off_cost: Decimal, *, days: int) -> Decimal:
    """A one-off cost spread evenly over a number of days, USD a month."""
    return rounded(one_off_cost * DAYS_PER_MONTH / days, _USD_PLACES)


def savings(
    incumbent: MonthlyCost,
    option: MonthlyCost | CascadeCost,
    interval: SavingInterval | None,
    *,
    bar: Bar,
    even: BreakEven | None,
) -> Savings:
    """Write what an option saves a month into the record.

    `payback_months` is None when nothing is left.

    Args:
        incumbent: what is paid today.
        option: what would be paid.
        interval: how sure that is.
        bar: what it must reach.
        even: what the option's further errors do to it; None: no quality was measured.
    """
    monthly = incumbent.monthly - option.monthly
    bill = incumbent.monthly_after_discounts - option.monthly_after_discounts
    net = None if even is None else even.net_saving_estimate
    left = bill if net is None else net
    one_off = bar.one_off_monthly
    return Savings(
        monthly=plain(monthly),
        monthly_lower=None if interval is None else plain(interval.lower),
        monthly_upper=None if interval is None else plain(interval.upper),
        percentage=float(monthly / incumbent.monthly * 100) if incumbent.monthly else 0.0,
        after_discounts=plain(bill),
        one_off_cost=bar.one_off_cost,
        payback_months=float(bar.one_off_cost / left) if left > 0 else None,
        after_discounts_lower=None if interval is None else plain(interval.bill_lower),
        after_discounts_upper=None if interval is None else plain(interval.bill_upper),
        net_monthly=net,
        net_monthly_worst=None if even is None else even.net_saving_worst,
        one_off_monthly=one_off,
        net_of_one_off=None if one_off is None else rounded(left - one_off, _USD_PLACES),
        minimum_usd=bar.minimum_usd,
    )
