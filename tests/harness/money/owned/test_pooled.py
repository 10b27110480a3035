"""A pool of features on one model: by hand, beside brute force, and its parts add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.hosted_rates import Hosting
from harness.money.hosting import HOURS_A_MONTH, Capacity, HostingPlan, NoCapacityError
from harness.money.owned.bought import BoughtCapacity, units_needed, units_used
from harness.money.owned.capacity import HostedDemand, HostedPool, pooled
from harness.workspace.policy_file import GpuPrice

H100 = GpuPrice(
    on_demand=Decimal("3.90"),
    committed_1y=Decimal("2.45"),
    spot=Decimal("1.60"),
    as_of=date(2026, 10, 1),
    source="quote",
)
HOUR = 3600
DAY = [*[0] * 8, *[1] * 16]
"""Two thirds of the hours, above the 2.45 / 3.90 from which on a replica is committed."""


def demand(
    name: str, replicas: Decimal, shares: list[int] | None = None, **more: Any
) -> HostedDemand:
    """A feature that fills so many replicas on average over the hours of its week."""
    served = Capacity(goodput_per_s=Decimal(1), gpus_per_replica=2, load_s=None, source="probe")
    plan = HostingPlan(availability_replicas=more.pop("kept", 0))
    way = Hosting(capacity=served, gpu=more.pop("gpu", H100), plan=plan, shares=shares)
    return HostedDemand(
        feature=name, calls_per_month=replicas * HOUR * HOURS_A_MONTH, way=way, **more
    )


def kinds(pool: HostedPool) -> dict[str, Decimal]:
    return {part.kind: part.usd for part in pool.parts}


def test_two_halves_share_the_replica_that_each_would_hold_alone() -> None:
    half = Decimal("0.5")
    pool = pooled("llama", "h100", [demand("a", half), demand("b", half)])
    assert pool.committed_replicas == 1
    assert pool.committed_gpus == 2
    assert pool.floor_used == 1
    # 2 GPUs x 2.45 x 730.5 hours, and twice that alone.
    assert kinds(pool) == {"floor": Decimal("3579.45")}
    assert (pool.monthly, pool.alone_usd) == (Decimal("3579.45"), Decimal("7158.90"))
    assert pool.api_usd is None


def test_the_floor_is_committed_bursts_run_on_demand_and_what_may_wait_fills_the_floor() -> None:
    burst = [0] * 167 + [1]
    live = [demand("floor", Decimal(1)), demand("burst", Decimal(1) / 168, burst)]
    waiting = demand("nightly", Decimal("0.25"), deferrable=True)
    pool = pooled("llama", "h100", [*live, waiting])
    assert kinds(pool) == {
        "floor": Decimal("3579.45"),
        "bursts": (Decimal("7.80") * HOURS_A_MONTH / 168).quantize(Decimal("0.01")),
        "spot": (Decimal("3.20") * HOURS_A_MONTH / 4).quantize(Decimal("0.01")),
    }
    idle = replace(demand("idle", Decimal("0.5"), [1] * 84 + [0] * 84), api_per_call=None)
    kept = pooled("llama", "h100", [replace(idle, way=replace(idle.way, plan=HostingPlan()))])
    filled = pooled(
        "llama", "h100", [replace(idle, way=replace(idle.way, plan=HostingPlan())), waiting]
    )
    assert kept.monthly == filled.monthly
    assert filled.floor_used == Decimal("0.75")
    assert kept.floor_used == Decimal("0.5")


def test_hours_in_which_a_replica_would_be_nearly_empty_go_to_the_api() -> None:
    rare = [1] + [0] * 167
    # 36 calls in its hour fill a hundredth of a replica: 0.36 at the API against 7.80.
    tail = demand("rare", Decimal("0.01") / 168, rare, api_per_call=Decimal("0.01"))
    pool = pooled("llama", "h100", [tail])
    assert set(kinds(pool)) == {"tail"}
    assert pool.monthly == pool.api_usd


def test_what_may_wait_alone_runs_on_spot_and_without_a_spot_price_on_demand() -> None:
    waiting = demand("nightly", Decimal("0.25"), deferrable=True)
    assert set(kinds(pooled("llama", "h100", [waiting]))) == {"spot"}
    dear = demand("n", Decimal("0.25"), deferrable=True, gpu=H100.model_copy(update={"spot": None}))
    pool = pooled("llama", "h100", [dear])
    assert not pool.spot_priced
    assert kinds(pool)["spot"] == (Decimal("7.80") * HOURS_A_MONTH / 4).quantize(Decimal("0.01"))


def test_a_replica_that_serves_nothing_has_no_pool() -> None:
    one = demand("a", Decimal(1))
    slow = replace(one.way.capacity, goodput_per_s=Decimal(0))
    with pytest.raises(NoCapacityError, match="no request meets the SLOs"):
        pooled("llama", "h100", [replace(one, way=replace(one.way, capacity=slow))])


SIZES = st.integers(1, 25).map(lambda tenths: Decimal(tenths) / 10)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(SIZES, st.integers(0, 3), st.booleans()), min_size=1, max_size=3),
    st.integers(0, 2),
    st.sampled_from([None, "0.0005", "0.002"]),
)
def test_no_other_number_of_committed_replicas_is_cheaper(
    features: list[tuple[Decimal, int, bool]], kept: int, api: str | None
) -> None:
    patterns = [[1] * 168, DAY * 7, [0] * 120 + [1] * 48, [1, 0, 0, 4] * 42]
    price = None if api is None else Decimal(api)
    demands = [
        demand(str(at), size, patterns[shape], deferrable=wait, api_per_call=price, kept=kept)
        for at, (size, shape, wait) in enumerate(features)
    ]
    pool = pooled("llama", "h100", demands)
    assert pool.monthly == sum((part.usd for part in pool.parts), Decimal(0))
    live = [one for one in demands if not one.deferrable]
    if live:
        rows = [one.milli_replicas for one in live]
        curve = [sum(row) for row in zip(*rows, strict=True)]
        paid = sum(part.usd for part in pool.parts if part.kind != "spot")
        costs = [_brute(curve, k, price, kept) for k in range(max(curve) // 1000 + 2 + kept)]
        assert abs(min(costs) - paid) < Decimal("0.05")


def _brute(curve: list[int], committed: int, api: Decimal | None, kept: int) -> Decimal:
    """USD a month: each replica above the committed ones by itself, hour by hour."""
    usd = committed * len(curve) * Decimal("4.90")
    for milli in curve:
        for replica in range(committed, max(-(-milli // 1000), kept)):
            filled = min(max(milli - replica * 1000, 0), 1000)
            at_api = None if api is None else api * filled * HOUR / 1000
            usd += (
                Decimal("7.80")
                if at_api is None or replica < kept
                else min(Decimal("7.80"), at_api)
            )
    return usd * HOURS_A_MONTH / len(curve)


def test_bought_units_and_what_the_busiest_hour_needs() -> None:
    hours = [Decimal(150_000), Decimal(600_000), Decimal(0)]
    one = BoughtCapacity(
        name="gpt-5",
        what="units",
        bought=10,
        needed=units_needed(hours, 2500),
        usd_per_hour=Decimal(1),
        until=date(2027, 2, 28),
        used_share=units_used(hours, 2500, 10),
    )
    assert (one.needed, one.unused, one.used_share) == (4, 6, Decimal(750_000) / 4_500_000)
    assert (one.monthly, one.unused_usd) == (Decimal("7305.00"), Decimal("4383.00"))
    assert one.ends_soon(date(2026, 11, 30))
    assert not one.ends_soon(date(2026, 11, 29))
    assert not one.ends_soon(date(2027, 3, 1))
    assert replace(one, needed=None).unused_usd is None


@given(st.lists(st.decimals(0, 10**7, places=2), min_size=1, max_size=20), st.integers(1, 50))
def test_needed_units_hold_every_hour_and_one_less_does_not(hours: list[Decimal], tpm: int) -> None:
    needed = units_needed(hours, tpm)
    assert all(tokens <= needed * tpm * 60 for tokens in hours)
    assert not needed or any(tokens > (needed - 1) * tpm * 60 for tokens in hours)
    assert Decimal(0) <= (units_used(hours, tpm, max(needed, 1)) or Decimal(0)) <= 1
