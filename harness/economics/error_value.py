"""What one more wrong answer may cost before a swap stops paying."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from harness.costing.money import exact, rounded
from harness.record.parts import BreakEven

_USD_PLACES = 6
_POINTS = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLoss:
    """Points lost, positive when the option is worse: at the estimate and at the worst case."""

    estimate: float
    worst: float


def error_value(
    saving_per_request: Decimal,
    loss: QualityLoss,
    *,
    requests_per_month: int,
    error_cost_usd: Decimal | None,
) -> BreakEven:
    """USD per additional error at which a swap stops paying: saving per request / loss of quality.

    Better quality is not credited: a loss below zero counts as no additional error, and then no
    error cost makes the swap stop paying (None).

    Args:
        saving_per_request: USD at list price, as the page shows it.
        loss: in points.
        requests_per_month: production's volume.
        error_cost_usd: what one more wrong answer costs; None: not stated, and no net saving.
    """
    estimate, worst = (_share(loss.estimate), _share(loss.worst))
    return BreakEven(
        at_estimate=_break_even(saving_per_request, estimate),
        at_worst=_break_even(saving_per_request, worst),
        more_errors_per_month=float(estimate * requests_per_month),
        more_errors_per_month_worst=float(worst * requests_per_month),
        net_saving_estimate=_net(saving_per_request, estimate, requests_per_month, error_cost_usd),
        net_saving_worst=_net(saving_per_request, worst, requests_per_month, error_cost_usd),
    )


def _share(points: float) -> Decimal:
    return max(exact(points) / _POINTS, Decimal(0))


def _break_even(saving: Decimal, loss_share: Decimal) -> Decimal | None:
    return rounded(saving / loss_share, _USD_PLACES) if loss_share else None


def _net(
    saving: Decimal, loss_share: Decimal, requests_per_month: int, error_cost: Decimal | None
) -> Decimal | None:
    if error_cost is None:
        return None
    return rounded((saving - loss_share * error_cost) * requests_per_month, _USD_PLACES)
