"""What the chosen option saves a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.money import plain
from harness.record.parts import Savings

if TYPE_CHECKING:
    from decimal import Decimal

    from harness.economics.cascade import CascadeCost
    from harness.economics.interval import SavingInterval
    from harness.economics.monthly import MonthlyCost


def savings(
    incumbent: MonthlyCost,
    option: MonthlyCost | CascadeCost,
    interval: SavingInterval | None,
    *,
    one_off_cost: Decimal,
) -> Savings:
    """Write what an option saves a month into the record.

    `payback_months` is None when nothing is saved after discounts.
    """
    monthly = incumbent.monthly - option.monthly
    net = incumbent.monthly_after_discounts - option.monthly_after_discounts
    return Savings(
        monthly=plain(monthly),
        monthly_lower=None if interval is None else plain(interval.lower),
        monthly_upper=None if interval is None else plain(interval.upper),
        percentage=float(monthly / incumbent.monthly * 100) if incumbent.monthly else 0.0,
        after_discounts=plain(net),
        one_off_cost=one_off_cost,
        payback_months=float(one_off_cost / net) if net > 0 else None,
    )
