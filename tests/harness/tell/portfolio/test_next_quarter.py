from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.money.monthly import unknown_cost
from harness.record.base import State
from harness.record.stored import read_past, write_records
from harness.tell.pages import publish
from harness.tell.portfolio.index import track_record
from harness.tell.portfolio.next_quarter import since_last, worth_of
from tests.support.money import pair, some_rates, some_traffic
from tests.support.priced_records import CASCADE, a_cascade_record
from tests.support.record_parts import (
    a_cost,
    a_failed_option,
    a_feature,
    a_not_run_option,
    a_rate,
    a_target,
    a_traffic,
    an_eval_set,
    an_evidence,
    an_option,
)
from tests.support.records import (
    NOW,
    decided,
    downgrade_record,
    justify_record,
    record_for,
    undecided_record,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

TODAY = date(2027, 2, 1)


def changes(old: DecisionRecord, new: DecisionRecord | None) -> tuple[str, ...]:
    found = since_last([old], [] if new is None else [new], TODAY)
    return found[0].changes if found else ()


def test_nothing_changed_is_nothing_to_say() -> None:
    assert changes(justify_record(cycle="2026-Q3"), justify_record()) == ()


@pytest.mark.parametrize(
    ("over", "line"),
    [
        pytest.param(
            {"traffic": a_traffic(input_tokens=6_900.0)},
            "tokens in a question: 5,200 to 6,900 (+33 %)",
            id="context growth",
        ),
        pytest.param(
            {"traffic": a_traffic(output_tokens=500.0)},
            "tokens in an answer: 380 to 500 (+32 %)",
            id="verbosity",
        ),
        pytest.param(
            {"traffic": a_traffic(requests_per_month=48_000)},
            "requests a month: 96,000 to 48,000 (-50 %)",
            id="volume",
        ),
        pytest.param(
            {"options": (an_option(cost=a_cost(rates=a_rate(input=Decimal("0.50")))),)},
            "price of claude-haiku-4-5: 0.95 / 4.75 to 0.5 / 4.75",
            id="price",
        ),
        pytest.param(
            {"options": (an_option(), a_failed_option("mini-6"))}, "new: mini-6", id="new model"
        ),
        pytest.param({"options": ()}, "gone: claude-haiku-4-5", id="model gone"),
        pytest.param(
            {"current": a_target("claude-opus-5")},
            "the model in production: claude-opus-4-5 to claude-opus-5",
            id="another incumbent",
        ),
        pytest.param(
            {"current": a_target("claude-opus-4-5", version="x")},
            "the version in production: claude-opus-4-5-20251001 to x",
            id="another version",
        ),
        pytest.param(
            {"current": a_target("claude-opus-4-5", retires_on=date(2027, 5, 1))},
            "claude-opus-4-5 retires on 2027-05-01",
            id="retirement",
        ),
        pytest.param(
            {"evidence": an_evidence(eval_set=an_eval_set(times_used=5))},
            "its eval set was used 5 times: new cases are due",
            id="worn eval set",
        ),
    ],
)
def test_what_changed_is_said(over: dict[str, object], line: str) -> None:
    old = justify_record(cycle="2026-Q3", options=(an_option(),))
    new = justify_record(**({"options": (an_option(),)} | over))
    assert changes(old, new) == (line,)


def test_a_new_price_of_a_cascade_s_first_model_is_said() -> None:
    dearer = some_rates({"input": "2", "output": "5"})
    pairs, kept = [pair((5200, 380), (5200, 380))] * 2, [True, False]
    old, new = (
        a_cascade_record(some_traffic(), pairs, kept, rates) for rates in ({}, {CASCADE: dearer})
    )
    line = "price of the first model of claude-haiku-4-5+format: 1 / 5 to 2 / 5"
    assert line in changes(old.model_copy(update={"cycle": "2026-Q3"}), new)


def test_cases_that_an_undecided_feature_lacked_are_counted() -> None:
    old = undecided_record(cycle="2026-Q3")
    grown = undecided_record(evidence=an_evidence(eval_set=an_eval_set(n=950)))
    assert changes(old, grown) == ("300 cases added, of 340 that would decide",)
    assert changes(old, undecided_record()) == ()


def test_small_drift_is_noise() -> None:
    new = justify_record(traffic=a_traffic(input_tokens=5_500.0, requests_per_month=100_000))
    assert changes(justify_record(cycle="2026-Q3"), new) == ()


def test_a_feature_that_was_left_out_is_named() -> None:
    old = justify_record(cycle="2026-Q3")
    assert changes(old, None) == (
        "not reviewed in this cycle; the evidence of 2026-Q3 holds until 2027-03-03",
    )
    late = since_last([old], [], old.expires_at + timedelta(days=1))
    assert "expired on 2027-03-03" in late[0].changes[0]


def test_missing_traffic_or_prices_are_no_change() -> None:
    bare = a_cost(rates=None)
    old = justify_record(cycle="2026-Q3", traffic=None, options=(an_option(cost=bare),))
    assert changes(old, justify_record(options=(an_option(),))) == ()


def test_the_dearest_comes_first_and_the_newest_record_counts() -> None:
    past = [
        justify_record(cycle="2026-Q2", feature=a_feature(id="a"), traffic=None),
        justify_record(cycle="2026-Q3", feature=a_feature(id="a")),
        undecided_record(cycle="2026-Q3", feature=a_feature(id="b")),
    ]
    found = since_last(past, [], TODAY)
    assert [item.record.feature.id for item in found] == ["a", "b"]
    assert found[0].record.cycle == "2026-Q3"
    assert found[0].worth == Decimal("3048.51")


def test_what_a_new_look_is_worth() -> None:
    assert worth_of(undecided_record(), TODAY) == Decimal("2483.10")
    assert worth_of(downgrade_record(), TODAY) is None
    assert worth_of(justify_record(options=()), TODAY) == 0
    assert worth_of(justify_record(current_cost=unknown_cost(None, "traffic")), TODAY) is None


def test_a_model_that_may_not_be_used_is_worth_nothing() -> None:
    cheap = a_cost(monthly_after_discounts=Decimal(1))
    closed = a_not_run_option(cost=cheap)
    assert worth_of(justify_record(options=(closed, an_option())), TODAY) == Decimal("2483.10")


def test_a_downgrade_that_lapsed_can_be_had_again() -> None:
    offer = downgrade_record()
    assert offer.savings is not None
    late = offer.expires_at + timedelta(days=1)
    assert worth_of(decided(offer, State.REJECTED), TODAY) == offer.savings.after_discounts
    assert worth_of(offer, late) == offer.savings.after_discounts
    assert worth_of(offer.model_copy(update={"state": State.IMPLEMENTED}), late) is None
    assert worth_of(decided(offer), TODAY) is None


def verified(record: DecisionRecord, amount: str) -> DecisionRecord:
    assert record.savings is not None
    saved = record.savings.model_copy(update={"realised": Decimal(amount)})
    return record.model_copy(update={"savings": saved, "state": State.VERIFIED})


def test_the_track_record_counts_what_was_accepted() -> None:
    kept = verified(decided(downgrade_record()), "2400.00")
    back = decided(decided(downgrade_record()), State.REJECTED)
    said = track_record([kept, back, downgrade_record(), justify_record()], TODAY)
    assert said == (
        "Of 2 accepted downgrades of the last year 1 holds; 1 went back. Verified against a bill "
        "on 1 feature: USD 2,400 a month realised, USD 2,483 forecast."
    )


def test_the_track_record_is_of_today() -> None:
    kept = verified(decided(downgrade_record()), "38.00")
    gone = kept.model_copy(update={"state": State.SUPERSEDED})
    said = track_record([kept, gone], kept.expires_at + timedelta(days=1))
    assert said.startswith(
        "Of 2 accepted downgrades of the last year 0 hold; 0 went back; 2 ended with the evidence "
        "or a new decision. Verified against a bill on 2 features: USD 76.00 a month realised"
    )


def test_a_short_track_record() -> None:
    assert track_record([], TODAY) == ""
    assert track_record([decided(downgrade_record())], TODAY + timedelta(days=900)) == ""
    assert "No saving has been verified" in track_record([decided(downgrade_record())], TODAY)


def test_the_index_looks_back(tmp_path: Path) -> None:
    write_records([decided(downgrade_record(cycle="2026-Q3"))], tmp_path / "2026-Q3")
    write_records([record_for(justify_record().reason_codes[0])], tmp_path / "2026-Q4")
    write_records([justify_record()], tmp_path / "2026-Q4-quick")
    assert len(read_past(tmp_path / "2026-Q4")) == 1
    assert read_past(tmp_path / "2026-Q4-quick") == ()
    publish([justify_record()], tmp_path / "2026-Q4", now=NOW)
    text = (tmp_path / "2026-Q4" / "index.md").read_text()
    assert "Of 1 accepted downgrade of the last year 1 holds; 0 went back." in text
    assert "gone: claude-sonnet-5" in text
