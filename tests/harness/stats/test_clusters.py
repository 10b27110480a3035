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


def test_swapping_the_arms_mirrors_the_interval() -> None:
    values, labels = _data()
    ours = clusters.robust_bounds(np.sign(values), labels, 0.05)
    theirs = clusters.robust_bounds(-np.sign(values), labels, 0.05)
    assert float(ours.lower) == pytest.approx(-float(theirs.upper))


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


def test_whole_clusters_that_were_lost_make_fewer_independent_cases() -> None:
    spread = np.zeros(300)
    spread[::30] = -1.0
    lumped = np.zeros(300)
    lumped[:10] = -1.0
    labels = np.repeat(np.arange(60), 5)
    apart = float(clusters.robust_p(spread, labels, 0.08))
    together = float(clusters.robust_p(lumped, labels, 0.08))
    assert apart < together


def test_rare_losses_of_whole_clusters_do_not_fool_it() -> None:
    """At the margin, every loss a whole cluster: cluster-robust t alone errs twice as often."""
    rng = np.random.default_rng(6)
    labels = np.repeat(np.arange(40), 5)
    lost = np.repeat(rng.random((8000, 40)) < 0.1, 5, axis=1)
    values = np.where(lost, -1.0, 0.0)
    robust = clusters.p_value(clusters.cluster_mean(values, labels), 0.1)
    assert float((robust < 0.05).mean()) > 0.07
    assert float((clusters.robust_p(values, labels, 0.1) < 0.05).mean()) <= 0.06
