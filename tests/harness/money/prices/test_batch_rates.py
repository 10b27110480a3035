from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from harness.money.prices.attempts import attempt_cost, upper_bound
from harness.money.prices.rate_tables import Band, Rates
from harness.money.prices.rates import PriceMissingError, batch_rates, find_rates
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig
from providers.completion import TokenUsage

ON = date(2026, 11, 20)
POLICY = PolicyConfig.model_validate({"max_spend_usd": "1", "risk": {}})
USAGE = TokenUsage(
    input_tokens=1000, output_tokens=200, cache_read_tokens=300, cache_write_tokens=100
)


def rates(**over: Any) -> Rates:
    given = {
        "input": Decimal(3),
        "output": Decimal(15),
        "cache_read": Decimal("0.3"),
        "cache_write": Decimal("3.75"),
        "cache_write_1h": Decimal(6),
        "per_request": Decimal("0.01"),
        "source": "quote",
        "batch_share": Decimal("0.5"),
        "tiers": (
            Band(
                from_input_tokens=900,
                input=Decimal(6),
                output=Decimal(30),
                cache_read=Decimal("0.6"),
                cache_write=Decimal("7.5"),
                cache_write_1h=Decimal(12),
            ),
        ),
    }
    return Rates(**(given | over))


def test_batch_rates_price_a_call_as_the_batch_does() -> None:
    found = batch_rates(rates())
    assert attempt_cost(USAGE, found) == attempt_cost(USAGE, rates(), batch=True)
    assert attempt_cost(USAGE, found) == attempt_cost(USAGE, rates()) / 2
    assert found.batches == ()


def test_a_bound_in_a_batch_is_half_of_the_one_live() -> None:
    asked = {"input_bytes": 400, "max_output_tokens": 100, "max_input_tokens": None}
    live = upper_bound(**asked, rates=rates())
    assert upper_bound(**asked, rates=batch_rates(rates())) == live / 2


def test_a_fee_for_each_request_is_whole_where_no_share_of_it_is_stated() -> None:
    band = Band(
        input=Decimal(2),
        output=Decimal(8),
        cache_read=Decimal(1),
        cache_write=Decimal(2),
        cache_write_1h=Decimal(2),
    )
    listed = rates(batch_share=None, batch_bands=(band,))
    found = batch_rates(listed)
    assert (found.input, found.output, found.tiers) == (2, 8, ())
    assert found.per_request == listed.per_request


def test_without_a_batch_price() -> None:
    with pytest.raises(PriceMissingError, match="no batch price in quote"):
        batch_rates(rates(batch_share=None))


def model(**over: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "anthropic", **over})


def test_a_model_asked_in_batches_needs_a_batch_price() -> None:
    price = {"from": "2026-07-01", "input": 1, "output": 5, "source": "order form"}
    own = model(batch=True, price=[price])
    with pytest.raises(PriceMissingError, match="m: `batch: true`, and no batch price in order"):
        find_rates("m", own, POLICY, on=ON)
    priced = model(batch=True, price=[{**price, "batch": 0.5}])
    assert find_rates("m", priced, POLICY, on=ON).batches[0].output == Decimal("2.5")
    listed = find_rates("claude-haiku-4-5", model(batch=True), POLICY, on=ON)
    assert listed.batches[0].input == listed.input / 2


def test_a_service_tier_has_no_batch_price() -> None:
    with pytest.raises(PriceMissingError, match="no batch price at service tier flex"):
        find_rates(
            "gpt-5", model(provider="openai", batch=True), POLICY, on=ON, service_tier="flex"
        )
