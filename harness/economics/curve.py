"""How a feature's requests spread over the hours."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOURS_A_WEEK = 168
HOURS_A_MONTH = Decimal("730.5")
"""A twelfth of 8,766 hours: of an average year, leap years included."""
MILLI = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyCurve:
    """Requests by hour, in thousandths, so that a quiet hour is not rounded to none.

    The hours stand for a typical stretch (168 for a week, Monday 00:00 UTC first; 8,760 for a
    year) that repeats; a month is 730.5 of them.
    """

    milli_requests: tuple[int, ...]

    @property
    def hours(self) -> int:
        """Hours in the stretch."""
        return len(self.milli_requests)

    @property
    def requests(self) -> Decimal:
        """Requests in the stretch."""
        return Decimal(sum(self.milli_requests)) / MILLI

    @property
    def requests_per_month(self) -> Decimal:
        """Requests in a month of 730.5 hours."""
        return self.requests / self.hours * HOURS_A_MONTH


def curve_of(
    requests_per_month: int | Decimal, shares: Sequence[int | Decimal] | None = None
) -> HourlyCurve:
    """Spread a month's volume over the hours of a week.

    Each hour is rounded up to a thousandth of a request.

    Args:
        requests_per_month: the volume.
        shares: a weight per hour, in any unit; None spreads the volume evenly over a week.

    Raises:
        ValueError: the weights are empty, negative or all zero.
    """
    weights = [Decimal(weight) for weight in shares or [1] * HOURS_A_WEEK]
    total = sum(weights, Decimal(0))
    if min(weights) < 0 or total <= 0:
        raise ValueError("the hours' weights must be at least zero, and not all zero")
    stretch = Decimal(requests_per_month) / HOURS_A_MONTH * len(weights) * MILLI
    each = (
        int((stretch * weight / total).to_integral_value(rounding=ROUND_CEILING))
        for weight in weights
    )
    return HourlyCurve(milli_requests=tuple(each))
