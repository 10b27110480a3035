"""The lower bound of a level, and how many cases would lift it above a constant answer."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.plan.sampling import all_right_lower
from harness.stats.estimates import Sample, level_estimate
from harness.stats.sequential.sample_size import Gap, level_lower


def apart(scores: list[float]) -> list[int]:
    return list(range(len(scores)))


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_right_or_wrong_has_the_exact_bound(right: list[bool]) -> None:
    scores = [float(each) for each in right]
    exact = binomtest(sum(right), len(right)).proportion_ci(0.9, method="exact").low
    assert level_lower(scores, apart(scores)) == pytest.approx(exact, abs=1e-9)


@given(st.integers(1, 5000))
def test_no_bound_lies_above_that_of_a_model_that_is_always_right(cases: int) -> None:
    scores = [1.0] * cases
    assert level_lower(scores, apart(scores)) == pytest.approx(all_right_lower(cases), abs=1e-9)
    halves = [0.5, *scores[1:]]
    assert level_lower(halves, apart(halves)) < all_right_lower(cases)


def test_a_bound_of_graded_scores_holds() -> None:
    rng = np.random.default_rng(3)
    missed = sum(
        level_lower(scores, apart(scores)) > 0.5
        for scores in (rng.choice([0.0, 0.4, 0.6, 1.0], size=60).tolist() for _ in range(400))
    )
    assert missed / 400 <= 0.05


def test_cases_that_belong_together_are_worth_less() -> None:
    scores = [float(place // 10 % 4 != 0) for place in range(400)]
    together = [place // 10 for place in range(400)]
    assert level_lower(scores, together) < level_lower(scores, apart(scores)) - 0.03
    assert level_lower([], []) is None
    assert level_lower(scores, [0] * len(scores)) is None


def test_the_cases_needed_are_the_fewest_that_clear() -> None:
    gap = Gap(level=0.9, constant=0.8, margin=5.0)
    needed = gap.cases_needed(30)
    assert needed is not None
    assert gap.clears(needed)
    assert not gap.clears(needed - 1)
    assert 100 < needed < 300
    assert Gap(level=0.84, constant=0.8, margin=5.0).cases_needed(30) is None


def test_a_bound_of_graded_scores_is_the_one_of_betting() -> None:
    scores = [1.0, 0.5, 0.75, 0.0] * 20
    found = level_estimate(Sample(differences=tuple(scores)), 0.05)
    assert found is not None
    assert level_lower(scores, apart(scores)) == found.lower
    labels = [place // 8 for place in range(80)]
    robust = level_estimate(Sample(differences=tuple(scores), clusters=tuple(labels)), 0.05)
    assert robust is not None
    assert level_lower(scores, labels) == robust.lower


def test_right_or_wrong_in_clusters_takes_the_lower_of_two_bounds() -> None:
    right, alike = [1.0] * 60, [place // 3 for place in range(60)]
    robust = level_estimate(Sample(differences=tuple(right), clusters=tuple(alike)), 0.05)
    exact = level_lower(right, apart(right))
    assert robust is not None
    assert level_lower(right, alike) == min(robust.lower, exact)


def needed_by_hand(level: Fraction, constant: Fraction, margin: float, seen: int) -> int | None:
    """One case more at a time, with the exact bound of another library."""
    for n in range(seen + 1, 700):
        right = floor(level * n)
        low = binomtest(right, n).proportion_ci(0.9, method="exact").low
        if 100 * (low - float(constant)) >= margin:
            return n
    return None


@pytest.mark.parametrize(
    ("level", "constant", "margin"),
    [
        (Fraction(9, 10), Fraction(8, 10), 5.0),
        (Fraction(1), Fraction(9, 10), 5.0),
        (Fraction(7, 10), Fraction(1, 2), 10.0),
        (Fraction(97, 100), Fraction(3, 4), 15.0),
    ],
)
def test_the_cases_needed_are_about_the_first_that_clear(
    level: Fraction, constant: Fraction, margin: float
) -> None:
    """A case more may be one wrong more: the search may pass over an early, lucky number."""
    gap = Gap(level=float(level), constant=float(constant), margin=margin)
    found, first = gap.cases_needed(10), needed_by_hand(level, constant, margin, 10)
    assert found is not None
    assert first is not None
    assert isinstance(found, int)
    assert first <= found <= first + 20
    for n in range(11, 400):
        low = binomtest(floor(level * n), n).proportion_ci(0.9, method="exact").low
        room = 100 * (low - float(constant)) - margin
        if abs(room) > 1e-9:
            assert gap.clears(n) == (room > 0), n
    assert gap.clears(found)
    assert not gap.clears(found - 1)


def test_a_bound_that_just_reaches_the_margin_clears_it() -> None:
    low = level_lower([1.0] * 50, list(range(50)))
    exact = 100 * (low - 0.5)
    assert Gap(level=1.0, constant=0.5, margin=exact).clears(50)
    assert not Gap(level=1.0, constant=0.5, margin=exact + 1e-9).clears(50)


def test_beyond_twenty_thousand_cases_nobody_thinks() -> None:
    reachable, beyond = (Gap(level=0.9, constant=0.9 - gap, margin=0.0) for gap in (0.0036, 0.0034))
    found = reachable.cases_needed(100)
    assert found is not None
    assert 18_000 < found <= 20_000
    assert beyond.cases_needed(100) is None
