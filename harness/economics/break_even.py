"""From which volume on self-hosting is no dearer than a hosted option."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from harness.economics.curve import curve_of
from harness.economics.hosting import hosting_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config.files import GpuPrice
    from harness.economics.hosting import Capacity, HostingPlan

_MOST = 10**9
_ROUNDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """A way of hosting whose cost is known for every volume; `shares` is the week's shape."""

    capacity: Capacity
    gpu: GpuPrice
    plan: HostingPlan
    shares: Sequence[int] | None = None

    def monthly(self, requests: int) -> Decimal:
        """USD a month at a volume."""
        curve = curve_of(requests, self.shares)
        return hosting_cost(curve, self.capacity, self.gpu, self.plan).monthly


def break_even_volume(hosting: Hosting, *, api_per_request: Decimal) -> int | None:
    """Fewest requests a month at which hosting costs no more than the API.

    Hosting never gets cheaper with volume. So the volume that the API serves for what hosting
    costs at a volume below the break-even is itself not above it: starting from one request and
    taking that volume again and again climbs to the break-even and stops there.

    Returns:
        None when none was found up to 10^9 requests a month: hosting stays dearer, or so close to
        the API's price that the volume decides nothing.
    """
    if api_per_request <= 0:
        return None
    volume = 1
    for _ in range(_ROUNDS):
        paid_for = hosting.monthly(volume) / api_per_request
        needed = int(paid_for.to_integral_value(rounding=ROUND_CEILING))
        if needed <= volume:
            return volume
        if needed > _MOST:
            return None
        volume = needed
    return None
