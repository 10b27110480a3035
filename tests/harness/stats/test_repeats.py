from __future__ import annotations

import numpy as np
import pytest

from harness.stats.reliability import noise_floor, spread


def test_the_variance_components_are_found_again() -> None:
    rng = np.random.default_rng(1)
    cases = rng.normal(0.5, 0.2, (4000, 1))
    found = spread(cases + rng.normal(0, 0.1, (4000, 4)))
    assert found is not None
    assert found.between == pytest.approx(0.04, rel=0.1)
    assert found.within == pytest.approx(0.01, rel=0.05)
    assert (found.cases, found.repeats) == (4000, 4)


def test_every_time_is_the_share_of_cases_without_a_wrong_repeat() -> None:
    found = spread([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert found is not None
    assert (found.mean, found.every) == (pytest.approx(8 / 12), 0.5)
    graded = spread([[1.0, 0.5], [1.0, 1.0]])
    assert graded is not None
    assert graded.every is None


def test_pure_noise_has_no_variance_between_cases() -> None:
    found = spread([[1.0, 0.0]] * 50)
    assert found is not None
    assert (found.between, found.within) == (0.0, 0.5)


def test_an_arm_against_itself_shows_the_noise_floor() -> None:
    found = noise_floor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [np.nan, 1.0], [0.0, 0.0]])
    assert found is not None
    assert (found.disagreement, found.difference, found.cases) == (0.5, 0.0, 4)
    assert found.error > 0


def test_without_repeats_nothing_is_known() -> None:
    assert spread([[1.0], [0.0]]) is None
    assert noise_floor([[1.0], [0.0]]) is None
    assert noise_floor([[1.0, 0.0]]) is None


def test_the_components_are_those_of_the_analysis_of_variance() -> None:
    scores = np.array([[1.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.25]])
    within = float(np.mean([row.var(ddof=1) for row in scores]))
    means = scores.mean(axis=1)
    found = spread(scores)
    assert found is not None
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx(means.var(ddof=1) - within / 3)
    two = spread(scores[:2, :2])
    assert two is not None
    assert (two.cases, two.repeats) == (2, 2)


def test_the_noise_is_that_of_the_first_two_repeats() -> None:
    scores = np.array([[1.0, 0.0, 9.0], [0.0, 0.5, 9.0], [1.0, 1.0, 9.0]])
    found = noise_floor(scores)
    assert found is not None
    later = np.array([-1.0, 0.5, 0.0])
    assert found.difference == pytest.approx(later.mean())
    assert found.error == pytest.approx(later.std(ddof=1) / np.sqrt(3))
    assert found.disagreement == pytest.approx(2 / 3)
    two = noise_floor(scores[:2])
    assert two is not None
    assert two.cases == 2


def test_a_case_that_lacks_a_repeat_is_left_out() -> None:
    found = spread([[1.0, np.nan], [1.0, 0.0], [0.0, 0.0]])
    assert found is not None
    assert found.cases == 2
    assert spread([[1.0, np.nan], [1.0, 0.0]]) is None
