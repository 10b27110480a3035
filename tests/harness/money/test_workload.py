from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.prices.attempts import attempt_cost
from harness.money.prices.rate_tables import Band
from harness.money.workload import (
    NoUsageError,
    cost_per_request_from_traffic,
    from_traffic,
    projected,
)
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic, used

counts = st.tuples(st.integers(1, 300_000), st.integers(1, 5_000))


def test_the_reference_feature_costs_what_its_page_says() -> None:
    """0.0361 a request: (5200 x 5 + 380 x 25) / 1e6 = 0.0355, and 1.6 % of it again for retries."""
    traffic = some_traffic()
    assert cost_per_request_from_traffic(traffic, some_rates(OPUS)) == Decimal("0.036068")
    assert from_traffic(traffic).monthly(some_rates(OPUS)) == Decimal("3462.528")


def test_production_s_cache_counts_not_the_evaluation_s() -> None:
    traffic = some_traffic(cached_share=0.5, retry_rate=0)
    cases = [pair((1000, 100), (1000, 100))]
    expected = (2600 * Decimal(5) + 2600 * Decimal("0.5") + 380 * 25) / 1_000_000
    assert projected(cases, traffic).per_request(some_rates(OPUS)) == expected


def test_written_tokens_pay_the_write_price() -> None:
    traffic = some_traffic(cached_share=0.5, cache_written_share=0.25, retry_rate=0)
    expected = (1300 * 5 + 2600 * Decimal("0.5") + 1300 * Decimal("6.25") + 380 * 25) / 1_000_000
    assert cost_per_request_from_traffic(traffic, some_rates(OPUS)) == expected


def test_an_option_keeps_its_ratio_to_the_incumbent() -> None:
    cases = [pair((1200, 50), (1000, 100)), pair((600, 25), (500, 50))]
    workload = projected(cases, some_traffic())
    assert workload.input_tokens == Decimal(6240)
    assert workload.output_tokens == Decimal(190)


def test_a_request_beyond_a_cliff_pays_beyond_it_although_the_mean_lies_before() -> None:
    dear = {name: Decimal(10) for name in ("input", "output", "cache_read", "cache_write")}
    tier = Band(from_input_tokens=200_001, **dear, cache_write_1h=Decimal(10))
    rates = some_rates({"input": "1", "output": "1"}, tiers=(tier,))
    usages = [used(50_000, 10), used(50_000, 10), used(250_000, 10)]
    cases = [pair((one.input_tokens, 10), (one.input_tokens, 10)) for one in usages]
    traffic = some_traffic(input_tokens="116666.666667", output_tokens=10, retry_rate=0)
    each = [attempt_cost(one, rates) for one in usages]
    assert float(projected(cases, traffic).per_request(rates)) == pytest.approx(
        float(sum(each, Decimal(0)) / 3), rel=1e-6
    )
    assert cost_per_request_from_traffic(traffic, rates) < sum(each, Decimal(0)) / 6


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=30))
def test_the_incumbent_s_projection_has_production_s_means(
    cases: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    own = [pair(incumbent, incumbent) for _, incumbent in cases]
    workload = projected(own, some_traffic())
    assert float(workload.input_tokens) == pytest.approx(5200, abs=1e-5)
    assert float(workload.output_tokens) == pytest.approx(380, abs=1e-5)


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=30))
def test_without_cliffs_only_the_totals_matter(
    cases: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    pairs = [pair(option, incumbent) for option, incumbent in cases]
    total = [
        sum(side[index] for side in column)
        for column in zip(*cases, strict=True)
        for index in (0, 1)
    ]
    ratio_in, ratio_out = Decimal(total[0]) / total[2], Decimal(total[1]) / total[3]
    expected = (
        from_traffic(some_traffic()).scaled(ratio_in, ratio_out).per_request(some_rates(HAIKU))
    )
    got = projected(pairs, some_traffic()).per_request(some_rates(HAIKU))
    assert float(got) == pytest.approx(float(expected), rel=1e-6, abs=1e-11)


def test_no_usage_is_an_error_and_never_zero() -> None:
    with pytest.raises(NoUsageError, match="no case has the usage"):
        projected([], some_traffic())
    with pytest.raises(NoUsageError, match="zero tokens on every case"):
        projected([pair((1, 1), (0, 1))], some_traffic())
