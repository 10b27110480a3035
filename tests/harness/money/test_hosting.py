from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.hosted_rates import Hosting, break_even_volume, break_even_volumes, hosting_facts
from harness.money.hosting import (
    Capacity,
    HostingPlan,
    NoCapacityError,
    curve_of,
    hosting_cost,
)
from harness.money.prices.attempts import gpu_time_cost
from harness.workspace.policy_file import GpuPrice
from tests.support.money import some_traffic

H100 = GpuPrice(
    on_demand=Decimal("3.90"),
    committed_1y=Decimal("2.45"),
    committed_3y=Decimal("1.95"),
    spot=Decimal("1.60"),
    managed_premium=0.25,
    as_of=date(2026, 10, 1),
    source="quote 4711",
)
WEEKDAYS = [*([0] * 8 + [3] * 8 + [1] * 8) * 5, *[0] * 48]


def some_capacity(**over: Any) -> Capacity:
    facts: dict[str, Any] = {
        "goodput_per_s": Decimal(1),
        "gpus_per_replica": 2,
        "load_s": Decimal(0),
        "source": "probe 0f3a",
    }
    return Capacity(**{**facts, **over})


def test_an_even_month_by_hand() -> None:
    """730.5 hours x 1,800 requests fill half a replica, which is committed: 2 x 2.45 x 730.5."""
    curve = curve_of(1_314_900)
    cost = hosting_cost(curve, some_capacity(), H100, HostingPlan())
    assert (cost.committed_replicas, max(cost.replicas)) == (1, 1)
    assert cost.monthly == cost.committed_usd == Decimal("3579.45")
    assert cost.utilisation == Decimal("0.5")
    assert cost.idle_usd == Decimal("3579.45") / 2
    assert cost.per_request == Decimal("0.002722222222")
    by_formula = (
        2 * 2.45 / (3600 * 1 * 0.5)
    )  # GPUs x USD an hour / (requests an hour x utilisation)
    assert float(cost.per_request) == pytest.approx(by_formula)


def test_a_week_by_hand() -> None:
    """Capacity 3,600 an hour; 40 hours need 3 replicas, 40 need 1, 88 none but the one kept.

    One replica is committed (all hours); the second and third run 40 of 168 hours on demand.
    """
    shares = [3 * 3600 if weight == 3 else 3600 * weight for weight in WEEKDAYS]
    volume = Decimal(sum(shares)) / 168 * Decimal("730.5")
    cost = hosting_cost(
        curve_of(volume, shares), some_capacity(load_s=Decimal(360)), H100, HostingPlan()
    )
    month = Decimal("730.5") / 168
    assert (cost.committed_replicas, max(cost.replicas)) == (1, 3)
    assert cost.committed_usd == Decimal("3579.45")
    assert float(cost.on_demand_usd) == pytest.approx(float(80 * Decimal("7.80") * month))
    assert float(cost.scale_up_usd) == pytest.approx(float(2 * 5 * Decimal("0.78") * month))
    assert float(cost.utilisation) == pytest.approx(160 / 248)


def test_overflow_to_the_api_where_a_replica_would_idle() -> None:
    shares = [4000 * 1000] + [3000 * 1000] * 167
    volume = Decimal(sum(shares)) / 1000 / 168 * Decimal("730.5")
    plan = HostingPlan(api_per_request=Decimal("0.003"))
    cost = hosting_cost(curve_of(volume, shares), some_capacity(), H100, plan)
    assert cost.on_demand_usd == 0
    assert float(cost.api_usd) == pytest.approx(400 * 0.003 * 730.5 / 168)


def test_a_managed_endpoint_costs_its_premium() -> None:
    curve = curve_of(1000)
    bare = hosting_cost(curve, some_capacity(), H100, HostingPlan())
    managed = hosting_cost(curve, some_capacity(), H100, HostingPlan(managed=True))
    assert managed.monthly == bare.monthly * Decimal("1.25")


@pytest.mark.parametrize(
    ("term", "price"),
    [("1y", "2.45"), ("3y", "1.95"), (None, "3.90")],
)
def test_the_term_decides_the_price(term: Any, price: str) -> None:
    cost = hosting_cost(curve_of(1000), some_capacity(), H100, HostingPlan(term=term))
    assert cost.monthly == 2 * Decimal(price) * Decimal("730.5")


def test_availability_runs_whatever_the_traffic() -> None:
    cost = hosting_cost(curve_of(10), some_capacity(), H100, HostingPlan(availability_replicas=2))
    assert (cost.committed_replicas, max(cost.replicas)) == (2, 2)
    without = hosting_cost(
        curve_of(10), some_capacity(), H100, HostingPlan(availability_replicas=0, term=None)
    )
    assert max(without.replicas) == 1
    assert without.on_demand_usd == 2 * Decimal("3.90") * Decimal("730.5")


def test_peaks_within_the_hour_take_capacity() -> None:
    curve = curve_of(Decimal("730.5") * 3000)
    assert hosting_cost(curve, some_capacity(), H100, HostingPlan()).replicas == (1,) * 168
    peaky = hosting_cost(curve, some_capacity(), H100, HostingPlan(peak=Decimal(2)))
    assert peaky.replicas == (2,) * 168


def test_no_request_within_the_slos_has_no_price() -> None:
    with pytest.raises(NoCapacityError, match="probe 0f3a: no request meets the SLOs"):
        hosting_cost(curve_of(1), some_capacity(goodput_per_s=Decimal(0)), H100, HostingPlan())


def test_everything_at_a_free_api_uses_no_gpu() -> None:
    plan = HostingPlan(availability_replicas=0, api_per_request=Decimal(0))
    cost = hosting_cost(curve_of(1000), some_capacity(), H100, plan)
    assert (cost.monthly, cost.utilisation) == (0, 0)


def test_written_into_the_record() -> None:
    """Half a committed replica of two GPUs lies idle."""
    cost = hosting_cost(curve_of(1_314_900), some_capacity(), H100, HostingPlan())
    written = hosting_facts(cost, some_capacity(load_s=None))
    assert (written.fewest_replicas, written.most_replicas, written.committed_replicas) == (1, 1, 1)
    assert (written.committed_usd, written.on_demand_usd) == (Decimal("3579.45"), 0)
    assert written.idle_usd == Decimal("1789.725")
    assert written.load_s is None


def test_break_even_in_requests_where_each_is_asked_twice() -> None:
    """2 x 2.45 x 730.5 hours are 3,579.45 USD: 357,945 calls at a cent, and half the requests."""
    way = Hosting(capacity=some_capacity(), gpu=H100, plan=HostingPlan())
    prices = {"cheap": Decimal("0.0000001"), "dear": Decimal("0.01")}
    cheap, dear = break_even_volumes(way, some_traffic(retry_rate=1), prices)
    assert (cheap.option, cheap.requests_per_month) == ("cheap", None)
    assert dear.requests_per_month == 178_973


def test_the_evaluation_pays_spot_where_there_is_spot() -> None:
    assert gpu_time_cost(1800, 2, H100) == Decimal("1.60")
    dear = H100.model_copy(update={"spot": None})
    assert gpu_time_cost(1800, 2, dear) == Decimal("3.90")


@given(st.integers(1, 10**7), st.integers(0, 10**6))
def test_more_traffic_never_costs_less(volume: int, more: int) -> None:
    way = Hosting(
        capacity=some_capacity(load_s=Decimal(600)), gpu=H100, plan=HostingPlan(), shares=WEEKDAYS
    )
    assert way.monthly(volume + more) >= way.monthly(volume)


def bisected(way: Hosting, api: Decimal) -> int:
    """The root of hosting - API over one replica's capacity, where hosting is flat."""
    low, high = 0, 2_600_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if way.monthly(middle) <= api * middle else (middle, high)
    return high


@pytest.mark.parametrize("cents", [20, 35, 50, 80, 200])
def test_break_even_is_the_root_found_by_bisection(cents: int) -> None:
    api = Decimal(cents) / 10_000
    way = Hosting(capacity=some_capacity(), gpu=H100, plan=HostingPlan())
    assert break_even_volume(way, api_per_request=api) == bisected(way, api)


def test_break_even_across_steps_is_the_first_volume_that_pays() -> None:
    """Counted one by one: a replica serves 730 a month, so the cost has many steps."""
    capacity = some_capacity(goodput_per_s=Decimal("0.000278"))
    gpu = H100.model_copy(update={"on_demand": Decimal("0.05"), "committed_1y": Decimal("0.04")})
    way = Hosting(capacity=capacity, gpu=gpu, plan=HostingPlan(availability_replicas=3))
    api = Decimal("0.0930")
    found = break_even_volume(way, api_per_request=api)
    first = next(volume for volume in range(1, 6000) if way.monthly(volume) <= api * volume)
    assert found == first


@pytest.mark.parametrize("api", ["0", "0.0000001"])
def test_an_api_that_is_always_cheaper_has_no_break_even(api: str) -> None:
    way = Hosting(capacity=some_capacity(), gpu=H100, plan=HostingPlan())
    assert break_even_volume(way, api_per_request=Decimal(api)) is None


def test_a_climb_that_does_not_end_is_no_break_even() -> None:
    """At full use a request costs 4.90 / 360,000 = 0.000013611; the API asks a hair less."""
    capacity = some_capacity(goodput_per_s=Decimal(100))
    way = Hosting(capacity=capacity, gpu=H100, plan=HostingPlan())
    assert break_even_volume(way, api_per_request=Decimal("0.00001361")) is None
