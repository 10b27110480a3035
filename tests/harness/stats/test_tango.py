from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from harness.stats import tango
from tests.support.laws import law
from tests.support.newcombe import newcombe

tables = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 400))


def test_the_published_example_gives_the_published_interval() -> None:
    interval = tango.bounds(7, 1, 21, 0.025)
    assert (round(float(interval.lower), 4), round(float(interval.upper), 4)) == (-0.5172, -0.0260)


def test_newcombe_on_the_same_example_is_the_other_published_interval() -> None:
    lower, upper = newcombe(1, 7, 1, 12, 0.025)
    assert (round(lower, 4), round(upper, 4)) == (-0.5069, -0.0256)


@law
@given(tables)
def test_stays_near_newcombe(table: tuple[int, int, int]) -> None:
    losses, gains, agreed = table
    assume(losses + gains + agreed >= 30)
    both = agreed // 2
    lower, upper = newcombe(both, losses, gains, agreed - both, 0.05)
    interval = tango.bounds(losses, gains, losses + gains + agreed, 0.05)
    assert abs(float(interval.lower) - lower) < 0.08
    assert abs(float(interval.upper) - upper) < 0.08


def _restricted_z(losses: int, gains: int, n: int, difference: float) -> float:
    """The score by numerical maximum likelihood under the constraint, not by the formula."""

    def minus_log_likelihood(lost: float) -> float:
        won = lost + difference
        rest = 1 - lost - won
        parts = ((losses, lost), (gains, won), (n - losses - gains, rest))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in parts if k)

    low, high = max(0.0, -difference), (1 - difference) / 2
    found = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    )
    variance = n * (2 * found.x + difference - difference**2)
    return (gains - losses - n * difference) / math.sqrt(variance)


@pytest.mark.parametrize("table", [(7, 1, 21), (12, 9, 300), (3, 20, 80), (30, 2, 90)])
@pytest.mark.parametrize("difference", [-0.2, -0.05, 0.03])
def test_agrees_with_numerical_maximum_likelihood(
    table: tuple[int, int, int], difference: float
) -> None:
    assert float(tango.score_z(*table, difference)) == pytest.approx(
        _restricted_z(*table, difference), abs=1e-4
    )


def test_at_no_difference_it_is_mcnemar() -> None:
    z = float(tango.score_z(20, 9, 200, 0.0))
    assert z**2 == pytest.approx((20 - 9) ** 2 / (20 + 9))


@law
@given(tables, st.floats(1e-6, 0.3))
def test_swapping_the_arms_mirrors_the_interval(table: tuple[int, int, int], level: float) -> None:
    losses, gains, agreed = table
    n = losses + gains + agreed
    assume(n > 0)
    ours, theirs = tango.bounds(losses, gains, n, level), tango.bounds(gains, losses, n, level)
    assert float(ours.lower) == pytest.approx(-float(theirs.upper), abs=1e-9)


@law
@given(tables, st.floats(1e-5, 0.3), st.floats(0.005, 0.3))
def test_the_bound_clears_the_margin_exactly_when_the_test_passes(
    table: tuple[int, int, int], level: float, margin: float
) -> None:
    losses, gains, agreed = table
    n = losses + gains + agreed
    assume(n > 0)
    p = float(tango.p_value(losses, gains, n, margin))
    lower = float(tango.bounds(losses, gains, n, level).lower)
    assume(abs(p - level) > 1e-9 * level and abs(lower + margin) > 1e-9)
    assert (lower > -margin) == (p < level)


@law
@given(tables, st.floats(0.005, 0.3))
def test_an_agreeing_case_never_hurts_and_turning_a_loss_into_agreement_never_hurts(
    table: tuple[int, int, int], margin: float
) -> None:
    losses, gains, agreed = table
    n = losses + gains + agreed
    assume(n > 0)
    now = float(tango.p_value(losses, gains, n, margin))
    for level in (0.05, 0.01):
        if now < level:
            assert float(tango.p_value(losses, gains, n + 1, margin)) < level
    if losses:
        assert float(tango.p_value(losses - 1, gains, n, margin)) <= now + 1e-12


def test_no_disagreement_is_not_zero_width() -> None:
    interval = tango.bounds(0, 0, 50, 0.05)
    unseen = 1 - 0.05 ** (1 / 50)
    assert unseen > stats.norm.isf(0.05) ** 2 / (50 + stats.norm.isf(0.05) ** 2)
    assert float(interval.lower) == pytest.approx(-unseen, abs=1e-9)
    assert float(interval.upper) == pytest.approx(unseen, abs=1e-9)


@pytest.mark.parametrize(("losses", "n", "level"), [(0, 60, 0.05), (2, 300, 0.05), (7, 120, 0.01)])
def test_where_nothing_was_gained_it_is_no_bolder_than_the_exact_test(
    losses: int, n: int, level: float
) -> None:
    exact = stats.binomtest(losses, n, 0.02, alternative="less").pvalue
    assert float(tango.p_value(losses, 0, n, 0.02)) >= exact - 1e-12
    most = stats.binomtest(losses, n, alternative="less").proportion_ci(1 - level).high
    assert float(tango.bounds(losses, 0, n, level).lower) <= -most + 1e-9


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05, 0.1])
def test_losses_alone_err_at_most_alpha_at_every_size(margin: float) -> None:
    """The size at which the score test alone errs 1.35 alpha is among them."""
    n = np.arange(20, 700)
    losses = np.arange(60)[:, None]
    passes = tango.p_value(losses, 0, n, margin) < 0.05
    chance = stats.binom.pmf(losses, n, margin)
    assert float((chance * passes).sum(axis=0).max()) <= 0.05 + 1e-9


def test_without_a_case_there_is_no_number() -> None:
    interval = tango.bounds(0, 0, 0, 0.05)
    assert math.isnan(float(interval.lower))
    assert math.isnan(float(tango.p_value(0, 0, 0, 0.03)))


@pytest.mark.parametrize("margin", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("level", [0.05, 0.01, 0.001])
def test_the_smallest_sample_is_the_first_that_clears_without_disagreement(
    margin: float, level: float
) -> None:
    n = tango.smallest_sample(margin, level)
    assert float(tango.p_value(0, 0, n, margin)) < level
    assert float(tango.p_value(0, 0, n - 1, margin)) >= level


def test_arrays_give_what_single_tables_give() -> None:
    losses, gains = np.array([0, 3, 9]), np.array([4, 3, 0])
    together = tango.bounds(losses, gains, 100, 0.05)
    apart = [float(tango.bounds(b, c, 100, 0.05).lower) for b, c in zip(losses, gains, strict=True)]
    assert together.lower.tolist() == pytest.approx(apart)


def test_a_loss_of_exactly_the_margin_is_as_likely_as_not() -> None:
    assert float(tango.p_value(6, 1, 100, 0.05)) == 0.5


def test_one_case_is_a_sample_and_none_is_not() -> None:
    assert 0 < float(tango.p_value(0, 1, 1, 0.5)) < 0.5
    assert math.isnan(float(tango.score_z(0, 0, 0, 0.1)))


@pytest.mark.parametrize("n", [1, 2, 30])
def test_where_every_case_was_lost_nothing_is_shown(n: int) -> None:
    assert float(tango.p_value(n, 0, n, 0.5)) == 1.0
    assert float(tango.bounds(n, 0, n, 0.05).lower) == -1.0
