from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import betting
from tests.support.laws import law

differences = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=1, max_size=60)


def test_the_wealth_is_a_fair_game_when_the_claim_is_true() -> None:
    """Mean wealth over every sequence of fair coin differences is exactly 1."""
    sequences = np.array(np.meshgrid(*[[-1.0, 1.0]] * 8)).reshape(8, -1).T
    wealth = np.exp(betting.log_wealth_at(sequences, 0.0, (8,))[:, 0])
    assert float(wealth.mean()) == pytest.approx(1.0)


@law
@given(differences)
def test_swapping_the_arms_mirrors_the_interval(values: list[float]) -> None:
    ours, theirs = betting.bounds(values, 0.05), betting.bounds([-v for v in values], 0.05)
    assert float(ours.lower) == pytest.approx(-float(theirs.upper), abs=1e-9)


@law
@given(differences, st.floats(0.005, 0.4))
def test_an_agreeing_case_never_hurts_and_turning_a_loss_into_agreement_never_hurts(
    values: list[float], margin: float
) -> None:
    now = betting.p_value(values, margin)
    assert betting.p_value([*values, 0.0], margin) <= now + 1e-12
    better = [0.0 if value < 0 else value for value in values]
    assert betting.p_value(better, margin) <= now + 1e-12


@law
@given(differences, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert betting.log_wealth(values, -0.1) == pytest.approx(betting.log_wealth(shuffled, -0.1))


@law
@given(differences, st.floats(0.01, 0.4))
def test_the_bound_clears_the_margin_exactly_when_the_test_passes(
    values: list[float], margin: float
) -> None:
    p = betting.p_value(values, margin)
    for level in (0.05, 0.2):
        if abs(p - level) > 1e-6:
            assert (float(betting.bounds(values, level).lower) > -margin) == (p < level)


def test_rare_total_losses_do_not_fool_it() -> None:
    """Many tiny gains and rare total losses: a t test errs in a quarter of the runs here."""
    rng = np.random.default_rng(7)
    n, runs, margin, rare = 100, 4000, 0.03, 0.035
    tiny = (rare - margin) / (1 - rare)
    draws = np.where(rng.random((runs, n)) < rare, -1.0, tiny)
    assert rare * -1 + (1 - rare) * tiny == pytest.approx(-margin)
    p = np.exp(-betting.log_wealth_at(draws, -margin, (n,))[:, 0])
    assert float((p < 0.05).mean()) <= 0.05
    mean, error = draws.mean(axis=1), draws.std(axis=1, ddof=1) / math.sqrt(n)
    assert float((mean - 1.66 * error > -margin).mean()) > 0.12


def test_a_sequence_may_be_looked_at_whenever() -> None:
    rng = np.random.default_rng(8)
    draws = rng.choice([-1.0, 0.0, 1.0], p=[0.075, 0.88, 0.045], size=(3000, 400))
    looks = betting.log_wealth_at(draws, -0.03, tuple(range(10, 401, 10)))
    assert float((looks.max(axis=1) > -math.log(0.05)).mean()) <= 0.05


def test_missing_scores_are_left_out() -> None:
    assert betting.log_wealth([0.5, math.nan, -1.0], 0.0) == betting.log_wealth([0.5, -1.0], 0.0)


def test_without_a_case_everything_is_possible() -> None:
    interval = betting.bounds([], 0.05)
    assert (float(interval.lower), float(interval.upper)) == pytest.approx((-1.0, 1.0))
    assert betting.p_value([], 0.03) == pytest.approx(1.0)


@pytest.mark.parametrize("margin", [0.02, 0.1])
def test_the_smallest_sample_is_the_first_that_clears_without_disagreement(margin: float) -> None:
    n = betting.smallest_sample(margin, 0.05)
    assert betting.p_value([0.0] * n, margin) < 0.05 <= betting.p_value([0.0] * (n - 1), margin)


def test_wealth_on_the_way_is_that_of_the_cases_so_far() -> None:
    values = [1.0, -0.5, 0.0, 0.25, -1.0, 0.5]
    found = betting.log_wealth_at(np.array([values, values[::-1]]), -0.1, (1, 4, 6))
    for row, held in zip(found, (values, values[::-1]), strict=True):
        assert row == pytest.approx([betting.log_wealth(held[:end], -0.1) for end in (1, 4, 6)])


def test_a_missing_score_on_the_way_changes_nothing() -> None:
    values = np.array([1.0, math.nan, -0.5])
    first, second, third = betting.log_wealth_at(values, -0.1, (1, 2, 3))
    assert first == second
    assert third == pytest.approx(betting.log_wealth([1.0, -0.5], -0.1))


def test_wealth_of_counts_is_that_of_the_cases() -> None:
    found = betting.log_wealth_of_counts(np.array([2.0]), np.array([3.0]), np.array([9.0]), -0.05)
    values = [-1.0] * 2 + [1.0] * 3 + [0.0] * 4
    assert found == pytest.approx([betting.log_wealth(values, -0.05)])


def test_no_p_value_is_above_one() -> None:
    assert betting.p_value([-1.0] * 30, 0.03) == 1.0


@pytest.mark.parametrize("margin", [0.5, 0.9, 0.97, 0.99])
def test_of_a_wide_margin_a_few_cases_are_enough(margin: float) -> None:
    n = betting.smallest_sample(margin, 0.05)
    clears = [betting.p_value([0.0] * size, margin) < 0.05 for size in range(1, 30)]
    assert n == 1 + clears.index(True)
    assert n <= 8
