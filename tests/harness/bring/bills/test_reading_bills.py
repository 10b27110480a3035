"""Charges of every form of bill, each once; what cannot be read is named by line and key."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.bring.bills.reading_bills import read_charges
from harness.bring.logs.attributing import Attribution, AttributionRule, AttributionWhen
from harness.errors import UsageError, WorkspaceError
from harness.money.prices.rate_tables import Rates
from harness.money.reconciling import reconcile
from tests.support.bills import (
    a_month,
    anthropic_cost,
    anthropic_page,
    as_csv,
    bucket,
    focus,
    openai_cost,
    openai_page,
    openai_usage,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.money.bill import Invoice

DAY = date(2026, 12, 1)
RULES = Attribution(
    (
        AttributionRule(when=AttributionWhen(tag="app:tickets"), feature="routing"),
        AttributionRule(when=AttributionWhen(key_alias="proj_*"), feature="triage"),
        AttributionRule(when=AttributionWhen(tag="workspace_id:wrk*"), feature="summary"),
    )
)
PRICE = Rates(
    input=Decimal(2),
    output=Decimal(8),
    cache_read=Decimal("0.2"),
    cache_write=Decimal("2.5"),
    cache_write_1h=Decimal(4),
    source="list",
    batch_share=Decimal("0.5"),
)


def read(*paths: Path) -> Invoice:
    return read_charges(paths, RULES)


def as_json(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def priced(bill: Invoice) -> dict[tuple[str, str, str], tuple[str, str | None, str]]:
    """Billed, estimated and why, by feature, model and kind of token."""
    found = reconcile(
        bill.used(),
        lambda model, _day: PRICE if model.startswith(("gpt-5", "claude")) else None,
        lambda _feature, _model: None,
    )
    return {
        (row.feature, row.model, row.token): (
            f"{row.billed_usd:.4f}",
            None if row.estimate_usd is None else f"{row.estimate_usd:.4f}",
            row.why,
        )
        for row in found.rows
    }


def test_focus_is_one_bill_as_csv_parquet_packed_and_json(tmp_path: Path) -> None:
    rows = a_month("gpt-5", 1_000_000, Decimal(2))
    plain = as_csv(tmp_path / "a.csv", rows)
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    columns = {name: [str(row[name]) for row in rows] for name in rows[0]}
    columns.pop("Tags")
    tags = [list(json.loads(str(row["Tags"]) or "{}").items()) for row in rows]
    typed = pa.table(columns).append_column(
        "Tags", pa.array(tags, pa.map_(pa.string(), pa.string()))
    )
    pq.write_table(typed, tmp_path / "c.parquet")
    lines = as_json(tmp_path / "d.jsonl", *({**row, "PricingQuantity": "1"} for row in rows))
    bills = [read(path) for path in (plain, packed, tmp_path / "c.parquet", lines)]
    assert len({bill.lines for bill in bills}) == 1
    bill = bills[0]
    assert bill.whole_months == {"focus": {"2026-12"}}
    assert bill.beside() == {
        "Tax": Decimal("0.17"),
        "Credit": Decimal(-1),
        "other services": Decimal(3),
    }
    assert priced(bill) == {
        ("routing", "gpt-5", "input"): ("62.0000", "62.0000", ""),
        ("routing", "gpt-5", "output"): ("0.2066", "0.8266", "billed at 0.25 times the price"),
    }


def test_the_same_rows_in_two_files_count_once(tmp_path: Path) -> None:
    rows = a_month("gpt-5", 1_000_000, Decimal(2))
    first = as_csv(tmp_path / "a.csv", [*rows, rows[0]])
    second = as_csv(tmp_path / "b.csv", [*rows[:10], focus(DAY, "gpt-5", "Input", 7, "1")])
    bill = read(first, second, first)
    assert len(bill.lines) == len(rows) + 2
    assert [(file.rows, file.told_again) for file in bill.files] == [(len(rows) + 1, 0), (11, 10)]


def test_prepaid_tokens_cost_what_they_used_and_the_purchase_stands_beside(tmp_path: Path) -> None:
    used = focus(DAY, "gpt-5", "CacheRead", 1_000_000, "0", EffectiveCost="0.15")
    bought = focus(DAY, "gpt-5", "x", 0, "500", ChargeCategory="Purchase", EffectiveCost="0")
    bill = read(as_csv(tmp_path / "a.csv", [used, bought]))
    assert bill.beside() == {"Purchase": Decimal(500)}
    assert priced(bill)["routing", "gpt-5", "cache_read"] == (
        *("0.1500", "0.2000"),
        "billed at 0.75 times the price",
    )


def test_a_commitment_of_a_year_makes_no_month_whole(tmp_path: Path) -> None:
    rows = [focus(date(2026, 12, day), "gpt-5", "Input", 1, "1") for day in range(1, 11)]
    year = {"ChargeCategory": "Purchase", "ChargePeriodEnd": "2027-12-01T00:00:00Z"}
    bought = {**focus(DAY, "", "x", 0, "500"), **year}
    assert read(as_csv(tmp_path / "a.csv", [*rows, bought])).whole_months == {"focus": frozenset()}


@pytest.mark.parametrize(
    ("lacking", "whole"),
    [
        pytest.param((), True, id="every day"),
        pytest.param((5, 6, 12, 13), True, id="weekends"),
        pytest.param((5, 6, 7), False, id="three days in a row"),
        pytest.param((1, 2), True, id="two at the start"),
        pytest.param((1, 2, 3), False, id="three at the start"),
        pytest.param((29, 30, 31), False, id="three at the end"),
        pytest.param(tuple(range(2, 31)), False, id="only the first and the last"),
    ],
)
def test_a_month_is_whole_but_for_two_days_in_a_row(
    tmp_path: Path, lacking: tuple[int, ...], *, whole: bool
) -> None:
    days = [date(2026, 12, day) for day in range(1, 32) if day not in lacking]
    page = openai_page(*(bucket(day, openai_cost(1, "gpt-5, input")) for day in days))
    bill = read(as_json(tmp_path / "p.json", page))
    assert ("2026-12" in bill.whole_months["openai-costs"]) == whole


def test_a_month_is_whole_by_its_own_seller_alone(tmp_path: Path) -> None:
    days = [date(2027, 1, day) for day in range(1, 32)]
    costs = openai_page(*(bucket(day, openai_cost(1, "gpt-5, input")) for day in days))
    late = [
        anthropic_page(day, anthropic_cost("100", "output_tokens", "claude-haiku-4-5"))
        for day in days[19:]
    ]
    two = [
        focus(day, "m", "Input", 1, "1", ProviderName=name)
        for name, first in (("A", 0), ("B", 9))
        for day in days[first:]
    ]
    bill = read(as_json(tmp_path / "p.jsonl", costs, *late), as_csv(tmp_path / "a.csv", two))
    assert bill.whole_months == {
        "openai-costs": {"2027-01"},
        "anthropic-costs": frozenset(),
        "focus of A": {"2027-01"},
        "focus of B": frozenset(),
    }


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"ConsumedUnit": "1K tokens", "ConsumedQuantity": 2}, 2000),
        ({"ConsumedUnit": "", "PricingUnit": "1M Tokens", "PricingQuantity": "0.5"}, 500_000),
        ({"ConsumedUnit": "1,000 Tokens", "ConsumedQuantity": "1.5"}, 1500),
        ({"ConsumedUnit": "Token-Hours", "PricingUnit": "Hours"}, None),
    ],
)
def test_units_of_tokens(tmp_path: Path, changes: dict[str, object], tokens: int | None) -> None:
    row = focus(DAY, "gpt-5", "Input", 1, "1", **changes)
    (line,) = read(as_csv(tmp_path / "a.csv", [row])).lines
    assert line.tokens == tokens


@pytest.mark.parametrize(
    "details",
    [
        {"TokenType": "Cache Read"},
        {"TokenDirection": "Input", "TokenCacheAction": "Read"},
        {},
    ],
)
def test_each_name_of_a_kind_of_token(tmp_path: Path, details: dict[str, str]) -> None:
    text = json.dumps({"ModelId": "m", **details})
    row = focus(DAY, "m", "CacheRead", 1, "1", SkuPriceDetails=text)
    (line,) = read(as_csv(tmp_path / "a.csv", [row])).lines
    assert (line.model, line.token) == ("m", "cache_read")


def test_openai_costs_and_usage_are_joined(tmp_path: Path) -> None:
    costs = openai_page(
        bucket(
            DAY,
            openai_cost(1.2, "gpt-5-mini-2025-08-07, input"),
            openai_cost("0.08", "gpt-5-mini-2025-08-07, cached input"),
            openai_cost(0.8, "gpt-5-mini-2025-08-07, output"),
            openai_cost(0.5, "web search tool calls"),
        )
    )
    counts = openai_page(
        bucket(DAY, openai_usage("gpt-5-mini-2025-08-07", 90, (1_000_000, 400_000, 100_000)))
    )
    bill = read(as_json(tmp_path / "c.json", costs), as_json(tmp_path / "u.json", counts))
    name = "gpt-5-mini-2025-08-07"
    assert priced(bill) == {
        ("triage", name, "input"): ("1.2000", "1.2000", ""),
        ("triage", name, "cache_read"): ("0.0800", "0.0800", ""),
        ("triage", name, "output"): ("0.8000", "0.8000", ""),
    }
    assert sum(line.requests or 0 for line in bill.lines) == 90
    assert bill.beside() == {"other services": Decimal("0.5")}
    assert [file.format for file in bill.files] == ["openai-costs", "openai-usage"]


def test_a_day_that_was_asked_about_twice_counts_once_with_the_larger_amount(
    tmp_path: Path,
) -> None:
    """On the day itself, and again when it was over; in either order, in files or in one."""
    early, late, after = (
        bucket(DAY + timedelta(days=day), openai_cost(usd, "gpt-5, input"))
        for day, usd in ((0, 4), (0, "9.0"), (1, 1))
    )
    first = as_json(tmp_path / "a.json", openai_page(early))
    second = as_json(tmp_path / "b.json", openai_page(late, after))
    together = as_json(tmp_path / "c.jsonl", openai_page(late), openai_page(early, after))
    for paths in ((first, second), (second, first), (together,), (first, second, together)):
        assert sum(line.cost_usd or 0 for line in read(*paths).lines) == 10
    assert [(f.told_again, f.told_otherwise) for f in read(first, second).files] == [(0, 0), (0, 1)]


def test_counts_that_grew_count_once(tmp_path: Path) -> None:
    made = ((90, (1_000, 400, 10)), (200, (2_000, 400, 20)))
    pages = [openai_page(bucket(DAY, openai_usage("gpt-5", *each))) for each in made]
    bill = read(as_json(tmp_path / "u.jsonl", *pages))
    assert sum(line.requests or 0 for line in bill.lines) == 200
    assert sum(line.tokens or 0 for line in bill.lines) == 2_020
    tokens = [
        {"uncached_input_tokens": count, "output_tokens": "5", "model": "claude-haiku-4-5"}
        for count in (10, 30)
    ]
    bill = read(as_json(tmp_path / "a.jsonl", *(anthropic_page(DAY, each) for each in tokens)))
    assert sum(line.tokens or 0 for line in bill.lines) == 35


def test_what_is_about_another_group_or_hour_is_added(tmp_path: Path) -> None:
    hour = bucket(DAY, openai_cost(1, "gpt-5, input"))
    start = int(str(hour["start_time"]))
    hours = [
        {**hour, "start_time": start + at * 3600, "end_time": start + (at + 1) * 3600}
        for at in range(3)
    ]
    others = bucket(
        DAY + timedelta(days=1),
        openai_cost(1, "gpt-5, output"),
        openai_cost(1, "gpt-5, input", project="proj_2"),
        openai_cost(1, "gpt-5, input", project="proj_2"),
        {**openai_cost(1, "gpt-5, input"), "project_name": "before"},
    )
    renamed = {**openai_cost(1, "gpt-5, input"), "project_name": "after"}
    renamed = bucket(DAY + timedelta(days=1), renamed)
    bill = read(as_json(tmp_path / "p.jsonl", openai_page(*hours, others), openai_page(renamed)))
    assert sum(line.cost_usd or 0 for line in bill.lines) == 3 + 4


def test_anthropic_costs_are_cents(tmp_path: Path) -> None:
    made = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1_000_000}
    counts = {
        "uncached_input_tokens": 3_000_000,
        "cache_read_input_tokens": 0,
        "cache_creation": made,
        "output_tokens": 1_000_000,
        "model": "claude-haiku-4-5",
        "workspace_id": "wrkspc_1",
        "service_tier": "batch",
    }
    costs = anthropic_page(
        DAY,
        *(
            anthropic_cost(cents, token, "claude-haiku-4-5")
            for cents, token in (
                ("300", "uncached_input_tokens"),
                ("200.00", "cache_creation.ephemeral_1h_input_tokens"),
                ("400", "output_tokens"),
            )
        ),
        anthropic_cost("1000", None, None),
    )
    pages = as_json(tmp_path / "a.jsonl", costs, anthropic_page(DAY, counts))
    bill = read(pages)
    assert set(priced(bill).values()) == {
        ("3.0000", "3.0000", ""),
        ("2.0000", "2.0000", ""),
        ("4.0000", "4.0000", ""),
    }
    assert {line.feature for line in bill.lines} == {"summary"}
    assert bill.beside() == {"other services": Decimal(10)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"BillingCurrency": "EUR"}, "a.csv:2: BillingCurrency: EUR: bills are read in USD"),
        ({"BilledCost": ""}, "a.csv:2: BilledCost: is empty"),
        ({"BilledCost": "NaN"}, "a.csv:2: BilledCost: 'NaN' is no number"),
        ({"BilledCost": "1_000"}, "a.csv:2: BilledCost: '1_000' is no number"),
        ({"EffectiveCost": "1,5"}, "a.csv:2: EffectiveCost: '1,5' is no number"),
        ({"ChargePeriodStart": "soon"}, "a.csv:2: ChargePeriodStart: 'soon' is no time"),
        ({"ChargeCategory": "Gift"}, "a.csv:2: ChargeCategory: 'Gift' is none of Usage"),
        ({"x_Estimate": "true"}, "a.csv:2: x_Estimate: an estimate, and no bill"),
    ],
)
def test_a_row_of_focus_that_is_no_charge(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = as_csv(tmp_path / "a.csv", [{**focus(DAY, "gpt-5", "Input", 1, "1"), **changes}])
    with pytest.raises(WorkspaceError) as caught:
        read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (openai_page(bucket(DAY, openai_cost(1, "x, input")), more=True), "more pages follow"),
        (openai_page(bucket(DAY, openai_cost(1, None))), "group_by=line_item"),
        (openai_page(bucket(DAY, openai_usage("", 1, (1, 0, 1)))), "group_by model"),
        (openai_page(bucket(DAY, openai_usage("m", 1, (1, 2, 1)))), "more than input_tokens"),
        (openai_page(bucket(DAY, {"tokens": 1})), "no usage or cost of OpenAI's"),
        (anthropic_page(DAY, anthropic_cost("1", None, None, cost_type=None)), "=description"),
        (anthropic_page(DAY, anthropic_cost("1", None, None, currency="EUR")), "EUR"),
        ({"data": [{"results": [{"amount": "1", "currency": "USD"}]}]}, "without its times"),
        ([1, 2], "no bill|no charge"),
        ({"name": "x"}, "no bill that is known"),
    ],
)
def test_a_page_that_cannot_be_counted_on(tmp_path: Path, page: object, message: str) -> None:
    with pytest.raises((UsageError, WorkspaceError), match=message):
        read(as_json(tmp_path / "p.json", page))


def test_a_month_of_a_model_in_two_kinds_of_bills_is_refused(tmp_path: Path) -> None:
    first = as_csv(tmp_path / "a.csv", [focus(DAY, "gpt-5", "Input", 1, "1")])
    page = openai_page(bucket(DAY, openai_cost(1, "gpt-5, input")))
    with pytest.raises(UsageError, match="counts twice"):
        read(first, as_json(tmp_path / "p.json", page))


@pytest.mark.parametrize(
    "cut",
    [b"PAR1 and nothing", gzip.compress(b"x" * 9000)[:-20], b"", b"{"],
    ids=["parquet", "gzip", "empty", "json"],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "bill"
    path.write_bytes(cut)
    with pytest.raises((UsageError, WorkspaceError), match="bill"):
        read(path)
