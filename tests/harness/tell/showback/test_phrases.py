"""What a showback's first page says of a month's budget, of a change and of whom to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from harness.money.measured import TrafficFinding
from harness.money.spend.bridge import Factor, Shift
from harness.money.spend.outlook import Outlook
from harness.money.spend.timespan import span_of
from harness.tell.showback.opening import budget_words
from harness.tell.showback.phrases import explain, seen
from harness.tell.showback.sections import stated_words

NOVEMBER = span_of("month", date(2026, 11, 1))
LOOK = Outlook(
    month=NOVEMBER,
    until=date(2026, 11, 20),
    to_date=Decimal(900),
    rest=Decimal(400),
    budget=Decimal(1000),
)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (LOOK, "November is heading for USD 1,300, over its budget of USD 1,000."),
        (
            replace(LOOK, budget=Decimal(700)),
            (
                "November is already over its budget of USD 700 by USD 200; will end near USD 600 "
                "over it."
            ),
        ),
        (
            replace(LOOK, budget=Decimal(700), rest=None),
            "November is already over its budget of USD 700 by USD 200.",
        ),
        (
            replace(LOOK, budget=Decimal(700), rest=Decimal(0), until=NOVEMBER.end),
            "November ended USD 200 over its budget of USD 700.",
        ),
        (replace(LOOK, budget=Decimal(1300)), ""),
        (replace(LOOK, budget=None), ""),
    ],
)
def test_a_budget_is_over_already_or_will_be(look: Outlook, told: str) -> None:
    assert " ".join(budget_words(look)) == told


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            {Factor.QUESTIONS: 70, Factor.REQUESTS: 30},
            "USD +100 in all, USD +70.00 of it by longer inputs: find out why",
        ),
        ({Factor.MODELS: 100}, "USD +100, all of it by dearer models: find out why"),
        (
            {Factor.A_CALL: 130, Factor.REQUESTS: -30},
            "USD +100 in all, USD +130 by dearer calls, other causes took from it: find out why",
        ),
    ],
)
def test_a_change_is_told_from_its_main_cause(terms: dict[Factor, int], told: str) -> None:
    shift = Shift(
        feature="a",
        caller="",
        before=Decimal(10),
        now=Decimal(110),
        terms={factor: Decimal(usd) for factor, usd in terms.items()},
    )
    assert explain(shift) == told


@pytest.mark.parametrize(
    ("kind", "says", "told"),
    [
        ("model-changed", "gpt-5 -> gpt-5-mini", "from gpt-5 to gpt-5-mini"),
        (
            "context-growth",
            "input tokens of a call 1,200 -> 3,400",
            "input tokens of a call from 1,200 to 3,400",
        ),
        ("retry-storm", "8 of 90 calls are retries", "in the whole log: 8 of 90 calls are retries"),
    ],
)
def test_a_finding_says_from_what_to_what_and_over_which_time(
    kind: str, says: str, told: str
) -> None:
    found = TrafficFinding(
        kind=kind, feature="a", since=NOVEMBER.start, who="", usd_a_month=None, says=says
    )
    assert seen(found) == told


def test_a_part_of_nothing_is_not_told() -> None:
    none, some = Decimal(0), Decimal(700)
    assert stated_words(none, some, some).startswith("All of it is tokens at list prices; disc")
    assert stated_words(some, none, some).startswith("All of it is as the logs state it. All ")
    assert stated_words(some, some, some).startswith("USD 700 is as the logs state it, USD 700 at")
