"""The lower bound of a level, and how many cases would lift it above a constant answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.plan.hopeless import all_right_lower
from harness.stats.sequential.power import MOST_CASES, Gap, level_lower


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
    assert level_lower([], []) == 0.0


def test_the_cases_needed_are_the_fewest_that_clear() -> None:
    gap = Gap(level=0.9, constant=0.8, margin=5.0)
    needed = gap.cases_needed(30)
    assert needed is not None
    assert gap.clears(needed)
    assert not gap.clears(needed - 1)
    assert 100 < needed < 300
    assert Gap(level=0.84, constant=0.8, margin=5.0).cases_needed(30) is None
    assert MOST_CASES == 20_000
