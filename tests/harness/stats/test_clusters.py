from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from harness.stats import clusters, tango


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
    for margin in (0.05, 0.2, 0.25):
        plain = stats.ttest_1samp(values, -margin, alternative="greater")
        assert float(clusters.p_value(found, margin)) == pytest.approx(float(plain.pvalue))
    interval = plain.confidence_interval(0.9)
    assert float(clusters.bounds(found, 0.1).lower) == pytest.approx(float(interval.low))


@pytest.mark.parametrize("groups", [2, 3, 5, 12])
@pytest.mark.parametrize("size", [1, 4])
def test_a_few_clusters_are_students_t_of_their_means(groups: int, size: int) -> None:
    """With so few, each degree of freedom tells."""
    rng = np.random.default_rng(groups)
    means = rng.normal(-0.1, 0.2, groups)
    inside = np.tile(np.linspace(-0.1, 0.1, size) if size > 1 else [0.0], groups)
    found = clusters.cluster_mean(
        np.repeat(means, size) + inside, np.repeat(np.arange(groups), size)
    )
    for margin in (0.0, 0.1, 0.3):
        plain = stats.ttest_1samp(means, -margin, alternative="greater")
        assert float(clusters.p_value(found, margin)) == pytest.approx(float(plain.pvalue))
    interval = stats.ttest_1samp(means, 0).confidence_interval(0.9)
    bounds = clusters.bounds(found, 0.05)
    assert float(bounds.lower) == pytest.approx(float(interval.low))
    assert float(bounds.upper) == pytest.approx(float(interval.high))


def test_a_loss_of_exactly_the_margin_in_every_cluster_is_undecided() -> None:
    found = clusters.cluster_mean([-0.25, -0.25, -0.25], [1, 2, 3])
    assert float(found.error) == 0
    assert float(clusters.p_value(found, 0.25)) == 0.5
    assert float(clusters.p_value(found, 0.5)) == 0.0


def test_a_cluster_without_a_score_is_none() -> None:
    found = clusters.cluster_mean([0.5, -0.5, math.nan, math.nan, 0.25], [1, 2, 9, 9, 3])
    assert (int(found.clusters), int(found.n)) == (3, 3)
    assert float(found.error) == pytest.approx(
        float(clusters.cluster_mean([0.5, -0.5, 0.25], [1, 2, 3]).error)
    )


@pytest.mark.parametrize(("groups", "tested"), [(19, False), (20, True)])
def test_twenty_clusters_carry_a_test(groups: int, *, tested: bool) -> None:
    values, labels = np.zeros(5 * groups), np.repeat(np.arange(groups), 5)
    assert math.isnan(float(clusters.robust_p(values, labels, 0.05))) != tested
    found = clusters.robust_bounds(values, labels, 0.05)
    assert math.isnan(float(found.lower)) == math.isnan(float(found.upper)) != tested


@pytest.mark.parametrize(
    ("sizes", "lost", "effect"),
    [
        pytest.param([5] * 40, 2, 5.0, id="all that is lost is lost as a whole"),
        pytest.param([1] * 200, 10, 1.0, id="every case for itself"),
        pytest.param([2] * 20 + [6] * 20, 2, None, id="of unequal size"),
    ],
)
def test_clusters_count_for_as_many_cases_as_they_are_worth(
    sizes: list[int], lost: int, effect: float | None
) -> None:
    """Squared sums over squares, with a quarter of a cluster more lost as a whole."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    values = np.where(labels < lost, -1.0, 0.0)
    mean_size = sum(size**2 for size in sizes) / sum(sizes)
    together = sum(size**2 for size in sizes[:lost]) + mean_size**2 / 4
    by_hand = together / (sum(sizes[:lost]) + mean_size / 4)
    assert effect is None or by_hand == pytest.approx(effect)
    losses, n = sum(sizes[:lost]) / by_hand, sum(sizes) / by_hand
    robust = clusters.cluster_mean(values, labels)
    for margin in (0.06, 0.1, 0.2):
        plain = float(tango.p_value(losses, 0, n, margin))
        wanted = max(plain, float(clusters.p_value(robust, margin)))
        assert float(clusters.robust_p(values, labels, margin)) == pytest.approx(wanted)
    narrow, wide = clusters.bounds(robust, 0.05), tango.bounds(losses, 0, n, 0.05)
    found = clusters.robust_bounds(values, labels, 0.05)
    assert float(found.lower) == pytest.approx(min(float(narrow.lower), float(wide.lower)))
    assert float(found.upper) == pytest.approx(max(float(narrow.upper), float(wide.upper)))


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
