from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from harness.money.prices.model_catalogue import facts, known_model_ids
from harness.money.prices.pricebook import (
    CatalogueGapError,
    catalogue_rates,
    catalogue_version,
    find_model,
    near_names,
)
from harness.money.prices.rate_tables import Band, Rates, band_of
from harness.money.prices.rates import PriceMissingError, find_rates, price_age, vendor_of
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig

ON = date(2026, 11, 20)


def a_model(**over: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "anthropic", **over})


def a_policy(**over: Any) -> PolicyConfig:
    return PolicyConfig.model_validate({"max_spend_usd": "1", "risk": {}, **over})


def a_price(**over: Any) -> dict[str, Any]:
    return {"from": "2026-07-01", "input": "0.95", "output": "4.75", "source": "order form", **over}


def some_rates(**over: Any) -> Rates:
    prices = dict.fromkeys(("input", "output", "cache_read", "cache_write", "cache_write_1h"), 1)
    given = {name: Decimal(price) for name, price in prices.items()} | {"source": "made up"} | over
    return Rates(**given)


def test_a_price_of_the_workspace_wins_and_is_net() -> None:
    config = a_model(price=[a_price(cache_read="0.095", cache_write="1.19")])
    rates = find_rates("claude-haiku-4-5", config, a_policy(discounts={"anthropic": 0.1}), on=ON)
    assert (rates.input, rates.output, rates.cache_read) == tuple(
        map(Decimal, ("0.95", "4.75", "0.095"))
    )
    assert rates.cache_write_1h == Decimal("1.19")
    assert (rates.discount, rates.source, rates.valid_from) == (0, "order form", date(2026, 7, 1))


def test_a_catalogue_price_carries_the_discount_and_the_version() -> None:
    rates = find_rates(
        "claude-haiku-4-5@low", a_model(), a_policy(discounts={"anthropic": 0.1}), on=ON
    )
    assert (rates.input, rates.discount) == (Decimal(1), Decimal("0.1"))
    assert rates.source == catalogue_version()


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param("2026-07-01", "0.95", id="the day it begins"),
        pytest.param("2026-09-30", "0.95", id="the day before the next"),
        pytest.param("2026-10-01", "0.80", id="the newest that has begun"),
    ],
)
def test_the_newest_price_that_has_begun_counts(on: str, expected: str) -> None:
    prices = [a_price(**{"from": "2026-10-01", "input": "0.80"}), a_price()]
    rates = find_rates("m", a_model(price=prices), a_policy(), on=date.fromisoformat(on))
    assert rates.input == Decimal(expected)


def test_before_any_stated_price_the_catalogue_counts() -> None:
    rates = find_rates(
        "claude-haiku-4-5", a_model(price=[a_price()]), a_policy(), on=date(2026, 6, 30)
    )
    assert rates.input == Decimal(1)


def test_a_server_that_no_catalogue_knows_needs_a_stated_price() -> None:
    config = a_model(provider="openai-compatible", base_url="http://127.0.0.1:8000/v1")
    with pytest.raises(PriceMissingError, match=r"gpt-4o: no `price:` that began by 2026-11-20"):
        find_rates("gpt-4o", config, a_policy(), on=ON)


def test_an_unpriced_model_names_its_neighbours() -> None:
    with pytest.raises(PriceMissingError, match="did you mean claude-haiku-4-5") as caught:
        find_rates("claude-hiku-4-5", a_model(), a_policy(), on=ON)
    assert caught.value.near[0] == "claude-haiku-4-5"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("vendor", "model", "tier"),
    [
        pytest.param("openai", "gpt-5.4", "turbo", id="unknown service tier"),
        pytest.param("anthropic", "claude-haiku-4-5", "flex", id="another vendor's tier"),
        pytest.param("azure", "gpt-5-mini", "flex", id="a reseller has not the seller's tiers"),
        pytest.param("google", "gemma-3", None, id="a model without prices"),
        pytest.param("openai", "whisper-1", None, id="a model priced by the hour"),
        pytest.param("perplexity", "sonar-deep-research", None, id="reasoning priced apart"),
        pytest.param("nobody", "gpt-4o", None, id="unknown vendor"),
    ],
)
def test_a_gap_of_the_catalogue_is_never_another_price(
    vendor: str, model: str, tier: str | None
) -> None:
    with pytest.raises(CatalogueGapError):
        catalogue_rates(vendor, model, ON, tier)


def test_a_reseller_has_no_batch_of_the_seller() -> None:
    assert catalogue_rates("openai", "gpt-5-mini", ON).batches
    assert not catalogue_rates("azure", "gpt-5-mini", ON).batches


def test_a_batch_price_that_was_not_verified_yet_is_none() -> None:
    assert not catalogue_rates("openai", "gpt-5-mini", date(2026, 10, 13)).batches


def test_a_service_tier_may_be_priced_in_the_workspace() -> None:
    config = a_model(price=[a_price(), a_price(service_tier="flex", input="0.5")])
    flex = find_rates("m", config, a_policy(), on=ON, service_tier="flex")
    assert (flex.input, flex.service_tier) == (Decimal("0.5"), "flex")


def test_a_minimum_may_be_stated() -> None:
    config = a_model(price=[a_price(minimum_per_request="0.002")])
    assert find_rates("m", config, a_policy(), on=ON).minimum_per_request == Decimal("0.002")
    assert find_rates("m", config, a_policy(), on=ON).input == Decimal("0.95")


def test_long_context_prices_of_the_workspace() -> None:
    tiers = [{"from_input_tokens": 1001, "input": "2", "output": "9", "cache_write": "3"}]
    rates = find_rates("m", a_model(price=[a_price(tiers=tiers)]), a_policy(), on=ON)
    (tier,) = rates.tiers
    assert (tier.input, tier.cache_read, tier.cache_write_1h) == (2, 2, 3)
    assert band_of(rates.bands, 1000).input == Decimal("0.95")
    assert band_of(rates.bands, 1001).input == Decimal(2)


@pytest.mark.parametrize(
    ("days", "freshness"),
    [
        pytest.param(45, "fresh", id="on its last fresh day"),
        pytest.param(46, "warn", id="a day older"),
        pytest.param(90, "warn", id="twice as old"),
        pytest.param(91, "fail", id="older than twice"),
    ],
)
def test_an_old_price_warns_then_fails(days: int, freshness: str) -> None:
    checked = date.fromordinal(ON.toordinal() - days)
    age = price_age(some_rates(as_of=checked), a_policy(), on=ON)
    assert (age.days, age.freshness) == (days, freshness)


def test_a_price_is_as_old_as_its_last_check() -> None:
    config = a_model(price=[a_price(checked="2026-11-01")])
    assert price_age(find_rates("m", config, a_policy(), on=ON), a_policy(), on=ON).days == 19


def test_a_price_of_unknown_age_warns() -> None:
    age = price_age(some_rates(as_of=None), a_policy(), on=ON)
    assert (age.days, age.freshness) == (None, "warn")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        pytest.param({"input": 0.5}, TypeError, id="a float"),
        pytest.param({"output": 1}, TypeError, id="an int"),
        pytest.param({"batch_share": 0.5}, TypeError, id="a float share"),
        pytest.param({"input": Decimal(-1)}, ValueError, id="negative"),
        pytest.param({"input": Decimal("NaN")}, ValueError, id="not a number"),
        pytest.param({"discount": Decimal("1.1")}, ValueError, id="more than everything off"),
    ],
)
def test_rates_refuse_what_is_not_money(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        some_rates(**wrong)


def a_band(start: int, **over: Any) -> Band:
    prices = dict.fromkeys(("input", "output", "cache_read", "cache_write", "cache_write_1h"), 1)
    given: dict[str, Any] = {name: Decimal(price) for name, price in prices.items()}
    return Band(from_input_tokens=start, **(given | over))


@pytest.mark.parametrize("starts", [(200, 100), (100, 100), (0,), (0, 100)])
def test_tiers_must_rise(starts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rising order"):
        some_rates(tiers=tuple(map(a_band, starts)))


def test_a_tier_may_begin_with_the_first_token() -> None:
    assert [band.from_input_tokens for band in some_rates(tiers=(a_band(1),)).bands] == [0, 1]


@pytest.mark.parametrize("wrong", [{"output": 1.5}, {"cache_write_1h": Decimal(-1)}])
def test_a_band_refuses_what_is_not_money(wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        a_band(100, **wrong)


def test_everything_may_be_off_and_nothing_is_where_nobody_granted_it() -> None:
    assert some_rates(discount=Decimal(1)).discount == 1
    policy = a_policy(discounts={"openai": 0.1})
    assert find_rates("claude-haiku-4-5", a_model(), policy, on=ON).discount == 0


@pytest.mark.parametrize(
    ("config", "vendor"),
    [
        ({"provider": "openai", "platform": "azure"}, "azure"),
        ({"platform": "bedrock"}, "aws"),
        ({"platform": "vertex"}, "google"),
        ({}, "anthropic"),
    ],
)
def test_a_platform_sells_at_its_own_prices(config: dict[str, Any], vendor: str) -> None:
    assert vendor_of(a_model(**config)) == vendor


def test_facts_come_from_the_workspace_then_the_catalogues() -> None:
    known = facts("claude-haiku-4-5", a_model())
    assert (known.window_tokens, known.cache_min_tokens) == (200_000, 4096)
    stated = facts("x", a_model(version="claude-haiku-4-5", window_tokens=9, cache_min_tokens=0))
    assert (stated.window_tokens, stated.cache_min_tokens) == (9, 0)
    assert stated.capabilities == {"schema", "tools", "images"}


def test_a_retirement_that_the_workspace_states_counts() -> None:
    stated = facts("claude-haiku-4-5", a_model(retires_on="2027-01-31"))
    assert stated.retires_on == date(2027, 1, 31)
    assert facts("claude-haiku-4-5", a_model()).retires_on is None


def test_nothing_is_known_of_a_model_of_one_s_own() -> None:
    own = facts("llama", a_model(provider="openai-compatible", base_url="http://127.0.0.1:1/v1"))
    assert (own.window_tokens, own.max_output_tokens, own.capabilities) == (None, None, None)
    assert own.source == "workspace"


def test_the_longest_row_counts() -> None:
    assert facts("claude-opus-4-5-20251101", a_model()).cache_min_tokens == 4096
    assert facts("claude-opus-5", a_model()).cache_min_tokens == 512


def test_known_ids_and_near_names() -> None:
    assert {"gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash"} <= known_model_ids()
    assert near_names("gpt-4o-minni")[0] == "gpt-4o-mini"
    assert near_names("zzzzzzzz") == ()
    assert find_model("nobody", "gpt-4o") is None
