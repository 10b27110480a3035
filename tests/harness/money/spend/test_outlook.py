"""A month at its end: by the weekdays of four weeks, with a band of how that turned out before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from harness.money.spend.outlook import FEWEST_CHECKED, outlook
from harness.money.spend.timespan import span_named

NOVEMBER = span_named("month", "2026-11")
TODAY = date(2026, 11, 16)
START = date(2026, 8, 3)


def days(first: date = START, until: date = TODAY, noise: int = 0) -> dict[date, Decimal]:
    chance = Random(3)
    return {
        day: Decimal(100 if day.weekday() < 5 else 10) + chance.randint(-noise, noise)
        for step in range((until - first).days)
        for day in (first + timedelta(days=step),)
    }


def test_even_weeks_go_on_as_they_were() -> None:
    found = outlook(NOVEMBER, TODAY, Decimal(1050), days(), Decimal(2200))
    assert found.rest == 11 * 100 + 4 * 10
    assert found.whole == 1050 + 1140
    assert found.band == (found.whole, found.whole)
    assert found.checked >= FEWEST_CHECKED
    assert not found.over_budget
    assert replace(found, budget=Decimal(2189)).over_budget


def test_the_band_widens_with_what_earlier_forecasts_missed() -> None:
    found = outlook(NOVEMBER, TODAY, Decimal(1050), days(noise=9))
    assert found.whole is not None
    assert found.band is not None
    low, high = found.band
    assert low < found.whole < high
    assert high - low < 200


def test_without_enough_days_there_is_no_band_or_no_forecast() -> None:
    short = outlook(NOVEMBER, TODAY, Decimal(9), days(first=TODAY - timedelta(days=8)))
    assert short.band is None
    assert short.rest is not None
    assert short.rest > 0
    few = outlook(NOVEMBER, TODAY, Decimal(9), days(first=TODAY - timedelta(days=6)))
    assert (few.rest, few.whole) == (None, None)
    nothing = outlook(NOVEMBER, TODAY, Decimal(9), {})
    assert (nothing.rest, nothing.whole, nothing.over_budget) == (None, None, False)
    spent = replace(nothing, budget=Decimal(7))
    assert (spent.over_budget, spent.spent_over) == (True, 2)
    assert replace(spent, budget=Decimal(9)).spent_over == 0


def test_a_month_that_is_over_is_what_it_cost() -> None:
    found = outlook(NOVEMBER, date(2026, 12, 1), Decimal(77), days())
    assert (found.rest, found.whole, found.band) == (0, 77, None)
