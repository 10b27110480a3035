from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from harness.money.measured import Window
from harness.money.request_log import hours_watched, weeks_of_hours
from harness.money.traffic import ALL_COUNTS, read_weeks, together, write_weeks

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)


def window(hours: int, *, start: datetime = MONDAY) -> Window:
    return Window(start=start, end=start + timedelta(hours=hours))


def sums(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    """So many requests of 100 tokens at an hour of the week."""
    found = [
        {
            "feature": feature,
            "cohort": cohort,
            "hour": hour,
            **dict.fromkeys(ALL_COUNTS, 0.0),
            "requests": float(requests),
            "input_tokens": 100.0 * requests,
        }
        for feature, cohort, hour, requests in rows
    ]
    return pd.DataFrame(found)


def test_an_hour_without_a_row_had_no_call() -> None:
    eu, us = weeks_of_hours(sums(("a", "eu", 0, 2), ("a", "us", 167, 1)), window(168))
    assert (eu.cohort, us.cohort, eu.weeks, eu.even) == ("eu", "us", 1, True)
    assert (eu.hours[0].requests, eu.total.requests) == (2, 2)
    assert us.hours[167].input_tokens == 100
    assert together((eu, us)).total.requests == 3


@pytest.mark.parametrize(
    ("hours", "often"),
    [(168, {0: 1, 167: 1}), (336, {0: 2, 167: 2}), (240, {0: 2, 71: 2, 72: 1}), (5, {4: 1, 5: 0})],
)
def test_how_often_each_hour_was_watched(hours: int, often: dict[int, int]) -> None:
    found = hours_watched(window(hours))
    assert {hour: found[hour] for hour in often} == often
    assert sum(found) == hours


def test_a_log_that_begins_on_a_wednesday() -> None:
    found = hours_watched(window(48, start=MONDAY + timedelta(days=2, hours=7)))
    assert (found[2 * 24 + 6], found[2 * 24 + 7], found[4 * 24 + 6], found[4 * 24 + 7]) == (
        *(0, 1, 1, 0),
    )


def test_ten_days_weigh_each_hour_by_how_often_it_was_seen() -> None:
    """A steady request an hour is 168 a week, however long it was watched."""
    often = hours_watched(window(240))
    (week,) = weeks_of_hours(sums(*(("a", "", at, often[at]) for at in range(168))), window(240))
    assert set(week.rates) == {Decimal(1)}
    assert week.to_traffic(source="log").requests_per_month == 730
    text = write_weeks([week])
    assert text.splitlines()[0].endswith(",output_tokens,watched")
    assert read_weeks(text, file="t.csv") == (week,)


def test_hours_that_were_not_seen_are_taken_for_the_same_hours_of_other_days() -> None:
    """Two days: three requests at ten each day, none at other hours."""
    (week,) = weeks_of_hours(sums(("a", "", 10, 3), ("a", "", 34, 3)), window(48))
    assert (week.rates[10], week.rates[6 * 24 + 10], week.rates[11]) == (3, 3, 0)
    assert sum(week.rates) == 21
    assert sum(week.shares) == 21


def test_calls_of_unknown_usage_are_in_no_mean() -> None:
    frame = sums(("a", "", 0, 4))
    frame["unmetered"] = 2.0
    frame["input_tokens"] = 200.0
    (week,) = weeks_of_hours(frame, window(168))
    assert week.to_traffic(source="log").input_tokens == 100
    assert read_weeks(write_weeks([week]), file="t.csv") == (week,)


def test_a_window_that_is_none() -> None:
    with pytest.raises(ValueError, match="ends after it begins"):
        Window(start=MONDAY, end=MONDAY)


def test_a_window_names_its_days() -> None:
    assert str(window(168)) == "2026-10-05 to 2026-10-11"
    assert str(window(5)) == "2026-10-05 00:00 to 2026-10-05 05:00 UTC"
