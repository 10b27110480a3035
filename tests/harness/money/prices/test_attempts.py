"""Laws of an attempt's cost, on made-up price lists."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.prices.attempts import attempt_cost, call_cost, counts_of, upper_bound
from harness.money.prices.rate_tables import Band, Rates
from harness.money.prices.rates import PriceMissingError
from providers.completion import TokenUsage
from tests.support.money import OPUS, some_rates, used

if TYPE_CHECKING:
    from collections.abc import Callable

PRICES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
tokens = st.integers(min_value=0, max_value=400_000)
cents = st.integers(min_value=0, max_value=10_000).map(lambda cent: Decimal(cent) / 100)


@st.composite
def usages(draw: Callable[..., int]) -> TokenUsage:
    fresh, read, write, output = (draw(tokens) for _ in range(4))
    return TokenUsage(
        input_tokens=fresh + read + write,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=draw(st.integers(min_value=0, max_value=write)),
        reasoning_tokens=draw(st.integers(min_value=0, max_value=output)),
    )


@st.composite
def price_lists(draw: Callable[..., Decimal]) -> Rates:
    """Lists whose long prices are not below the short ones, as vendors' are."""
    base = {name: draw(cents) for name in PRICES}
    longer = {name: price + draw(cents) for name, price in base.items()}
    tiers = (Band(from_input_tokens=200_001, **longer),) if draw(st.booleans()) else ()
    return Rates(
        **base,
        tiers=tiers,
        per_request=draw(cents) / 1000,
        minimum_per_request=draw(cents) / 100,
        batch_share=Decimal("0.5"),
        source="made up",
    )


@given(usages(), price_lists(), st.sampled_from(["fresh", "read", "write", "write_1h", "output"]))
def test_more_tokens_never_cost_less(usage: TokenUsage, rates: Rates, kind: str) -> None:
    more = TokenUsage(
        input_tokens=usage.input_tokens + (kind != "output"),
        output_tokens=usage.output_tokens + (kind == "output"),
        cache_read_tokens=usage.cache_read_tokens + (kind == "read"),
        cache_write_tokens=usage.cache_write_tokens + (kind in {"write", "write_1h"}),
        cache_write_1h_tokens=usage.cache_write_1h_tokens + (kind == "write_1h"),
        reasoning_tokens=usage.reasoning_tokens,
    )
    assert attempt_cost(more, rates) >= attempt_cost(usage, rates)


@given(usages(), price_lists(), st.sampled_from(PRICES))
def test_a_higher_price_never_costs_less(usage: TokenUsage, rates: Rates, name: str) -> None:
    prices = {one: getattr(rates, one) for one in PRICES}
    dearer = {**prices, name: prices[name] + Decimal("0.01")}
    cheap = Rates(**prices, source="made up")
    assert attempt_cost(usage, Rates(**dearer, source="made up")) >= attempt_cost(usage, cheap)


@given(usages(), price_lists())
def test_batch_is_its_share_of_the_list_price(usage: TokenUsage, rates: Rates) -> None:
    assert attempt_cost(usage, rates, batch=True) == attempt_cost(usage, rates) / 2


@given(usages(), price_lists())
def test_no_attempt_costs_more_than_was_reserved(usage: TokenUsage, rates: Rates) -> None:
    bound = upper_bound(
        input_bytes=usage.input_tokens,
        max_output_tokens=usage.output_tokens,
        rates=rates,
        max_input_tokens=None,
        overhead_tokens=0,
    )
    assert attempt_cost(usage, rates) <= bound


@given(usages(), price_lists())
def test_a_window_bounds_what_bytes_do_not(usage: TokenUsage, rates: Rates) -> None:
    bound = upper_bound(
        input_bytes=10**9,
        max_output_tokens=usage.output_tokens,
        rates=rates,
        max_input_tokens=usage.input_tokens,
    )
    assert attempt_cost(usage, rates) <= bound


def flat(**over: Decimal) -> Rates:
    return Rates(**{**dict.fromkeys(PRICES, Decimal(1)), **over}, source="the order form")


def test_the_window_and_not_the_bytes_is_reserved_when_it_is_smaller() -> None:
    bound = upper_bound(
        input_bytes=10**9, max_output_tokens=0, rates=flat(), max_input_tokens=1_000_000
    )
    assert bound == 1


def test_the_template_is_reserved_too() -> None:
    bound = upper_bound(input_bytes=488, max_output_tokens=0, rates=flat(), max_input_tokens=None)
    assert bound == Decimal("0.001")


def test_a_dearer_band_within_reach_is_reserved_even_when_the_longest_is_cheap() -> None:
    prices = dict.fromkeys(PRICES, Decimal(1))
    tiers = (
        Band(from_input_tokens=100, **{**prices, "output": Decimal(9)}),
        Band(from_input_tokens=200, **prices),
    )
    rates = Rates(**prices, tiers=tiers, source="made up")
    bound = upper_bound(
        input_bytes=300, max_output_tokens=1_000_000, rates=rates, max_input_tokens=None
    )
    assert bound >= Decimal(9)


def test_a_request_costs_its_fee_and_half_of_it_in_batch() -> None:
    usage = TokenUsage(input_tokens=0, output_tokens=0)
    rates = Rates(
        **dict.fromkeys(PRICES, Decimal(1)),
        per_request=Decimal("0.002"),
        batch_share=Decimal("0.5"),
        source="made up",
    )
    assert attempt_cost(usage, rates) == Decimal("0.002")
    assert attempt_cost(usage, rates, batch=True) == Decimal("0.001")


def test_batch_without_a_price_is_refused() -> None:
    with pytest.raises(PriceMissingError, match="no batch price in the order form"):
        attempt_cost(TokenUsage(input_tokens=1, output_tokens=1), flat(), batch=True)


def test_a_vendor_s_minimum_is_charged_where_the_tokens_cost_less() -> None:
    """100 tokens at 5 USD a million are 0.0005 USD; a batch pays half of the minimum too."""
    least = Decimal("0.002")
    rates = some_rates(OPUS, minimum_per_request=least, batch_share=Decimal("0.5"))
    assert attempt_cost(used(100, 0), rates) == least
    assert attempt_cost(used(100, 0), rates, batch=True) == least / 2
    assert attempt_cost(used(400, 0), rates) == least
    assert attempt_cost(used(401, 0), rates) == Decimal("0.002005")
    bound = upper_bound(
        input_bytes=1, max_output_tokens=1, rates=rates, max_input_tokens=1, overhead_tokens=0
    )
    assert bound == least


@given(usages(), price_lists())
def test_a_call_is_live_unless_it_says_otherwise(usage: TokenUsage, rates: Rates) -> None:
    counts = counts_of(usage)
    assert call_cost(counts, rates) == call_cost(counts, rates, batch=False)
    assert attempt_cost(usage, rates) == call_cost(counts, rates)


@pytest.mark.parametrize(
    ("input_bytes", "usd"),
    [pytest.param(488, "0.001", id="short"), pytest.param(489, "0.002002", id="one byte longer")],
)
def test_the_bound_of_a_short_request_is_at_the_short_price(input_bytes: int, usd: str) -> None:
    """512 tokens may come on top: 1,000 at 1 a million, and 1,001 at 2."""
    long = some_rates({"input": "2", "output": "2"})
    tier = Band(
        from_input_tokens=1001,
        input=long.input,
        output=long.output,
        cache_read=long.cache_read,
        cache_write=long.cache_write,
        cache_write_1h=long.cache_write_1h,
    )
    rates = some_rates({"input": "1", "output": "1"}, tiers=(tier,))
    found = upper_bound(
        input_bytes=input_bytes, max_output_tokens=0, rates=rates, max_input_tokens=None
    )
    assert found == Decimal(usd)
