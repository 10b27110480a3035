"""What a page says of an option that was given up before its last case."""

from __future__ import annotations

from decimal import Decimal

import pytest

from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.tell.page.missing import TO_THE_END
from harness.tell.page.page_stay import changes
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import a_look, a_quality, a_stop, a_stopped_quality
from tests.support.records import NOW, record_for


def given_up(**over: object) -> DecisionRecord:
    """The record of an option that was given up, with another stop."""
    record = record_for(Reason.UNLIKELY_TO_PASS)
    (option,) = record.options
    option = option.model_copy(update={"stopped": a_stop(**over)})
    return record.model_copy(update={"options": (option,)})


def page(record: DecisionRecord) -> str:
    return render(to_document(record, NOW), to="md")


@pytest.mark.parametrize(
    "change",
    [
        {"seen": 311},
        {"cases": 620},
        {"chance": 0.021},
        {"threshold": 0.031},
        {"share": 0.031},
        {"least_share": 0.02},
        {"saved_usd": Decimal("2.97")},
        {"saved_usd": None},
        {"cases_to_decide": 5310},
        {"cases_to_decide": None},
        {"cost_to_decide_usd": Decimal("181.04")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_fact_of_a_stop_is_told(change: dict[str, object]) -> None:
    assert page(given_up(**change)) != page(given_up())


def test_it_says_what_was_seen_what_was_left_what_it_saved_and_what_would_decide() -> None:
    text = page(given_up())
    assert (
        "It was given up after 310 of 590 invoices: the chance that the rest would show it within "
        "the limit was 1.1 % (it is given up below 4.7 %); stopping saved USD 1.97. As it was "
        "seen, about 4,310 invoices would decide."
    ) in text
    assert "It was given up" not in page(record_for(Reason.QUALITY_INFERIOR))


def test_where_no_number_of_cases_is_likely_to_decide_it_offers_none() -> None:
    record = given_up(cases_to_decide=None, cost_to_decide_usd=None)
    assert "As it was seen, no number of cases is likely to show it within the limit." in page(
        record
    )
    assert not any("in all" in line for line in changes(record))


def test_one_whose_chance_was_small_only_beside_the_others_is_not_called_hopeless() -> None:
    text = page(given_up(chance=0.314, share=0.011, least_share=0.02))
    assert "was 31.4 %, too small beside those of the others" in text


def test_cases_with_their_cost_and_worth_come_before_a_prompt() -> None:
    first, second, *_ = changes(given_up())
    assert first == (
        "3,720 more invoices (4,310 in all): they would decide on claude-haiku-4-5, for USD 171 of "
        "calls, worth up to USD 2,483 a month."
    )
    assert second.startswith("A better prompt for claude-haiku-4-5")


@pytest.mark.parametrize(("difference", "prompts"), [(-5.9, 1), (-6.0, 1), (-6.1, 0)])
def test_a_prompt_is_named_where_the_loss_is_within_twice_the_limit(
    difference: float, prompts: int
) -> None:
    record = record_for(Reason.QUALITY_INFERIOR)
    (option,) = record.options
    worse = a_stopped_quality(difference=difference, worst=-9.0, best=-3.1)
    record = record.model_copy(update={"options": (option.model_copy(update={"quality": worse}),)})
    assert sum("A better prompt" in line for line in changes(record)) == prompts


def test_a_record_that_calls_one_unlikely_after_its_last_case_says_so() -> None:
    record = given_up()
    (option,) = record.options
    whole = a_quality(looks=(a_look(1), a_look(5, n=560, action="futile")))
    old = option.model_copy(update={"stopped": None, "quality": whole})
    text = page(record.model_copy(update={"options": (old,)}))
    assert f"claude-haiku-4-5 {TO_THE_END}: today it would be open. Review again." in text
    assert "stopped early as" not in text
    early = option.model_copy(update={"stopped": None})
    assert "Review again" not in page(record.model_copy(update={"options": (early,)}))
