"""What a self-hosted model costs a month: reserved cost, not busy time.

A feature's requests are spread over the hours of a week; `choose_commitment` says how many replicas
to commit to, and the rest overflows to replicas on demand or to a hosted API.

The requests of an hour fill one replica after another; what the k-th replica would absorb is the
k-th layer of the curve. A layer is served all week by a committed replica, or hour by hour by
whichever is cheaper of a replica on demand and the hosted API. So the k-th replica is committed iff
its layer costs more without the commitment; with on-demand overflow alone and no time to load that
is the rule that the share of hours that need at least k replicas exceeds committed price /
on-demand price. Higher layers never hold more requests than lower ones, and a start costs less
than the hour that it would take to avoid it: so the rule is a threshold, and its sum the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import takewhile
from typing import Literal, TypeAlias

from harness.errors import UsageError
from harness.money.amounts import exact, rounded
from harness.money.workload import USD_PLACES
from harness.workspace.policy_file import GpuPrice

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
    """Commit the layers that cost strictly more without; a tie stays uncommitted."""
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
    """Most requests an hour, in thousandths, that are no dearer at the API than on a replica."""
    if prices.api_per_request is None:
        return 0
    if prices.api_per_request == 0:
        return capacity_milli
    even = prices.on_demand * MILLI / prices.api_per_request
    return min(int(even.to_integral_value(rounding=ROUND_FLOOR)), capacity_milli)


Term: TypeAlias = Literal["1y", "3y"]

_SECONDS = Decimal(3600)


class NoCapacityError(UsageError):
    """A replica serves no request within its SLOs: it has no price per request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the probe measured of one replica.

    `goodput_per_s` is the highest arrival rate at which at least 90 % of the requests met every
    SLO; `load_s` is the time from start to the first answer, None where it was not seen: then
    nothing is charged for it.
    """

    goodput_per_s: Decimal
    gpus_per_replica: int
    load_s: Decimal | None
    source: str

    @property
    def milli_requests_an_hour(self) -> int:
        """Thousandths of a request that a replica serves in an hour, rounded down."""
        served = self.goodput_per_s * 3600 * MILLI
        return int(served.to_integral_value(rounding=ROUND_FLOOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostingPlan:
    """How a model is to be hosted.

    `availability_replicas` run every hour, whatever the traffic. `peak` is the busiest minutes of
    an hour over its mean: capacity is divided by it. `api_per_request` lets overflow go back to a
    hosted API at that price. `managed` adds the price book's premium of a managed endpoint.
    """

    availability_replicas: int = 1
    peak: Decimal = Decimal(1)
    term: Term | None = "1y"
    api_per_request: Decimal | None = None
    managed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostingCost:
    """A month of a self-hosted model, USD."""

    committed_replicas: int
    replicas: tuple[int, ...]
    """Replicas by hour, for the requests or for availability."""
    committed_usd: Decimal
    on_demand_usd: Decimal
    scale_up_usd: Decimal
    api_usd: Decimal
    idle_usd: Decimal
    """Part of the GPUs' cost that no request used."""
    utilisation: Decimal
    """Requests served over requests that the running replicas could have served."""
    requests_per_month: Decimal
    source: str

    @property
    def monthly(self) -> Decimal:
        """USD a month, everything that is reserved included."""
        return self.committed_usd + self.on_demand_usd + self.scale_up_usd + self.api_usd

    @property
    def per_request(self) -> Decimal:
        """USD a request at this volume."""
        return rounded(self.monthly / self.requests_per_month, USD_PLACES)


def replica_prices(gpu: GpuPrice, capacity: Capacity, plan: HostingPlan) -> ReplicaPrices:
    """USD of one replica for one hour, from a row of the price book."""
    each = capacity.gpus_per_replica * (
        1 + exact(gpu.managed_premium) if plan.managed else Decimal(1)
    )
    term = {"1y": gpu.committed_1y, "3y": gpu.committed_3y}
    committed = None if plan.term is None else term[plan.term]
    return ReplicaPrices(
        on_demand=gpu.on_demand * each,
        committed=None if committed is None else committed * each,
        api_per_request=plan.api_per_request,
        load_hours=(capacity.load_s or Decimal(0)) / _SECONDS,
    )


def hosting_cost(
    curve: HourlyCurve, capacity: Capacity, gpu: GpuPrice, plan: HostingPlan
) -> HostingCost:
    """Work out a month of hosting at a feature's hourly traffic.

    The curve gives replicas per hour, those that pay are committed, the rest runs on demand or is
    sent to the API. Each start of an on-demand replica pays its load time at the on-demand price.

    Raises:
        NoCapacityError: a replica serves nothing within the SLOs.
    """
    per_hour = int(capacity.milli_requests_an_hour / plan.peak)
    if per_hour <= 0:
        raise NoCapacityError(f"{capacity.source}: no request meets the SLOs; there is no price")
    prices = replica_prices(gpu, capacity, plan)
    found = layers(curve, per_hour, prices, always_on=plan.availability_replicas)
    chosen = choose_commitment(found, prices, hours=curve.hours)
    hours = sum(layer.on_demand_hours for layer in chosen.overflow)
    starts = sum(layer.starts for layer in chosen.overflow)
    sent = sum(layer.api_milli_requests for layer in chosen.overflow)
    month = HOURS_A_MONTH / curve.hours
    committed_usd = chosen.committed * (prices.committed or Decimal(0)) * HOURS_A_MONTH
    on_demand_usd = hours * prices.on_demand * month
    served = sum(curve.milli_requests) - sent
    used = _share(served, (chosen.committed * curve.hours + hours) * per_hour)
    return HostingCost(
        committed_replicas=chosen.committed,
        replicas=tuple(
            max(count, plan.availability_replicas) for count in replicas_by_hour(curve, per_hour)
        ),
        committed_usd=rounded(committed_usd, USD_PLACES),
        on_demand_usd=rounded(on_demand_usd, USD_PLACES),
        scale_up_usd=rounded(starts * prices.load_hours * prices.on_demand * month, USD_PLACES),
        api_usd=rounded(sent * (prices.api_per_request or Decimal(0)) / MILLI * month, USD_PLACES),
        idle_usd=rounded((committed_usd + on_demand_usd) * (1 - used), USD_PLACES),
        utilisation=used,
        requests_per_month=curve.requests_per_month,
        source=f"{capacity.source}; {gpu.source}",
    )


def _share(part: int, whole: int) -> Decimal:
    return Decimal(part) / whole if whole else Decimal(0)
