from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats.sequential.levels import holm
from tests.support.laws import law


@law
@given(st.lists(st.integers(1, 4000).map(lambda k: k / 20_000 + 1e-9), min_size=1, max_size=8))
def test_agrees_with_statsmodels(p_values: list[float]) -> None:
    result = holm(p_values, 0.05)
    expected = multipletests(p_values, 0.05, method="holm")[0]
    assert result.passed.tolist() == expected.tolist()
    assert (np.asarray(p_values) < result.level).tolist() == expected.tolist()


def test_an_absent_p_value_never_passes() -> None:
    assert holm([float("nan"), 1e-9], 0.05).passed.tolist() == [False, True]


def test_many_histories_at_once() -> None:
    rows = np.array([[0.01, 0.2], [0.04, 0.01], [0.03, 0.04]])
    assert holm(rows, 0.05).passed.tolist() == [[True, False], [True, True], [False, False]]


def test_a_p_value_that_only_reaches_its_level_does_not_pass() -> None:
    assert holm([0.05], 0.05).passed.tolist() == [False]
    assert holm([0.025, 0.04], 0.05).passed.tolist() == [False, False]


def test_each_level_is_the_one_that_decided() -> None:
    found = holm([0.04, 0.001, 0.02], 0.06)
    assert found.passed.tolist() == [True, True, True]
    assert found.level.tolist() == [0.06, 0.02, 0.03]
    stopped = holm([0.04, 0.001, 0.05], 0.06)
    assert stopped.passed.tolist() == [False, True, False]
    assert stopped.level.tolist() == [0.03, 0.02, 0.03]
