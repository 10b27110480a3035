from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.hours import HourlyUsage, price_hours, usage_of
from harness.money.prices.attempts import attempt_cost
from harness.money.prices.tables import Band
from harness.money.traffic import HourUsage, Week
from tests.support.money import OPUS, some_rates, used

counts = st.integers(0, 10**8)
TIER = Band(
    from_input_tokens=200_001,
    input=Decimal(10),
    output=Decimal("37.5"),
    cache_read=Decimal(1),
    cache_write=Decimal("12.5"),
    cache_write_1h=Decimal(20),
)


def hourly(rows: list[tuple[int, int, int, int, int]]) -> HourlyUsage:
    """Rows of calls, uncached, read, written and output tokens."""
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 5).T
    return HourlyUsage(
        calls=columns[0],
        input_tokens=columns[1] + columns[2] + columns[3],
        cached_tokens=columns[2],
        cache_written_tokens=columns[3],
        output_tokens=columns[4],
    )


@given(
    st.lists(st.tuples(st.integers(1, 1), counts, counts, counts, counts), min_size=1, max_size=20)
)
def test_an_hour_of_one_call_costs_what_the_call_costs(
    rows: list[tuple[int, int, int, int, int]],
) -> None:
    rates = some_rates(
        OPUS,
        tiers=(TIER,),
        per_request=Decimal("0.00013"),
        minimum_per_request=Decimal("0.0100007"),
    )
    calls = [
        used(fresh + read + written, out, cache_read_tokens=read, cache_write_tokens=written)
        for _, fresh, read, written, out in rows
    ]
    each = [attempt_cost(call, rates) for call in calls]
    cost = price_hours(hourly(rows), rates)
    assert cost.usd == sum(each, Decimal(0))
    assert [cost.between(index, index + 1) for index in range(len(rows))] == each


def test_an_hour_is_priced_at_its_mean_length() -> None:
    rates = some_rates(OPUS, tiers=(TIER,))
    below = price_hours(hourly([(2, 400_000, 0, 0, 0)]), rates)
    above = price_hours(hourly([(2, 400_002, 0, 0, 0)]), rates)
    assert below.usd == Decimal(2)
    assert above.usd == Decimal("4.00002")


def test_a_year_of_dear_hours_does_not_overflow() -> None:
    rates = some_rates({"input": "75", "output": "75"})
    year = hourly([(1, 10**10, 0, 0, 0)] * 8760)
    assert price_hours(year, rates).usd == 8760 * Decimal(750_000)


def test_an_hour_that_is_too_dear_is_refused() -> None:
    rates = some_rates({"input": "75.000001", "output": "75"})
    with pytest.raises(OverflowError, match="split the hour"):
        price_hours(hourly([(1, 10**13, 0, 0, 0)]), rates)


def test_a_traffic_file_s_week_can_be_priced() -> None:
    hour = HourUsage(requests=2, retries=1, input_tokens=30, cached_tokens=10, output_tokens=5)
    week = Week(feature="a", cohort="", weeks=1, hours=(hour,) * 168)
    cost = price_hours(usage_of(week), some_rates(OPUS))
    assert cost.usd == 168 * (20 * Decimal(5) + 10 * Decimal("0.5") + 5 * 25) / 1_000_000
    assert usage_of(week).calls.tolist() == [3] * 168


def test_no_hours_cost_nothing() -> None:
    assert price_hours(hourly([]), some_rates(OPUS)).usd == 0
