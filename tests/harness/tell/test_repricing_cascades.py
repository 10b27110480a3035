from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.record.laws import broken_in_money
from harness.record.model import dump, load
from harness.tell.repricing import not_repriced, recorded_rates, reprice
from tests.support.money import HAIKU, pair, some_rates, some_traffic
from tests.support.priced_records import CASCADE, OTHER, TODAY, a_cascade_record
from tests.support.record_parts import a_hosting

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

DAY = date(2027, 1, 10)
CASES = [
    pair((5400, 410), (5200, 380)),
    pair((4800, 300), (5000, 390)),
    pair((5000, 200), (5400, 370)),
    pair((100, 9), (90, 8)),
]
KEPT = [True, True, True, False]
counts = st.tuples(st.integers(1, 300_000), st.integers(1, 5_000))
cases = st.lists(st.tuples(counts, counts, st.booleans()), min_size=2, max_size=6)
shares = st.integers(0, 90)
cents = st.integers(1, 5_000).map(lambda count: Decimal(count) / 100)


def test_a_hand_computation() -> None:
    """Two requests a month in five go on.

    Every request asks the cheap model: 1,000 tokens in, 100 out. Of the five cases two go on, and
    today's model takes 2,000 in and 50 out of each: 800 in and 20 out over all requests. At USD 3
    and 6 a million, and USD 10 and 20, with half a cent a request of today's model:
    100,000 requests * (1,000 * 3 + 100 * 6) / 10^6 = 360;
    100,000 requests * ((800 * 10 + 20 * 20) / 10^6 + 0.005 * 2 / 5) = 840 + 200 = 1,040.
    Today: 100,000 * ((2,000 * 10 + 50 * 20) / 10^6 + 0.005) = 2,600. It saves 1,200.
    Its own tokens at the cheap prices: 100,000 * (2,000 * 3 + 50 * 6) / 10^6 = 630.
    """
    traffic = some_traffic(
        requests_per_month=100_000, input_tokens=2000, output_tokens=50, retry_rate=0
    )
    asked = [pair((1000, 100), (2000, 50))] * 5
    before = a_cascade_record(traffic, asked, [True, False, True, False, True])
    new = {
        CASCADE: some_rates({"input": "3", "output": "6"}),
        TODAY: some_rates({"input": "10", "output": "20"}, per_request=Decimal("0.005")),
    }
    after = reprice(before, new, as_of=DAY)
    cost = after.options[0].cost
    assert cost.monthly == cost.monthly_after_discounts == Decimal(1400)
    assert cost.per_request == Decimal("0.014")
    facts = after.options[0].cascade
    assert facts is not None
    assert (facts.first_per_request, facts.escalation_per_request) == (
        Decimal("0.0036"),
        Decimal("0.0104"),
    )
    assert after.current_cost.monthly == Decimal(2600)
    assert after.savings is not None
    assert after.savings.monthly == Decimal(1200)
    assert {term.term: term.usd for term in after.bridge} == {
        "price": Decimal(-1970),
        "input tokens": Decimal(-300),
        "output tokens": Decimal(30),
        "cache": Decimal(0),
        "retries": Decimal(0),
        "asked again": Decimal(1040),
    }
    assert after.evidence.exploratory == ("re-priced at rates of 2027-01-10",)


@settings(max_examples=10, deadline=None)
@given(
    cases, st.tuples(cents, cents), st.integers(0, 90), st.integers(0, 90), st.integers(1, 10**8)
)
def test_the_same_rates_give_the_same_bytes(
    drawn: list[tuple[tuple[int, int], tuple[int, int], bool]],
    listed: tuple[Decimal, Decimal],
    cached: int,
    retried: int,
    requests: int,
) -> None:
    traffic = some_traffic(
        cached_share=cached / 100, retry_rate=retried / 100, requests_per_month=requests
    )
    rates = {
        CASCADE: some_rates(
            {"input": str(listed[0]), "output": str(listed[1]), "cache_read": "0.01"},
            discount=Decimal("0.2"),
        )
    }
    pairs = [pair(new, old) for new, old, _ in drawn]
    record = a_cascade_record(traffic, pairs, [kept for *_, kept in drawn], rates)
    text = dump(record)
    assert dump(reprice(record, {}, as_of=DAY)) == text
    assert dump(reprice(load(text), recorded_rates(load(text)), as_of=DAY)) == text


@settings(max_examples=10, deadline=None)
@given(cases, cents, cents, cents)
def test_other_rates_give_what_a_review_at_those_rates_would(
    drawn: list[tuple[tuple[int, int], tuple[int, int], bool]],
    cheap: Decimal,
    dear: Decimal,
    fee: Decimal,
) -> None:
    pairs, kept = [pair(new, old) for new, old, _ in drawn], [keeps for *_, keeps in drawn]
    new = {
        CASCADE: some_rates({"input": str(cheap), "output": "5"}, minimum_per_request=fee / 1000),
        TODAY: some_rates(
            {"input": str(dear), "output": "25", "cache_read": "0.001"}, per_request=fee / 1000
        ),
        OTHER: some_rates({"input": "1", "output": "2"}),
    }
    before = a_cascade_record(some_traffic(), pairs, kept)
    after = reprice(before, new, as_of=DAY)
    assert list(broken_in_money(after)) == []
    assert money_of(after) == money_of(a_cascade_record(some_traffic(), pairs, kept, new))
    assert sum(term.usd for term in after.bridge) == _month(after) - _today(after)
    for lever in after.levers:
        assert lever.monthly + lever.saving_monthly == _today(after)


def test_only_the_dear_model_got_cheaper() -> None:
    before = a_cascade_record(some_traffic(), CASES, KEPT)
    after = reprice(before, {TODAY: some_rates(HAIKU)}, as_of=DAY)
    first, again = before.options[0].cascade, after.options[0].cascade
    assert first is not None
    assert again is not None
    assert again.first_per_request == first.first_per_request
    assert again.escalation_per_request == pytest.approx(
        first.escalation_per_request / 5,  # type: ignore[operator]
        rel=Decimal("1e-9"),
    )
    assert not_repriced(before) == ()


def test_a_cheap_model_on_own_hardware_keeps_how_it_runs() -> None:
    hosted = some_rates(
        {"input": "0", "output": "0"}, per_request=Decimal("0.01"), hosting=a_hosting()
    )
    record = a_cascade_record(some_traffic(), CASES, KEPT, {CASCADE: hosted})
    assert record.options[0].hosting == a_hosting()
    assert dump(reprice(record, {}, as_of=DAY)) == dump(record)


def money_of(record: DecisionRecord) -> dict[str, object]:
    return record.model_dump(
        mode="json", include={"current_cost", "options", "bridge", "levers", "savings"}
    )


def _month(record: DecisionRecord) -> Decimal:
    monthly = record.options[0].cost.monthly
    assert monthly is not None
    return monthly


def _today(record: DecisionRecord) -> Decimal:
    assert record.current_cost.monthly is not None
    return record.current_cost.monthly
