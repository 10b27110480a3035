"""How many replicas to commit to, and what serves the rest.

The requests of an hour fill one replica after another; what the k-th replica would absorb is the
k-th layer of the curve. A layer is served all week by a committed replica, or hour by hour by
whichever is cheaper of a replica on demand and the hosted API. So the k-th replica is committed iff
its layer costs more without the commitment; with on-demand overflow alone and no time to load that
is the rule that the share of hours that need at least k replicas exceeds committed price /
on-demand price. Higher layers never hold more requests than lower ones, and a start costs less
than the hour that it would take to avoid it: so the rule is a threshold, and its sum the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from itertools import takewhile
from typing import TYPE_CHECKING

from harness.economics.curve import MILLI

if TYPE_CHECKING:
    from harness.economics.curve import HourlyCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaPrices:
    """USD of one replica for one hour, and of one request sent to a hosted API instead.

    `committed` is None where nothing can be committed; `api_per_request` is None where overflow
    stays on GPUs. `load_hours` is paid, on demand, at each start.
    """

    on_demand: Decimal
    committed: Decimal | None
    api_per_request: Decimal | None = None
    load_hours: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The k-th replica over the stretch, when it is not committed."""

    on_demand_hours: int
    starts: int
    api_milli_requests: int
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """`committed` replicas run every hour; the layers above them overflow."""

    committed: int
    overflow: tuple[Layer, ...]


def replicas_by_hour(curve: HourlyCurve, capacity_milli: int) -> list[int]:
    """Replicas that each hour's requests need, at `capacity_milli` requests a replica and hour."""
    return [-(-milli // capacity_milli) for milli in curve.milli_requests]


def layers(
    curve: HourlyCurve, capacity_milli: int, prices: ReplicaPrices, *, always_on: int
) -> tuple[Layer, ...]:
    """Split the curve into layers of one replica each; the first `always_on` run every hour."""
    running = Layer(
        on_demand_hours=curve.hours,
        starts=0,
        api_milli_requests=0,
        usd=curve.hours * prices.on_demand,
    )
    found = [running] * always_on
    ends = {milli // capacity_milli for milli in curve.milli_requests}
    for index in range(always_on, -(-max(curve.milli_requests) // capacity_milli)):
        # Between the heights at which some hour ends, a layer is like the one below it.
        alike = index > always_on and not ends & {index, index - 1}
        found.append(found[-1] if alike else _layer(curve, capacity_milli, index, prices))
    return tuple(found)


def choose_commitment(found: tuple[Layer, ...], prices: ReplicaPrices, *, hours: int) -> Commitment:
    """Commit the layers that cost more without: strictly more, as a tie keeps the freedom."""
    if prices.committed is None:
        return Commitment(committed=0, overflow=found)
    fixed = prices.committed * hours
    committed = len(list(takewhile(lambda layer: layer.usd > fixed, found)))
    return Commitment(committed=committed, overflow=found[committed:])


def _layer(curve: HourlyCurve, capacity_milli: int, index: int, prices: ReplicaPrices) -> Layer:
    below, even = index * capacity_milli, _cheaper_by_api(prices, capacity_milli)
    absorbed = [min(max(milli - below, 0), capacity_milli) for milli in curve.milli_requests]
    on_gpu = [milli > even for milli in absorbed]
    hours = sum(on_gpu)
    # The stretch repeats: what comes before its first hour is its last.
    before = [on_gpu[-1], *on_gpu]
    starts = sum(now and not then for then, now in zip(before, on_gpu, strict=False))
    sent = sum(milli for milli in absorbed if milli <= even)
    api = prices.api_per_request or Decimal(0)
    return Layer(
        on_demand_hours=hours,
        starts=starts,
        api_milli_requests=sent,
        usd=(hours + starts * prices.load_hours) * prices.on_demand + sent * api / MILLI,
    )


def _cheaper_by_api(prices: ReplicaPrices, capacity_milli: int) -> int:
    """Most thousandths of a request an hour that are no dearer at the API than on a replica."""
    if prices.api_per_request is None:
        return 0
    if prices.api_per_request == 0:
        return capacity_milli
    even = prices.on_demand * MILLI / prices.api_per_request
    return min(int(even.to_integral_value(rounding=ROUND_FLOOR)), capacity_milli)
