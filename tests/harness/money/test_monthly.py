from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from harness.money.monthly import (
    MonthlyCost,
    bridge,
    cost_from_traffic,
    measured_cost,
    to_option_cost,
    unknown_cost,
)
from harness.money.prices.rate_tables import Band
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic
from tests.support.record_parts import a_hosting

counts = st.tuples(st.integers(1, 300_000), st.integers(1, 5_000))
shares = st.integers(0, 100).map(lambda percent: percent / 100)


def the_swap() -> tuple[MonthlyCost, MonthlyCost]:
    """The reference feature: the same input tokens, answers a twentieth longer."""
    own = [pair((5200, 380), (5200, 380))]
    incumbent = measured_cost(own, some_traffic(), some_rates(OPUS), success=0.948)
    option = measured_cost(
        [pair((5200, 399), (5200, 380))],
        some_traffic(),
        some_rates(HAIKU, discount=Decimal("0.10")),
        success=0.945,
    )
    return incumbent, option


def test_the_reference_swap_by_hand() -> None:
    incumbent, option = the_swap()
    assert incumbent.monthly == Decimal("3462.528")
    assert option.per_request == Decimal("0.00730") + Decimal("0.000010120") - Decimal(
        "0.000000000"
    )
    assert option.monthly_after_discounts == option.monthly * Decimal("0.9")
    assert incumbent.per_success == Decimal("0.038046413502")


def test_a_price_per_million_of_the_mix() -> None:
    incumbent, _ = the_swap()
    assert incumbent.per_million_tokens == Decimal("6.362007168459")


def test_no_token_has_no_price_per_million() -> None:
    nothing = cost_from_traffic(some_traffic(input_tokens=0, output_tokens=0), some_rates(OPUS))
    assert nothing.per_million_tokens is None


def test_nothing_succeeded_has_no_price_per_success() -> None:
    incumbent, _ = the_swap()
    assert replace(incumbent, success_share=Decimal(0)).per_success is None
    assert cost_from_traffic(some_traffic(), some_rates(OPUS)).per_success is None


def test_the_reference_bridge_by_hand() -> None:
    """Without retries: 96,000 x (0.0355 -> 0.0071 -> 0.007195); then 1.6 % of 681.6 and 690.72.

    A tenth is taken off what the cheap model costs.
    """
    terms = {one.term: one.usd for one in bridge(*the_swap())}
    assert terms == {
        "price": Decimal("-2794.56"),
        "input tokens": Decimal(0),
        "output tokens": Decimal("8.208"),
        "cache": Decimal(0),
        "retries": Decimal("-44.581632"),
    }


@given(
    st.lists(st.tuples(counts, counts), min_size=1, max_size=12),
    shares,
    shares,
    st.integers(0, 10**9),
    st.tuples(shares, shares),
)
def test_the_bridge_sums_exactly(
    cases: list[tuple[tuple[int, int], tuple[int, int]]],
    cached: float,
    retries: float,
    requests: int,
    discounts: tuple[float, float],
) -> None:
    traffic = some_traffic(cached_share=cached, retry_rate=retries, requests_per_month=requests)
    own = [pair(old, old) for _, old in cases]
    old_off, new_off = (Decimal(str(share)) for share in discounts)
    incumbent = measured_cost(own, traffic, some_rates(OPUS, discount=old_off))
    rates = some_rates(HAIKU, discount=new_off)
    option = measured_cost([pair(new, old) for new, old in cases], traffic, rates)
    moved = replace(option.workload, cached_share=Decimal("0.125"), retry_rate=Decimal("0.3"))
    option = replace(option, workload=moved)
    difference = option.monthly_after_discounts - incumbent.monthly_after_discounts
    assert sum(one.usd for one in bridge(incumbent, option)) == difference


def test_a_bridge_to_an_option_that_writes_nothing() -> None:
    traffic = some_traffic()
    incumbent = measured_cost([pair((10, 10), (10, 10))], traffic, some_rates(OPUS))
    silent = measured_cost([pair((10, 0), (10, 10))], traffic, some_rates(OPUS))
    terms = {one.term: one.usd for one in bridge(incumbent, silent)}
    assert terms["price"] == terms["input tokens"] == 0
    assert terms["output tokens"] == Decimal(-912)


def test_the_record_has_all_that_a_price_list_needs() -> None:
    _, option = the_swap()
    written = to_option_cost(option)
    assert written.basis == "measured"
    assert (written.input_tokens_mean, written.output_tokens_mean) == (5200.0, 399.0)
    assert written.rates is not None
    assert (written.rates.discount, written.rates.source) == (Decimal("0.10"), "made up")
    assert written.per_request == option.per_request
    assert [one.cases for one in written.portions] == [1]


def test_long_prices_stand_in_the_record() -> None:
    prices = {name: Decimal(9) for name in ("input", "output", "cache_read", "cache_write")}
    tier = Band(from_input_tokens=200_001, **prices, cache_write_1h=Decimal(9))
    written = to_option_cost(cost_from_traffic(some_traffic(), some_rates(OPUS, tiers=(tier,))))
    assert written.rates is not None
    assert [one.from_input_tokens for one in written.rates.tiers] == [200_001]


def test_an_unknown_cost_is_null_and_not_zero() -> None:
    unknown = unknown_cost(None, "traffic")
    assert (unknown.monthly, unknown.per_request, unknown.rates) == (None, None, None)
    assert unknown_cost(some_rates(OPUS), "traffic").rates is not None


def test_gpu_hours_are_known_by_their_basis() -> None:
    hosted = some_rates(OPUS, hosting=a_hosting())
    assert cost_from_traffic(some_traffic(), hosted).basis == "capacity"
    assert measured_cost([pair((1, 1), (1, 1))], some_traffic(), hosted).basis == "capacity"
    assert cost_from_traffic(some_traffic(), some_rates(OPUS)).basis == "traffic"
