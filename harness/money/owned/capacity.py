"""Capacity of one's own over all features: which part to commit to, what is bought, what is idle.

The live features' replicas add up hour by hour. Of that curve the floor is committed, bursts run
on demand, and hours in which a replica would be nearly empty go to the API, as
`hosting.choose_commitment` says of a curve. What may wait fills the committed replicas' empty
hours; the rest runs on spot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from harness.money.amounts import cents
from harness.money.hosted_rates import Hosting
from harness.money.hosting import (
    HOURS_A_MONTH,
    MILLI,
    HourlyCurve,
    NoCapacityError,
    ReplicaPrices,
    choose_commitment,
    curve_of,
    hosting_cost,
    layers,
    replica_prices,
)
from harness.money.owned.bought import BoughtCapacity
from harness.money.owned.paid import PaidEndpoint, endpoints_during, idlest

PartKind = Literal["floor", "bursts", "starts", "tail", "spot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedDemand:
    """What one feature asks of a model of one's own."""

    feature: str
    calls_per_month: Decimal
    """Requests with their retries."""
    way: Hosting
    deferrable: bool = False
    api_per_call: Decimal | None = None
    """What a call costs at the API otherwise; None: no price is known."""

    @property
    def curve(self) -> HourlyCurve:
        """Calls by hour of the week."""
        return curve_of(self.calls_per_month, self.way.shares)

    @property
    def milli_replicas(self) -> tuple[int, ...]:
        """Thousandths of a replica that each hour fills, rounded up.

        Raises:
            NoCapacityError: a replica serves nothing within the SLOs.
        """
        capacity = self.way.capacity
        served = int(capacity.milli_requests_an_hour / self.way.plan.peak)
        if served <= 0:
            raise NoCapacityError(f"{capacity.source}: no request meets the SLOs")
        return tuple(-(-milli * MILLI // served) for milli in self.curve.milli_requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledPart:
    """One way in which a part of the demand is served, in whole cents a month."""

    kind: PartKind
    usd: Decimal
    replica_hours: Decimal
    """Paid a month; of the API those that it spares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPool:
    """A month of a model that features share."""

    model: str
    gpu: str
    live: tuple[str, ...]
    deferrable: tuple[str, ...]
    committed_replicas: int
    gpus_per_replica: int
    floor_used: Decimal | None
    """Share of the committed hours that serve something; None: nothing is committed."""
    parts: tuple[PooledPart, ...]
    alone_usd: Decimal
    """What the same features cost with replicas of their own."""
    api_usd: Decimal | None
    """What all calls cost at the API; None: some price is not known."""
    spot_priced: bool
    """False: what may wait is priced on demand, as no spot price is stated."""

    def __post_init__(self) -> None:
        """Refuse an amount that is not whole cents."""
        if any(part.usd != cents(part.usd) for part in self.parts):
            raise ValueError("a part of a month is whole cents")

    @property
    def monthly(self) -> Decimal:
        """The sum of its parts."""
        return sum((part.usd for part in self.parts), Decimal(0))

    @property
    def committed_gpus(self) -> int:
        """GPUs that the floor holds."""
        return self.committed_replicas * self.gpus_per_replica


def pooled(model: str, gpu: str, demands: Sequence[HostedDemand]) -> HostedPool:
    """Work out a month of some features on one model.

    Raises:
        NoCapacityError: a replica serves nothing within some feature's SLOs.
    """
    live = [one for one in demands if not one.deferrable]
    waiting = [one for one in demands if one.deferrable]
    way = max((live or waiting), key=lambda one: one.way.plan.availability_replicas).way
    curve = HourlyCurve(
        milli_requests=_together(live, hours=len(waiting and waiting[0].milli_replicas))
    )
    prices = _prices(way, live)
    always = way.plan.availability_replicas if live else 0
    found = layers(curve, MILLI, prices, always_on=always) if curve.hours else ()
    chosen = choose_commitment(found, prices, hours=curve.hours)
    month = HOURS_A_MONTH / curve.hours
    hours = sum(layer.on_demand_hours for layer in chosen.overflow)
    starts = sum(layer.starts for layer in chosen.overflow) * prices.load_hours
    sent = Decimal(sum(layer.api_milli_requests for layer in chosen.overflow)) / MILLI
    room = [max(chosen.committed * MILLI - milli, 0) for milli in curve.milli_requests]
    asked = sum(sum(one.milli_replicas) for one in waiting)
    spot = Decimal(max(asked - sum(room), 0)) / MILLI
    spot_price = _spot(way)
    used = sum(map(min, curve.milli_requests, [chosen.committed * MILLI] * curve.hours))
    floor = chosen.committed * curve.hours
    rows: tuple[tuple[PartKind, Decimal, Decimal], ...] = (
        ("floor", Decimal(floor), prices.committed or Decimal(0)),
        ("bursts", Decimal(hours), prices.on_demand),
        ("starts", starts, prices.on_demand),
        ("tail", sent, prices.api_per_request or Decimal(0)),
        ("spot", spot, prices.on_demand if spot_price is None else spot_price),
    )
    return HostedPool(
        model=model,
        gpu=gpu,
        live=tuple(one.feature for one in live),
        deferrable=tuple(one.feature for one in waiting),
        committed_replicas=chosen.committed,
        gpus_per_replica=way.capacity.gpus_per_replica,
        floor_used=Decimal(used + min(asked, sum(room))) / (floor * MILLI) if floor else None,
        parts=tuple(
            PooledPart(kind=kind, usd=cents(amount * price * month), replica_hours=amount * month)
            for kind, amount, price in rows
            if amount
        ),
        alone_usd=cents(sum((_alone(one) for one in demands), Decimal(0))),
        api_usd=_at_the_api(demands),
        spot_priced=spot_price is not None,
    )


def _together(demands: Sequence[HostedDemand], *, hours: int) -> tuple[int, ...]:
    curves = [one.milli_replicas for one in demands]
    return tuple(map(sum, zip(*curves, strict=True))) if curves else (0,) * hours


def _prices(way: Hosting, live: Sequence[HostedDemand]) -> ReplicaPrices:
    """Of a replica's hour; at the API what the calls cost that would fill it, on average."""
    filled = sum(sum(one.milli_replicas) for one in live)
    known = [one.api_per_call for one in live]
    api = None
    if filled and None not in known:
        costs = (one.curve.requests * (one.api_per_call or 0) for one in live)
        api = sum(costs, Decimal(0)) * MILLI / filled
    return replica_prices(way.gpu, way.capacity, replace(way.plan, api_per_request=api))


def _spot(way: Hosting) -> Decimal | None:
    spot = way.gpu.spot
    return None if spot is None else spot * way.capacity.gpus_per_replica


def _alone(one: HostedDemand) -> Decimal:
    return hosting_cost(one.curve, one.way.capacity, one.way.gpu, one.way.plan).monthly


def _at_the_api(demands: Sequence[HostedDemand]) -> Decimal | None:
    known = [
        one.calls_per_month * one.api_per_call for one in demands if one.api_per_call is not None
    ]
    return cents(sum(known, Decimal(0))) if len(known) == len(demands) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedCapacity:
    """What models of one's own cost and leave unused, over all features."""

    on: date
    pools: tuple[HostedPool, ...] = ()
    """Dearest first."""
    bought: tuple[BoughtCapacity, ...] = ()
    """What ends first comes first; what has ended is left out."""
    endpoints: tuple[PaidEndpoint, ...] | None = None
    """None: no metrics were given."""
    left_out: Mapping[str, str]
    """Why a feature is in no pool; those that no model of one's own serves are not listed."""

    def during(self, start: datetime, end: datetime) -> OwnedCapacity:
        """The same, with the endpoints' hours of a stretch alone."""
        if self.endpoints is None:
            return self
        return replace(self, endpoints=endpoints_during(self.endpoints, start, end))

    @property
    def idlest(self) -> tuple[PaidEndpoint, ...]:
        """Endpoints by what their idle hours cost, dearest first; unknown costs last."""
        return idlest(self.endpoints or ())

    @property
    def ending(self) -> tuple[BoughtCapacity, ...]:
        """What ends soon."""
        return tuple(one for one in self.bought if one.ends_soon(self.on))
