"""The smallest level at which each look passes, method by method."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import betting, clusters, tango
from harness.stats.arrays import moments_at, moments_of
from harness.stats.estimates import Method
from harness.stats.sequential.levels import TestRules, gaussian, look_levels, tango_levels, union

LOOKS = (60, 100, 160)
LABELS = np.arange(160) // 2


def rules(method: Method, **over: float) -> TestRules:
    return TestRules(method=method, margin=0.05, start=20, looks=LOOKS, **over)  # type: ignore[arg-type]


def some_differences() -> np.ndarray:
    """Two histories; what comes before the start is lost in whole, and counts for nothing."""
    rng = np.random.default_rng(3)
    values = rng.choice([-1.0, 0.0, 1.0], p=[0.02, 0.96, 0.02], size=(2, 160))
    values[:, :20] = -1.0
    return values


def test_information_begins_where_the_test_begins() -> None:
    assert rules("tango").fractions == pytest.approx((40 / 140, 80 / 140, 1.0))


def test_a_binary_look_passes_at_the_level_whose_boundary_is_its_p_value() -> None:
    table = gaussian(rules("tango").fractions, 0.8)
    values = some_differences()
    found = look_levels(rules("tango", spending=0.8), values, None)
    assert found.shape == (2, 3)
    for run in range(2):
        for look, end in enumerate(LOOKS):
            counted = values[run, 20:end]
            lost, won = (counted < 0).sum(), (counted > 0).sum()
            p = float(tango.p_value(lost, won, end - 20, 0.05))
            assert found[run, look] == pytest.approx(float(table.sequential(p, look)))
    by_moments = tango_levels(rules("tango", spending=0.8), moments_at(values, 20, LOOKS))
    assert by_moments.tolist() == found.tolist()


def test_a_look_by_betting_passes_at_one_over_its_wealth() -> None:
    values = some_differences()
    found = look_levels(rules("betting"), values, None)
    for look, end in enumerate(LOOKS):
        expected = [betting.p_value(values[run, 20:end], 0.05) for run in range(2)]
        assert found[:, look] == pytest.approx(expected)
    lost = look_levels(rules("betting"), np.full((1, 160), -1.0), None)
    assert lost.tolist() == [[1.0, 1.0, 1.0]]


def test_a_look_by_clusters_passes_by_the_union_bound_and_not_with_too_few() -> None:
    values = some_differences()
    found = look_levels(rules("cluster-t"), values, LABELS)
    table = union(rules("cluster-t").fractions, 1.0)
    for look, end in enumerate(LOOKS):
        p = clusters.robust_p(values[:, 20:end], LABELS[20:end], 0.05)
        assert found[:, look] == pytest.approx(table.sequential(p, look))
    few = look_levels(rules("cluster-t"), values, np.arange(160) // 5)
    assert np.isnan(few[:, 0]).all()
    assert not np.isnan(few[:, 2]).any()


def test_a_test_by_clusters_needs_them() -> None:
    with pytest.raises(ValueError, match="needs the clusters"):
        look_levels(rules("cluster-t"), some_differences(), None)


def test_the_nominal_level_of_a_look_is_its_boundary() -> None:
    tables = {"tango": gaussian, "cluster-t": union}
    for method, table in tables.items():
        made = rules(method)  # type: ignore[arg-type]
        for look in range(3):
            expected = float(table(made.fractions, 1.0).at(0.03, look))
            assert made.nominal(0.03, look) == pytest.approx(expected)
    assert rules("betting").boundaries() is None
    assert rules("betting").nominal(0.03, 1) == 0.03


def test_another_margin_changes_nothing_else() -> None:
    other = rules("tango").at_margin(0.1)
    assert (other.margin, other.looks, other.start) == (0.1, LOOKS, 20)


def test_moments_are_count_sum_and_sum_of_squares() -> None:
    found = moments_of([1.0, -0.5, 0.25, 0.0])
    assert (float(found.n), float(found.total), float(found.squares)) == (4, 0.75, 1.3125)
    at = moments_at([[9.0, 1.0, -0.5, np.nan, 0.25]], 1, (3, 5))
    assert at.n.tolist() == [[2, 3]]
    assert at.total.tolist() == [[0.5, 0.75]]
    assert at.squares.tolist() == [[1.25, 1.3125]]
    last = at.last()
    assert (last.n.tolist(), last.total.tolist(), last.squares.tolist()) == (
        [[3]],
        [[0.75]],
        [[1.3125]],
    )
    both = at.plus(found)
    assert both.n.tolist() == [[6, 7]]
    assert both.total.tolist() == [[1.25, 1.5]]
    assert both.squares.tolist() == [[2.5625, 2.625]]
