"""What is read out of the price package: real rows, each for a trap of its own."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from harness.money.prices.model_catalogue import known_model_ids
from harness.money.prices.pricebook import (
    CatalogueGapError,
    catalogue_rates,
    find_model,
    model_ids,
    near_names,
)
from harness.money.prices.rate_tables import Rates, band_of, from_rate_facts, to_rate_facts
from tests.support.money import OPUS, some_rates

ON = date(2026, 11, 20)


def prices(rates: Rates, tokens: int = 1) -> tuple[str, str]:
    """Of a request of so many tokens, in and out."""
    band = band_of(rates.bands, tokens)
    return str(band.input), str(band.output)


def test_where_a_price_changes_by_the_hour_the_dearest_of_the_day_counts() -> None:
    rates = catalogue_rates("deepseek", "deepseek-v4-flash", ON)
    assert (prices(rates), rates.valid_from) == (("0.3", "1.2"), date(2026, 9, 10))


@pytest.mark.parametrize(
    ("on", "expected", "valid_from"),
    [
        pytest.param("2025-06-09", ("10", "40"), None, id="the day before it changed"),
        pytest.param("2025-06-10", ("2", "8"), date(2025, 6, 10), id="the day on which it changed"),
    ],
)
def test_the_newest_price_that_has_begun_counts(
    on: str, expected: tuple[str, str], valid_from: date | None
) -> None:
    rates = catalogue_rates("openai", "o3", date.fromisoformat(on))
    assert (prices(rates), rates.valid_from) == (expected, valid_from)


def test_a_long_request_pays_the_long_price_from_its_first_token_beyond() -> None:
    rates = catalogue_rates("openai", "gpt-5.6-luna", ON)
    assert [band.from_input_tokens for band in rates.bands] == [0, 272_001]
    assert prices(rates, 272_000) == ("0.2", "1.2")
    assert prices(rates, 272_001) == ("0.4", "1.8")
    assert [band.from_input_tokens for band in rates.batches] == [0, 272_001]
    assert rates.batch_share == Decimal("0.5")
    assert [(str(band.input), str(band.output)) for band in rates.batches] == [
        ("0.1", "0.6"),
        ("0.2", "0.9"),
    ]


def test_a_fee_for_each_request_is_stated_by_the_thousand() -> None:
    rates = catalogue_rates("perplexity", "sonar", ON)
    assert rates.per_request == Decimal("0.012")
    assert catalogue_rates("openai", "gpt-5-mini", ON).per_request == 0


def test_an_embedding_has_no_answer_to_pay_for() -> None:
    rates = catalogue_rates("google", "gemini-embedding-2", ON)
    assert prices(rates) == ("0.2", "0")
    assert prices(replaced_by_batch(rates)) == ("0.1", "0")


def test_a_variant_that_states_no_price_of_its_own_has_the_standard_one() -> None:
    rates = catalogue_rates("openai", "gpt-3.5-turbo-1106", ON)
    assert rates.batches == rates.bands


def test_a_model_without_a_price_of_its_answers_has_a_gap_and_not_a_zero() -> None:
    with pytest.raises(CatalogueGapError, match="no price per token"):
        catalogue_rates("cloudflare", "@cf/cloudflare/clef-flash", ON)


def replaced_by_batch(rates: Rates) -> Rates:
    (band,) = rates.batches
    return some_rates({"input": str(band.input), "output": str(band.output)})


def test_prices_are_as_old_as_the_newest_day_that_the_package_knows() -> None:
    """Whatever vendor changed a price last, the package was made after that."""
    assert catalogue_rates("openai", "o3", date(2025, 6, 10)).as_of == date(2025, 6, 10)
    before = catalogue_rates("openai", "o3", date(2025, 6, 9)).as_of
    assert before is not None
    assert before < date(2025, 6, 9)
    now = catalogue_rates("openai", "o3", ON).as_of
    assert now is not None
    assert ON - timedelta(days=60) < now <= ON
    assert catalogue_rates("openai", "gpt-4o", date(2020, 1, 1)).as_of is None


def test_a_vendors_names_are_its_own() -> None:
    assert "gpt-4o" in model_ids(frozenset({"openai"}))
    assert "gpt-4o" not in model_ids(frozenset({"anthropic"}))
    assert model_ids(frozenset({"anthropic"})) < model_ids()
    assert near_names("gpt-4o-minni", "anthropic") == ()
    assert len(near_names("gpt-5")) == 3


def test_what_a_scan_looks_for_is_in_the_package_or_in_our_own_file() -> None:
    assert "gemini-3" not in model_ids()
    assert {"gemini-3", "gpt-4o"} <= known_model_ids()


def test_a_models_name_is_found_as_it_is_written_in_a_request() -> None:
    found = find_model("anthropic", "claude-haiku-4-5-20251001")
    assert found is not None
    assert (found.id, found.window_tokens) == ("claude-haiku-4-5", 200_000)


def test_rates_come_back_from_a_record_as_they_went_in() -> None:
    """Tiers and batch bands of a list, and a share that is stated."""
    listed = catalogue_rates("openai", "gpt-5.6-luna", ON)
    stated = some_rates(OPUS, batch_share=Decimal("0.5"))
    for rates in (listed, stated):
        assert from_rate_facts(to_rate_facts(rates)) == rates
