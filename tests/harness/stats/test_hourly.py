"""Hours that stand out of a week: what is planted is found, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.hourly import FEWEST_WEEKS, HOURS_A_WEEK, alarms

HOUR = np.arange(HOURS_A_WEEK)
SHAPE = (1 + np.sin((HOUR % 24 - 8) / 24 * 2 * np.pi)) * np.where(HOUR // 24 < 5, 1.0, 0.3)


def weeks(level: float, count: int, seed: int) -> list[list[float]]:
    """Spend of Poisson numbers of calls whose length varies."""
    chance = np.random.default_rng(seed)
    calls = chance.poisson(level * SHAPE, size=(count, HOURS_A_WEEK))
    return [[float(chance.lognormal(0, 0.3, n).sum()) for n in week] for week in calls]


def test_a_spike_is_found_with_its_first_hour() -> None:
    *past, now = weeks(40, 7, 1)
    for at in range(75, 79):
        now[at] += 120
    (found,) = alarms(now, past)
    assert found.first == 75
    assert 78 <= found.last <= 80
    assert 350 < found.seen - found.expected < 600


def test_a_shift_that_is_small_in_each_hour_adds_up() -> None:
    *past, now = weeks(40, 7, 2)
    changed = [value * (1.6 if at >= 100 else 1.0) for at, value in enumerate(now)]
    found = alarms(changed, past)
    assert found
    assert 96 <= found[0].first <= 112


@pytest.mark.parametrize("level", [0.2, 2, 40])
def test_weeks_without_anything_raise_few_alarms(level: float) -> None:
    raised = 0
    for seed in range(12):
        *past, now = weeks(level, 7, seed)
        raised += len(alarms(now, past))
    assert raised <= 2


def test_a_level_that_grows_week_by_week_is_no_alarm() -> None:
    drawn = weeks(40, 7, 3)
    grown = [[value * 1.05**week for value in hours] for week, hours in enumerate(drawn)]
    assert alarms(grown[-1], grown[:-1]) == ()


def test_something_where_nothing_was_is_found_at_its_first_hour() -> None:
    past = [[0.0] * HOURS_A_WEEK] * 4
    now = [0.0] * 50 + [3.0] * 10
    (found,) = alarms(now, past)
    assert (found.first, found.seen) == (50, 30.0)


def test_under_three_weeks_nothing_is_known() -> None:
    *past, now = weeks(40, FEWEST_WEEKS, 4)
    now[5] = 1e6
    assert alarms(now, past) == ()
    assert alarms([], past * 3) == ()
