"""How many cases would decide, against the exact power of the test and against the chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.arrays import Moments
from harness.stats.sequential.rehearsal import Truth
from harness.stats.sequential.sample_size import cases_needed, pass_rate
from harness.stats.sequential.steering import (
    PassMark,
    Prior,
    Taken,
    as_believed,
    as_measured,
    cases_to_show,
    inflation_of,
    predicted_chance,
)
from tests.support.laws import law

LEVEL = 0.05


def _moments(n: int, gains: int, losses: int) -> Moments:
    values = (float(n), float(gains - losses), float(gains + losses))
    n_, total, squares = (np.array(value) for value in values)
    return Moments(n=n_, total=total, squares=squares)


@pytest.mark.parametrize("difference", [0.0, -0.005, -0.01])
@pytest.mark.parametrize("discordance", [0.06, 0.1, 0.2])
@pytest.mark.parametrize("margin", [0.03, 0.05, 0.1])
def test_about_as_many_as_the_exact_power_of_the_test_says(
    difference: float, discordance: float, margin: float
) -> None:
    found = cases_to_show(Taken(difference=difference, spread=discordance), margin, LEVEL)
    truth = Truth(difference=difference, discordance=discordance)
    exact = cases_needed(truth, margin, LEVEL)
    assert found is not None
    assert exact is not None
    assert 0.72 <= pass_rate(truth, found, margin, LEVEL) <= 0.93
    assert found == pytest.approx(exact, rel=0.35)


def test_none_where_no_number_would_do() -> None:
    assert cases_to_show(Taken(difference=-0.05, spread=0.1), 0.05, LEVEL) is None
    assert cases_to_show(Taken(difference=-0.049, spread=0.1), 0.05, LEVEL) is None


@law
@given(st.integers(100, 400), st.integers(0, 30), st.integers(0, 60), st.integers(2, 10))
def test_one_that_was_not_shown_on_all_its_cases_needs_more(
    n: int, gains: int, losses: int, points: int
) -> None:
    """As measured it would pass on the same number half of the time at most."""
    margin, seen = points / 100, _moments(n, gains, losses)
    whole = predicted_chance(seen, seen, PassMark(margin=margin, level=LEVEL, n=n), Prior())
    found = cases_to_show(as_measured(seen), margin, LEVEL)
    if float(whole) < 0.5 and found is not None:
        assert found > n


@law
@given(
    st.integers(20, 300), st.integers(0, 30), st.integers(0, 60), st.integers(2, 10),
    st.integers(100, 400),
)  # fmt: skip
def test_one_with_little_chance_on_so_many_cases_needs_more_of_them(
    n: int, gains: int, losses: int, points: int, more: int
) -> None:
    margin, seen = points / 100, _moments(n, min(gains, n // 2), min(losses, n // 2))
    size = n + more
    chance = predicted_chance(seen, None, PassMark(margin=margin, level=LEVEL, n=size), Prior())
    taken = as_believed(seen, Prior(), at_most=as_measured(seen).difference)
    found = cases_to_show(taken, margin, LEVEL)
    if float(chance) < 0.05 and found is not None:
        assert found > size


def test_a_wider_bound_than_that_of_single_cases_needs_more() -> None:
    taken = Taken(difference=0.0, spread=0.08)
    narrow = 1.645 * np.sqrt(0.08 / 200)
    assert inflation_of(narrow, taken, 200, LEVEL) == pytest.approx(1.0, abs=0.01)
    twice = inflation_of(2 * narrow, taken, 200, LEVEL)
    assert twice == pytest.approx(4.0, abs=0.01)
    plain, wide = (cases_to_show(taken, 0.05, LEVEL, inflation=k) for k in (1.0, twice))
    assert plain is not None
    assert wide is not None
    assert wide == pytest.approx(4 * plain, rel=0.05)


@pytest.mark.parametrize(
    ("seen", "taken"),
    [
        pytest.param((100, 2, 6), Taken(difference=-0.04, spread=0.08), id="as it was"),
        pytest.param((100, 9, 1), Taken(difference=0.0, spread=0.1), id="no better than equal"),
        pytest.param((50, 0, 0), Taken(difference=0.0, spread=0.01), id="never quite without"),
    ],
)
def test_what_was_measured_is_a_mean_and_a_mean_square(
    seen: tuple[int, int, int], taken: Taken
) -> None:
    found = as_measured(_moments(*seen))
    assert found.difference == pytest.approx(taken.difference)
    assert found.spread == pytest.approx(taken.spread)


def test_what_is_believed_is_no_better_than_what_was_measured() -> None:
    """After four cases the prior speaks: four points worse."""
    seen = _moments(4, 0, 0)
    assert -0.04 < as_believed(seen, Prior(), at_most=0.0).difference < -0.02
    assert as_believed(seen, Prior(), at_most=-0.2).difference == -0.2


@pytest.mark.parametrize("margin", [0.2, 0.4])
def test_of_a_wide_margin_the_null_has_the_larger_variance(margin: float) -> None:
    """By the formula of the normal limit: 1.645 and 0.8416 are its quantiles."""
    root = 1.6448536 * np.sqrt(margin * (1 - margin)) + 0.8416212 * np.sqrt(0.02)
    wanted = float((root / margin) ** 2)
    found = cases_to_show(Taken(difference=0.0, spread=0.02), margin, LEVEL)
    assert found == 10 * int(np.ceil(wanted / 10))


def test_twenty_thousand_are_the_most() -> None:
    spread, room = 0.1, 0.05
    plain = (2.4864749 * np.sqrt(spread) / room) ** 2
    taken = Taken(difference=0.0, spread=spread)
    just = cases_to_show(taken, room, LEVEL, inflation=19_999 / plain)
    assert just == 20_000
    assert cases_to_show(taken, room, LEVEL, inflation=20_001 / plain) is None
