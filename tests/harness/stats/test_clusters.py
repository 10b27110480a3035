from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from harness.stats import clusters


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(30), rng.integers(1, 6, 30))
    shared = rng.normal(0, 0.3, 30)[labels]
    return np.clip(shared + rng.normal(0, 0.3, labels.size), -1, 1), labels


def test_agrees_with_statsmodels() -> None:
    values, labels = _data()
    fit = sm.OLS(values, np.ones(values.size)).fit(
        cov_type="cluster", cov_kwds={"groups": labels, "df_correction": False}
    )
    found = clusters.cluster_mean(values, labels)
    groups, n = 30, values.size
    assert float(found.mean) == pytest.approx(float(fit.params[0]))
    stata = math.sqrt((groups / (groups - 1)) * ((n - 1) / (n - 1)))
    assert float(found.error) == pytest.approx(float(fit.bse[0]), rel=1e-9) or float(
        found.error
    ) == pytest.approx(float(fit.bse[0]) * stata, rel=1e-9)


def test_singletons_are_the_plain_t_test() -> None:
    values, _ = _data()
    found = clusters.cluster_mean(values, np.arange(values.size))
    plain = stats.ttest_1samp(values, -0.05, alternative="greater")
    assert float(clusters.p_value(found, 0.05)) == pytest.approx(float(plain.pvalue))
    interval = plain.confidence_interval(0.9)
    assert float(clusters.bounds(found, 0.1).lower) == pytest.approx(float(interval.low))


def test_one_cluster_has_no_error_and_nothing_passes() -> None:
    found = clusters.cluster_mean([0.0, 1.0], [7, 7])
    assert math.isnan(float(found.error))
    assert math.isnan(float(clusters.p_value(found, 0.05)))


def test_missing_scores_are_left_out() -> None:
    full = clusters.cluster_mean([0.5, -0.5, 0.25], [1, 2, 3])
    with_gap = clusters.cluster_mean([0.5, -0.5, math.nan, 0.25], [1, 2, 2, 3])
    assert float(full.error) == pytest.approx(float(with_gap.error))
    assert int(with_gap.n) == 3


def test_duplicating_every_case_inside_its_cluster_adds_no_information() -> None:
    values, labels = _data()
    once = clusters.cluster_mean(values, labels)
    twice = clusters.cluster_mean(np.tile(values, 2), np.tile(labels, 2))
    assert float(once.error) == pytest.approx(float(twice.error))
