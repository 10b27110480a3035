from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.sequential.levels import gaussian, spend, union
from tests.support.laws import law

FIVE = (0.2, 0.4, 0.6, 0.8, 1.0)


def test_the_published_obrien_fleming_type_boundaries() -> None:
    """Lan-DeMets, five looks, one-sided 0.025: 4.877, 3.357, 2.680, 2.290, 2.031."""
    table = gaussian(FIVE, 1.0)
    z = [float(stats.norm.isf(table.at(0.025, look))) for look in range(5)]
    assert z == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-3)


@pytest.mark.parametrize("level", [0.05, 0.004])
def test_the_crossing_probability_is_the_level(level: float) -> None:
    rng = np.random.default_rng(4)
    steps = rng.normal(size=(400_000, 5)).cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    table = gaussian(FIVE, 0.8)
    p = stats.norm.sf(steps)
    crossed = np.any([p[:, k] < table.at(level, k) for k in range(5)], axis=0)
    assert float(crossed.mean()) == pytest.approx(level, rel=0.06)


def test_one_look_is_a_plain_test() -> None:
    table = gaussian((1.0,), 1.0)
    assert float(table.at(0.05, 0)) == pytest.approx(0.05, rel=1e-3)
    assert float(table.sequential(0.01, 0)) == pytest.approx(0.01, rel=1e-3)


@law
@given(st.floats(1e-6, 0.3), st.integers(0, 4))
def test_passing_at_a_level_is_having_a_smaller_sequential_p_value(level: float, look: int) -> None:
    table = gaussian(FIVE, 0.8)
    nominal = float(table.at(level, look))
    assert float(table.sequential(nominal, look)) == pytest.approx(level, rel=1e-6)
    assert float(table.sequential(nominal * 0.9, look)) < level
    assert float(table.sequential(min(nominal * 1.1, 1.0), look)) > level


@pytest.mark.parametrize(
    "table", [gaussian(FIVE, 0.8), gaussian((0.5, 1.0), 1.0), union(FIVE, 1.0)]
)
def test_boundaries_are_nested_in_the_level(table: object) -> None:
    assert bool((np.diff(table.nominal, axis=1) > 0).all())  # type: ignore[attr-defined]


def test_the_union_bound_spends_no_more_than_the_level() -> None:
    table = union(FIVE, 0.8)
    for level in (0.05, 0.001):
        total = sum(float(table.at(level, look)) for look in range(5))
        assert total == pytest.approx(level, rel=1e-3)
        gauss = gaussian(FIVE, 0.8)
        assert all(table.at(level, k) <= gauss.at(level, k) * 1.001 for k in range(5))


def test_everything_is_spent_at_the_end_and_little_at_the_start() -> None:
    assert float(spend(0.05, 1.0, 0.8)) == pytest.approx(0.05)
    assert float(spend(0.05, 0.2, 1.0)) < 1e-4


def test_a_hopeless_p_value_is_one() -> None:
    assert float(gaussian(FIVE, 1.0).sequential(0.9, 4)) == 1.0


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("first", [0.3, 0.5, 0.8])
def test_two_looks_agree_with_the_bivariate_normal(first: float, power: float) -> None:
    """An independent reference: the first look spends much where the power is small."""
    table = gaussian((first, 1.0), power)
    share = np.sqrt(first)
    together = stats.multivariate_normal(mean=[0, 0], cov=[[1, share], [share, 1]])
    for level in (0.025, 0.1):
        held = stats.norm.isf([float(table.at(level, look)) for look in (0, 1)])
        assert 1 - together.cdf(held) == pytest.approx(level, rel=2e-3)
        spent = float(spend(level, first, power))
        assert float(table.at(level, 0)) == pytest.approx(spent, rel=1e-3)


def test_the_largest_level_is_the_last_of_the_table() -> None:
    table = gaussian(FIVE, 1.0)
    for look in range(5):
        last = float(table.nominal[look, -1])
        assert float(table.sequential(last, look)) == pytest.approx(0.5)
        assert float(table.sequential(last * 0.999, look)) < 0.5
        assert float(table.sequential(last * 1.001, look)) == 1.0
        inside = float(table.at(0.49, look))
        assert float(table.sequential(inside, look)) == pytest.approx(0.49)
