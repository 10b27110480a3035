"""Gaffke's bound beside the exact binomial one, random weights, and its own laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats import gaffke
from tests.benchmarks.decision import graded

VALUES = st.lists(st.sampled_from([-1.0, -0.5, -0.01, 0.0, 0.2, 1.0]), min_size=1, max_size=60)


@pytest.mark.parametrize("n", [1, 5, 59, 100, 1000])
@pytest.mark.parametrize("margin", [0.01, 0.05, 0.3])
def test_with_wholly_lost_cases_alone_it_is_the_exact_binomial_test(n: int, margin: float) -> None:
    for lost in {0, 1, 3, n // 20, n // 2, n}:
        if lost <= n:
            found = gaffke.p_value([-1.0] * lost + [0.0] * (n - lost), margin)
            wanted = stats.binom.cdf(lost, n, margin)
            assert found == pytest.approx(wanted, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("n", [3, 20, 150])
def test_it_is_the_chance_of_a_weighted_mean_below_the_margin(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(0.0, 0.3, n).clip(-1, 1)
    for margin in (0.02, 0.1):
        weights = rng.exponential(size=(40_000, n + 1))
        below = (weights @ np.append(values + margin, margin - 1) <= 0).mean()
        assert gaffke.p_value(values, margin) == pytest.approx(below, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(values=VALUES, margin=st.floats(0.005, 0.4), level=st.sampled_from([0.001, 0.05]))
def test_a_bound_clears_the_margin_exactly_when_the_test_passes(
    values: list[float], margin: float, level: float
) -> None:
    found, p = gaffke.bounds(values, level), gaffke.p_value(values, margin)
    if abs(p - level) > 1e-6:
        assert (float(found.lower) > -margin) == (p < level)
    mean = sum(values) / len(values)
    assert float(found.lower) <= mean + 1e-9
    assert float(found.upper) >= mean - 1e-9
    assert gaffke.p_value([*values, 1.0], margin) <= p + 1e-9


def test_of_many_samples_it_is_what_it_is_of_each() -> None:
    rng = np.random.default_rng(3)
    few = rng.choice([-1.0, 0.0, 0.1], (5, 40), p=[0.1, 0.6, 0.3])
    few[0, 3] = math.nan
    for rows in (few, rng.uniform(-0.3, 0.2, (3, 80))):
        found = gaffke.p_at(rows, 0.05, (10, 40))
        for row, got in zip(rows, found, strict=True):
            assert got == pytest.approx([gaffke.p_value(row[:end], 0.05) for end in (10, 40)])
    nothing = gaffke.p_at(np.full((1, 4), math.nan), 0.05, (2, 4))
    assert np.isnan(nothing).all()


def test_without_a_case_nothing_is_known() -> None:
    found = gaffke.bounds([], 0.05)
    assert (float(found.lower), float(found.upper)) == (-1.0, 1.0)
    assert gaffke.p_value([], 0.05) == 1.0
    assert gaffke.p_value([-1.0] * 30, 0.05) == 1.0


@pytest.mark.parametrize("margin", [0.02, 0.05])
def test_the_smallest_sample_is_the_first_that_clears(margin: float) -> None:
    n = gaffke.smallest_sample(margin, 0.05)
    assert gaffke.p_value([0.0] * n, margin) < 0.05 <= gaffke.p_value([0.0] * (n - 1), margin)


@pytest.mark.slow
@pytest.mark.parametrize("name", graded.SHAPES)
@pytest.mark.parametrize("size", [100, 400])
def test_at_the_margin_it_errs_no_more_than_its_level(name: str, size: int) -> None:
    shape = graded.shape_of(name, 0.05)
    assert shape.mean == pytest.approx(-0.05)
    runs = 1500
    assert graded.error("Gaffke", shape, size, (0.05, 0.05), runs) <= 0.05 + 3 * 0.0056
    assert graded.looks_error(shape, size, 0.05, 400) <= 0.05 + 3 * 0.011


@pytest.mark.slow
@pytest.mark.parametrize("name", graded.SHAPES)
def test_it_is_nearly_as_narrow_as_the_bootstrap(name: str) -> None:
    found = graded.width(graded.shape_of(name, 0.05), 400, 0.05)
    assert found["Gaffke"] <= 1.4 * found["BCa"]
    assert found["Gaffke"] < 0.75 * found["betting"]
