from __future__ import annotations

import random
from decimal import Decimal

import pytest

from harness.money.hosting import (
    HourlyCurve,
    ReplicaPrices,
    choose_commitment,
    layers,
    replicas_by_hour,
)

CURVES = 500


def curve(requests: list[int]) -> HourlyCurve:
    return HourlyCurve(milli_requests=tuple(requests))


def chosen_cost(hours: list[int], capacity: int, prices: ReplicaPrices) -> tuple[int, Decimal]:
    found = layers(curve(hours), capacity, prices, always_on=0)
    chosen = choose_commitment(found, prices, hours=len(hours))
    assert prices.committed is not None
    fixed = chosen.committed * prices.committed * len(hours)
    return chosen.committed, fixed + sum((layer.usd for layer in chosen.overflow), Decimal(0))


def week_cost(hours: list[int], capacity: int, prices: ReplicaPrices, committed: int) -> Decimal:
    """The bill of a week, replica by replica and hour by hour: what an operator would pay."""
    assert prices.committed is not None
    usd = prices.committed * committed * len(hours)
    running_before = set(overflowing(hours[-1], capacity, prices, committed))
    for requests in hours:
        running = set(overflowing(requests, capacity, prices, committed))
        usd += len(running) * prices.on_demand
        usd += len(running - running_before) * prices.load_hours * prices.on_demand
        if prices.api_per_request is not None:
            rest = max(requests - committed * capacity, 0)
            on_gpu = sum(min(requests - index * capacity, capacity) for index in running)
            usd += (rest - on_gpu) * prices.api_per_request / 1000
        running_before = running
    return usd


def overflowing(requests: int, capacity: int, prices: ReplicaPrices, committed: int) -> list[int]:
    """Replicas beyond the committed ones that are worth running in an hour."""
    found: list[int] = []
    index = committed
    while requests > index * capacity:
        held = min(requests - index * capacity, capacity)
        api = prices.api_per_request
        if api is None or held * api / 1000 > prices.on_demand:
            found.append(index)
        index += 1
    return found


@pytest.mark.parametrize(
    ("with_api", "with_load"),
    [
        pytest.param(False, False, id="on demand"),
        pytest.param(True, False, id="back to the API"),
        pytest.param(False, True, id="with time to load"),
        pytest.param(True, True, id="both"),
    ],
)
def test_the_commitment_is_brute_force_s_best(with_api: bool, with_load: bool) -> None:  # noqa: FBT001
    draw = random.Random(20261124)
    for _ in range(CURVES):
        hours = [draw.randint(0, 6000) for _ in range(draw.randint(1, 60))]
        on_demand = Decimal(draw.randint(1, 600)) / 100
        prices = ReplicaPrices(
            on_demand=on_demand,
            committed=on_demand * draw.randint(1, 99) / 100,
            api_per_request=Decimal(draw.randint(1, 900)) / 100 if with_api else None,
            load_hours=Decimal(draw.randint(0, 100)) / 100 if with_load else Decimal(0),
        )
        capacity = draw.randint(500, 2000)
        most = max(replicas_by_hour(curve(hours), capacity))
        bills = [week_cost(hours, capacity, prices, count) for count in range(most + 2)]
        committed, usd = chosen_cost(hours, capacity, prices)
        assert usd == min(bills)
        assert committed == bills.index(min(bills))


def test_the_rule_in_its_plain_form() -> None:
    """The k-th replica is committed iff the share of hours that need it exceeds the price ratio."""
    draw = random.Random(7)
    for _ in range(200):
        hours = [draw.randint(0, 5000) for _ in range(24)]
        prices = ReplicaPrices(on_demand=Decimal("3.90"), committed=Decimal("2.45"))
        needed = replicas_by_hour(curve(hours), 1000)
        by_rule = sum(
            sum(count >= k for count in needed) * Decimal("3.90") > 24 * Decimal("2.45")
            for k in range(1, max(needed) + 1)
        )
        assert chosen_cost(hours, 1000, prices)[0] == by_rule


def test_a_tie_keeps_the_freedom() -> None:
    prices = ReplicaPrices(on_demand=Decimal(2), committed=Decimal(1))
    assert chosen_cost([1000, 0], 1000, prices)[0] == 0
    assert chosen_cost([1000, 1000, 0], 1000, prices)[0] == 1


def test_what_cannot_be_committed_runs_on_demand() -> None:
    prices = ReplicaPrices(on_demand=Decimal(2), committed=None)
    found = layers(curve([1000, 1001]), 1000, prices, always_on=0)
    chosen = choose_commitment(found, prices, hours=2)
    assert chosen.committed == 0
    assert [layer.on_demand_hours for layer in chosen.overflow] == [2, 1]


def test_a_free_api_takes_everything() -> None:
    prices = ReplicaPrices(on_demand=Decimal(2), committed=Decimal(1), api_per_request=Decimal(0))
    found = layers(curve([1500]), 1000, prices, always_on=0)
    assert [layer.api_milli_requests for layer in found] == [1000, 500]
    assert choose_commitment(found, prices, hours=1).committed == 0


def test_replicas_round_up() -> None:
    assert replicas_by_hour(curve([0, 1, 1000, 1001]), 1000) == [0, 1, 1, 2]


@pytest.mark.parametrize("hours", [[2500, 7000, 0, 9000], [1, 12_999, 6000, 6001], [8000] * 3])
def test_a_layer_is_what_it_is_by_itself(hours: list[int]) -> None:
    """High curves have runs of layers that are alike; the lowest is always worked out."""
    prices = ReplicaPrices(
        on_demand=Decimal(2),
        committed=Decimal(1),
        api_per_request=Decimal("0.004"),
        load_hours=Decimal("0.25"),
    )
    found = layers(curve(hours), 1000, prices, always_on=0)
    assert len(found) == -(-max(hours) // 1000)
    for index, layer in enumerate(found):
        assert layers(curve(hours), 1000, prices, always_on=index)[index] == layer
