"""What one more wrong answer may cost before a swap stops paying."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from harness.money.amounts import exact, plain, rounded
from harness.record.money import BreakEven

_USD_PLACES = 6
_POINTS = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLoss:
    """Points lost, positive when the option is worse: at the estimate and at the worst case."""

    estimate: float
    worst: float


def error_value(
    saving: Decimal,
    loss: QualityLoss,
    *,
    requests_per_month: int,
    error_cost_usd: Decimal | None,
    one_off_monthly: Decimal | None = None,
) -> BreakEven:
    """USD per additional error at which a swap stops paying: saving / additional errors.

    Better quality is not credited: a loss below zero counts as no additional error, and then no
    error cost makes the swap stop paying (None).

    Args:
        saving: USD a month on the bill, after discounts.
        loss: in points.
        requests_per_month: production's volume.
        error_cost_usd: what one more wrong answer costs; None: not stated, and no net saving.
        one_off_monthly: a one-off cost's part of a month; None: not known.
    """
    errors = _errors(loss.estimate, requests_per_month)
    errors_worst = _errors(loss.worst, requests_per_month)
    net = _net(saving, errors, error_cost_usd)
    kept = saving if net is None else net
    return BreakEven(
        at_estimate=_break_even(saving, errors),
        at_worst=_break_even(saving, errors_worst),
        more_errors_per_month=float(errors),
        more_errors_per_month_worst=float(errors_worst),
        net_saving_estimate=net,
        net_saving_worst=_net(saving, errors_worst, error_cost_usd),
        saving_after_discounts=plain(saving),
        net_of_one_off=None
        if one_off_monthly is None
        else rounded(kept - one_off_monthly, _USD_PLACES),
    )


def _errors(points: float, requests_per_month: int) -> Decimal:
    return max(exact(points) / _POINTS, Decimal(0)) * requests_per_month


def _break_even(saving: Decimal, errors: Decimal) -> Decimal | None:
    return rounded(saving / errors, _USD_PLACES) if errors else None


def _net(saving: Decimal, errors: Decimal, error_cost: Decimal | None) -> Decimal | None:
    return None if error_cost is None else rounded(saving - errors * error_cost, _USD_PLACES)
