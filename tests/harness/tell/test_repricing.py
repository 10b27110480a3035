from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.prices.rate_tables import Band
from harness.record.laws import broken_in_money
from harness.record.model import dump, load
from harness.tell.repricing import recorded_rates, reprice
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic
from tests.support.priced_records import CHOSEN, LIST, OTHER, TODAY, a_priced_record
from tests.support.record_parts import a_hosting
from tests.support.records import a_record, justify_record, undecided_record

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

DAY = date(2027, 1, 10)
CASES = [pair((5400, 410), (5200, 380)), pair((4800, 300), (5000, 390)), pair((100, 9), (90, 8))]
counts = st.tuples(st.integers(1, 300_000), st.integers(1, 5_000))
prices = st.integers(1, 5_000).map(lambda cents: str(Decimal(cents) / 100))
shares = st.integers(0, 90).map(lambda percent: percent / 100)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(counts, counts), min_size=2, max_size=6),
    st.tuples(prices, prices),
    shares,
    shares,
    st.integers(1, 10**8),
)
def test_the_same_rates_give_the_same_bytes(
    cases: list[tuple[tuple[int, int], tuple[int, int]]],
    listed: tuple[str, str],
    cached: float,
    retries: float,
    requests: int,
) -> None:
    traffic = some_traffic(cached_share=cached, retry_rate=retries, requests_per_month=requests)
    rates = {CHOSEN: some_rates({"input": listed[0], "output": listed[1], "cache_read": "0.01"})}
    record = a_priced_record(traffic, [pair(new, old) for new, old in cases], rates, sure=False)
    text = dump(record)
    assert dump(reprice(record, {}, as_of=DAY)) == text
    assert dump(reprice(load(text), recorded_rates(load(text)), as_of=DAY)) == text


def test_own_hardware_keeps_its_month_and_is_still_the_same_bytes() -> None:
    hosted = some_rates(
        {"input": "0", "output": "0"}, per_request=Decimal("0.01"), hosting=a_hosting()
    )
    record = a_priced_record(some_traffic(), CASES, {CHOSEN: hosted}, sure=False)
    assert record.options[0].cost.hosting == a_hosting()
    assert dump(reprice(record, {}, as_of=DAY)) == dump(record)


def test_the_bound_of_the_saving_follows_the_rates() -> None:
    record = a_priced_record(some_traffic(), CASES, sure=False)
    dearer = reprice(record, {CHOSEN: some_rates(OPUS)}, as_of=DAY).options[0].saving_at_most
    before = record.options[0].saving_at_most
    assert dearer is not None
    assert before is not None
    assert dearer < before


def test_the_bound_stays_beside_a_tuned_prompt_of_today_whose_length_no_record_holds() -> None:
    record = a_priced_record(some_traffic(), CASES, sure=False)
    today = record.current.model_copy(update={"option": f"{record.current.option}~tuned"})
    record = record.model_copy(update={"current": today})
    dearer = reprice(record, {CHOSEN: some_rates(OPUS)}, as_of=DAY).options[0]
    assert dearer.cost != record.options[0].cost
    assert dearer.saving_at_most == record.options[0].saving_at_most


def test_the_interval_stays_at_the_same_rates() -> None:
    record = a_priced_record(some_traffic(), CASES)
    assert record.savings is not None
    assert record.savings.monthly_lower is not None
    assert dump(reprice(record, {}, as_of=DAY)) == dump(record)


def money_of(record: DecisionRecord) -> dict[str, object]:
    """All of a record's money but the interval, and what it was drawn from."""
    parts = record.model_dump(
        mode="json", include={"current_cost", "options", "bridge", "levers", "savings"}
    )
    for value in ("monthly", "after_discounts"):
        for bound in ("lower", "upper"):
            parts["savings"].pop(f"{value}_{bound}", None)
    parts["savings"].pop("units", None)
    return parts


def test_other_rates_give_what_a_review_at_those_rates_would() -> None:
    tier = Band(
        from_input_tokens=100_000,
        input=Decimal(9),
        output=Decimal(9),
        cache_read=Decimal(9),
        cache_write=Decimal(9),
        cache_write_1h=Decimal(9),
    )
    new = {
        TODAY: some_rates(OPUS, batch_share=Decimal("0.4"), source="January's list"),
        CHOSEN: some_rates(HAIKU, tiers=(tier,), per_request=Decimal("0.001")),
        OTHER: some_rates({"input": "1", "output": "2"}),
    }
    traffic = some_traffic(cached_share=0.2)
    cases = [*CASES, pair((260_000, 900), (250_000, 800))]
    before = a_priced_record(traffic, cases)
    after = reprice(before, new, as_of=DAY)
    assert list(broken_in_money(after)) == []
    assert money_of(after) == money_of(a_priced_record(traffic, cases, new))
    assert after.savings is not None
    assert (after.savings.monthly_lower, after.savings.monthly_upper) == (None, None)
    assert after.finding == before.finding
    assert after.evidence.rates_as_of == DAY
    assert after.evidence.exploratory[-1] == "re-priced at rates of 2027-01-10"
    assert after.finding_sha256 != before.finding_sha256


def test_an_option_that_is_not_named_keeps_its_rates() -> None:
    before = a_priced_record(some_traffic(), CASES)
    after = reprice(before, {CHOSEN: some_rates(OPUS)}, as_of=DAY)
    assert after.current_cost == before.current_cost
    assert after.options[1] == before.options[1]
    assert after.options[0].cost != before.options[0].cost


def test_a_batch_price_that_ended_takes_its_lever_along() -> None:
    before = a_priced_record(some_traffic(), CASES)
    after = reprice(before, {TODAY: some_rates(OPUS)}, as_of=DAY)
    assert {lever.kind for lever in before.levers} - {lever.kind for lever in after.levers} == {
        "batch"
    }


def test_a_record_without_tokens_keeps_its_money() -> None:
    for record in (a_record(), justify_record(), undecided_record(), a_record(traffic=None)):
        assert dump(reprice(record, {}, as_of=DAY)) == dump(record)


def test_a_record_without_tokens_takes_the_rates_and_says_so() -> None:
    after = reprice(a_record(), {TODAY: LIST[TODAY]}, as_of=DAY)
    assert after.current_cost.monthly == a_record().current_cost.monthly
    assert after.current_cost.rates is not None
    assert after.current_cost.rates.source == "made up"
    assert after.evidence.exploratory
