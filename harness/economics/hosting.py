"""What a self-hosted model costs a month: reserved cost, not busy time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.costing.money import exact, rounded
from harness.costing.workload import USD_PLACES
from harness.economics.commitment import (
    ReplicaPrices,
    choose_commitment,
    layers,
    replicas_by_hour,
)
from harness.economics.curve import HOURS_A_MONTH, MILLI
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.config.files import GpuPrice
    from harness.economics.curve import HourlyCurve

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
    """That each hour's requests need, or availability asks for."""
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


def cost_per_request(
    *, gpus: int, usd_per_gpu_hour: Decimal, goodput_per_s: Decimal, utilisation: Decimal
) -> Decimal:
    """USD of a request: GPUs x USD per GPU-hour / (3600 x goodput x utilisation).

    Raises:
        NoCapacityError: nothing is served.
    """
    served = _SECONDS * goodput_per_s * utilisation
    if served <= 0:
        raise NoCapacityError("goodput and utilisation must be above zero; probe at a lower rate")
    return gpus * usd_per_gpu_hour / served


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
