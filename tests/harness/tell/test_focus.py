from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.prices.rate_tables import Band
from harness.tell.focus import COLUMNS, Charge, month_of, write_focus
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic
from tests.support.priced_records import CASCADE, CHOSEN, TODAY, a_cascade_record, a_priced_record
from tests.support.record_parts import a_feature
from tests.support.records import a_record

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

NOVEMBER = date(2026, 11, 20)
CASES = [pair((5200, 399), (5200, 380)), pair((5300, 300), (5200, 380))]


def rows_of(*records: DecisionRecord, option: str | None = None) -> list[dict[str, str]]:
    text = write_focus(records, month=NOVEMBER, option=option)
    return list(csv.DictReader(StringIO(text)))


def total(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def test_a_month_by_hand() -> None:
    """96,000 x 1.016 calls of 5,200 and 380 tokens, over the 30 days of November."""
    rows = rows_of(a_priced_record(some_traffic(), CASES))
    by_kind: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_kind[row["x_TokenType"]].append(row)
    assert set(by_kind) == {"input", "output"}
    assert {kind: len(found) for kind, found in by_kind.items()} == {"input": 30, "output": 30}
    assert total(by_kind["input"], "ConsumedQuantity") == 97_536 * 5200
    assert total(by_kind["output"], "ConsumedQuantity") == 97_536 * 380
    assert total(rows, "ListCost") == Decimal("3462.528")
    assert total(rows, "ContractedCost") == Decimal("3462.528") * Decimal("0.9")


def test_a_minimum_is_a_row_of_its_own_and_the_tier_is_named() -> None:
    """5,200 and 380 tokens cost 0.0355 USD: a minimum of 0.04 adds 0.0045 to each call."""
    dear = some_rates(OPUS, minimum_per_request=Decimal("0.04"), service_tier="priority")
    record = a_priced_record(some_traffic(), CASES, {TODAY: dear})
    rows = rows_of(record)
    added = [row for row in rows if row["x_TokenType"] == "minimum"]
    assert {row["x_ServiceTier"] for row in rows} == {"priority"}
    assert total(added, "ConsumedQuantity") == 97_536
    assert {row["ListUnitPrice"] for row in added} == {"0.0045"}
    assert total(rows, "ListCost") == record.current_cost.monthly == Decimal("3901.44")


def test_every_cost_is_exactly_price_times_quantity() -> None:
    rates = {TODAY: some_rates(OPUS, per_request=Decimal("0.00013"), discount=Decimal("0.07"))}
    rows = rows_of(a_priced_record(some_traffic(cached_share=0.3), CASES, rates))
    assert {row["x_TokenType"] for row in rows} == {"input", "output", "cache_read", "request"}
    for row in rows:
        quantity = Decimal(row["PricingQuantity"])
        assert Decimal(row["ListCost"]) == Decimal(row["ListUnitPrice"]) * quantity
        assert Decimal(row["ContractedCost"]) == Decimal(row["ContractedUnitPrice"]) * quantity
        assert row["BilledCost"] == row["EffectiveCost"] == row["ContractedCost"]
        per = Decimal(row["PricingUnit"].split()[0]) if " " in row["PricingUnit"] else 1
        assert Decimal(row["ConsumedQuantity"]) == quantity * per


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10**7), st.integers(0, 50), st.integers(0, 30))
def test_the_rows_add_up_to_the_recorded_month(requests: int, cached: int, retries: int) -> None:
    traffic = some_traffic(
        requests_per_month=requests, cached_share=cached / 100, retry_rate=retries / 100
    )
    record = a_priced_record(traffic, CASES, sure=False)
    monthly = record.current_cost.monthly
    assert monthly is not None
    half_a_token_of_each_kind = Decimal(4) * 25 / 2_000_000
    assert abs(total(rows_of(record), "ListCost") - monthly) <= half_a_token_of_each_kind


def test_days_cover_the_month_without_gap_or_overlap() -> None:
    rows = [
        row
        for row in rows_of(a_priced_record(some_traffic(), CASES))
        if row["x_TokenType"] == "input"
    ]
    starts = [row["ChargePeriodStart"] for row in rows]
    ends = [row["ChargePeriodEnd"] for row in rows]
    assert starts[0] == rows[0]["BillingPeriodStart"] == "2026-11-01T00:00:00Z"
    assert ends[-1] == rows[0]["BillingPeriodEnd"] == "2026-12-01T00:00:00Z"
    assert starts[1:] == ends[:-1]


def test_a_cascade_is_the_rows_of_its_two_models() -> None:
    record = a_cascade_record(some_traffic(), CASES, [True, False])
    rows = rows_of(record, option=CASCADE)
    facts = record.options[0].cascade
    assert facts is not None
    assert facts.first_per_request is not None
    assert facts.escalation_per_request is not None
    for model, per_request in (
        (CHOSEN, facts.first_per_request),
        (TODAY, facts.escalation_per_request),
    ):
        own = [row for row in rows if row["x_ModelId"] == model]
        month = per_request * some_traffic().requests_per_month
        assert total(own, "ListCost") == pytest.approx(month, abs=Decimal("0.0001"))
        assert {row["ResourceId"] for row in own} == {f"{record.feature.id}/{CASCADE}"}
    monthly = record.options[0].cost.monthly
    assert monthly is not None
    assert total(rows, "ListCost") == pytest.approx(monthly, abs=Decimal("0.0001"))


def test_an_option_in_place_of_today_s_model() -> None:
    record = a_priced_record(some_traffic(), CASES)
    rows = rows_of(record, option=CHOSEN)
    assert {row["x_ModelId"] for row in rows} == {record.options[0].target.model_id}
    monthly = record.options[0].cost.monthly
    assert monthly is not None
    assert total(rows, "ListCost") == pytest.approx(monthly, abs=Decimal("0.00001"))
    assert rows_of(record, option="none such") == rows_of(record)


def test_a_long_request_has_a_price_of_its_own() -> None:
    tier = Band(
        from_input_tokens=200_001,
        input=Decimal(10),
        output=Decimal(40),
        cache_read=Decimal(1),
        cache_write=Decimal(12),
        cache_write_1h=Decimal(12),
    )
    rates = {TODAY: some_rates(OPUS, tiers=(tier,)), CHOSEN: some_rates(HAIKU)}
    cases = [pair((1000, 10), (1000, 10)), pair((300_000, 10), (300_000, 10))]
    traffic = some_traffic(input_tokens=150_500, output_tokens=10)
    rows = rows_of(a_priced_record(traffic, cases, rates))
    assert {row["x_FromInputTokens"] for row in rows} == {"0", "200001"}
    assert len({row["SkuPriceId"] for row in rows}) == 4


def test_marked_as_an_estimate_with_who_pays() -> None:
    row = rows_of(a_priced_record(some_traffic(), CASES))[0]
    assert list(row) == list(COLUMNS)
    assert (row["x_Estimate"], row["BillingCurrency"]) == ("true", "USD")
    assert row["x_FeatureId"] == a_feature().id
    assert row["x_Team"] == a_feature().team


def test_text_that_a_spreadsheet_would_run_is_quoted() -> None:
    record = a_priced_record(some_traffic(), CASES)
    hostile = a_feature(name="=1+1", team="+cmd", product="@x", cost_center="-2", owner="\tx")
    rows = rows_of(record.model_copy(update={"feature": hostile}))
    assert rows[0]["ResourceName"] == "'=1+1"
    assert rows[0]["x_Team"] == "'+cmd"
    assert rows[0]["x_Product"] == "'@x"
    assert rows[0]["x_CostCenter"] == "'-2"


def test_unknown_is_no_row_and_never_zero() -> None:
    assert rows_of(a_record()) == []
    assert rows_of(a_record(traffic=None)) == []


def test_features_are_in_order() -> None:
    record = a_priced_record(some_traffic(), CASES)
    other = record.model_copy(update={"feature": a_feature(id="aa")})
    names = [row["x_FeatureId"] for row in rows_of(record, other)]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("day", "days"),
    [("2026-02-28", 28), ("2028-02-01", 29), ("2026-12-31", 31), ("2026-11-30", 30)],
)
def test_months_have_their_days(day: str, days: int) -> None:
    assert month_of(date.fromisoformat(day)) == days


@given(st.integers(0, 10**9), st.integers(28, 31))
def test_days_add_up_to_the_month(quantity: int, days: int) -> None:
    charge = Charge(
        token_type="input",
        from_input_tokens=0,
        quantity=quantity,
        price=Decimal(1),
        unit="Tokens",
        per=1,
    )
    each = [charge.on_day(day, days) for day in range(days)]
    assert sum(each) == quantity
    assert max(each) - min(each) <= 1


SAMPLE = (
    "BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd "
    "BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency "
    "ChargePeriodEnd ChargePeriodStart ConsumedQuantity ConsumedUnit ContractedCost "
    "ContractedUnitPrice EffectiveCost HostProviderName InvoiceIssuerName ListCost ListUnitPrice "
    "PricingCategory PricingQuantity PricingUnit ServiceCategory ServiceName ServiceProviderName "
    "ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId"
)
"""Columns of the specification's example, ai_prompt_caching_a.csv of FOCUS_Spec."""


def test_columns_units_and_meters_are_those_of_the_specifications_example() -> None:
    rows = rows_of(a_priced_record(some_traffic(cached_share=0.3), CASES))
    assert set(SAMPLE.split()) <= set(COLUMNS)
    assert all(name.startswith("x_") for name in set(COLUMNS) - set(SAMPLE.split()) - FURTHER)
    found = {row["SkuMeter"]: json.loads(row["SkuPriceDetails"]) for row in rows}
    assert set(found) == {"Input Tokens", "Cache Read Input Tokens", "Output Tokens"}
    kinds = {
        meter: (each["TokenDirection"], each.get("TokenCacheAction"), each["TokenType"])
        for meter, each in found.items()
    }
    assert kinds == {
        "Input Tokens": ("Input", "Uncached", "Input"),
        "Cache Read Input Tokens": ("Input", "Read", "CacheRead"),
        "Output Tokens": ("Output", None, "Output"),
    }
    first = rows[0]
    assert (first["ConsumedUnit"], first["PricingUnit"]) == ("Tokens", "1000000 Tokens")
    assert (first["ServiceCategory"], first["ServiceSubcategory"]) == (
        "AI and Machine Learning",
        "Generative AI",
    )
    assert json.loads(first["Tags"])["feature"] == first["x_FeatureId"]
    assert json.loads(first["SkuPriceDetails"])["ModelId"] == first["x_ModelId"]


FURTHER = {"RegionId", "ResourceId", "ResourceName", "Tags"}
"""The specification's, too, and not in that example."""
