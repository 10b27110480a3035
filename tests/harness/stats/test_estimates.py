from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.stats import betting, clusters, gaffke, tango
from harness.stats.estimates import (
    Method,
    Sample,
    estimate,
    harm_p_value,
    least_loss,
    level_estimate,
    p_value,
    smallest_sample,
)
from harness.stats.sequential.picked import PassedAt, after_passing


def test_a_binary_sample_is_tangos_table() -> None:
    found = estimate(Sample(differences=(-1.0,) * 7 + (1.0,) + (0.0,) * 13), "tango", 0.025)
    assert found is not None
    assert (round(found.lower, 4), round(found.upper, 4), found.n) == (-0.5172, -0.0260, 21)
    assert found.value == pytest.approx(-6 / 21)


@pytest.mark.parametrize("method", ["tango", "gaffke", "betting", "cluster-t"])
def test_no_case_no_number(method: object) -> None:
    assert estimate(Sample(differences=()), method, 0.05) is None  # type: ignore[arg-type]
    assert p_value(Sample(differences=()), method, 0.05) is None  # type: ignore[arg-type]


def test_tango_refuses_graded_scores() -> None:
    with pytest.raises(ValueError, match="gaffke"):
        estimate(Sample(differences=(0.5,)), "tango", 0.05)


def test_fewer_than_twenty_clusters_test_nothing() -> None:
    few = Sample(differences=(0.0,) * 38, clusters=tuple(range(19)) * 2)
    assert p_value(few, "cluster-t", 0.05) is None
    assert estimate(few, "cluster-t", 0.05) is None


def test_zero_variance_is_not_zero_width_in_clusters() -> None:
    same = Sample(differences=(0.0,) * 80, clusters=tuple(range(40)) * 2)
    found = estimate(same, "cluster-t", 0.05)
    assert found is not None
    assert found.lower == pytest.approx(float(tango.bounds(0, 0, 40, 0.05).lower))
    assert p_value(same, "cluster-t", 0.05) == pytest.approx(float(tango.p_value(0, 0, 40, 0.05)))


def test_dependent_cases_widen_the_interval() -> None:
    differences = (-1.0,) * 10 + (1.0,) * 6 + (0.0,) * 184
    apart = estimate(Sample(differences=differences), "tango", 0.05)
    together = estimate(
        Sample(differences=differences, clusters=tuple(i // 5 for i in range(200))),
        "cluster-t",
        0.05,
    )
    assert apart is not None
    assert together is not None
    assert together.lower < apart.lower


@pytest.mark.parametrize("method", ["gaffke", "betting", "cluster-t"])
def test_bound_and_test_agree(method: str) -> None:
    differences = (-1.0,) * 4 + (0.0,) * 296
    labels = tuple(i // 3 for i in range(300))
    sample = Sample(differences=differences, clusters=labels)
    for margin in (0.02, 0.04, 0.08):
        p = p_value(sample, method, margin)  # type: ignore[arg-type]
        found = estimate(sample, method, 0.03)  # type: ignore[arg-type]
        assert p is not None
        assert found is not None
        assert (found.lower > -margin) == (p < 0.03)


def test_the_level_of_a_score_is_inside_its_interval() -> None:
    found = level_estimate(Sample(differences=(1.0,) * 90 + (0.0,) * 10), 0.05)
    assert found is not None
    assert 0.75 < found.lower < 0.9 < found.upper < 0.97
    assert level_estimate(Sample(differences=()), 0.05) is None
    clustered = level_estimate(
        Sample(differences=(1.0,) * 90 + (0.0,) * 10, clusters=tuple(i // 10 for i in range(100))),
        0.05,
    )
    assert clustered is not None
    assert clustered.lower < found.lower


def test_the_smallest_sample_depends_on_the_method() -> None:
    assert smallest_sample("tango", 0.05, 0.05) == 59
    assert smallest_sample("gaffke", 0.05, 0.05) == 59
    assert smallest_sample("betting", 0.05, 0.05) > 59


MIXED = (-1.0,) * 9 + (1.0,) * 4 + (0.0,) * 107
LABELS = tuple(place // 4 for place in range(120))


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.09])
def test_each_method_is_its_own_kernel(margin: float) -> None:
    sample = Sample(differences=MIXED, clusters=LABELS)
    kernels = {
        "tango": (tango.p_value(9, 4, 120, margin), tango.bounds(9, 4, 120, 0.05)),
        "betting": (betting.p_value(MIXED, margin), betting.bounds(MIXED, 0.05)),
        "gaffke": (gaffke.p_value(MIXED, margin), gaffke.bounds(MIXED, 0.05)),
        "cluster-t": (
            clusters.robust_p(MIXED, LABELS, margin),
            clusters.robust_bounds(MIXED, LABELS, 0.05),
        ),
    }
    assert len({round(float(p), 9) for p, _ in kernels.values()}) == 4
    for method, (p, bounds) in kernels.items():
        assert p_value(sample, method, margin) == float(p)  # type: ignore[arg-type]
        found = estimate(sample, method, 0.05)  # type: ignore[arg-type]
        assert found is not None
        assert (found.lower, found.upper) == (float(bounds.lower), float(bounds.upper))
        assert (found.level, found.n, found.method) == (0.05, 120, method)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_no_bound_lies_beyond_what_a_difference_can_be(sign: float) -> None:
    values = np.repeat([sign] * 19 + [-sign], 2)
    labels = tuple(np.repeat(range(20), 2).tolist())
    raw = clusters.robust_bounds(values, labels, 0.05)
    assert max(-float(raw.lower), float(raw.upper)) > 1
    found = estimate(Sample(differences=tuple(values), clusters=labels), "cluster-t", 0.05)
    assert found is not None
    assert (found.lower if sign < 0 else found.upper) == sign
    assert -1 <= found.lower < found.upper <= 1


def test_no_bound_of_a_level_lies_beyond_one() -> None:
    scores = tuple(np.repeat([1.0] * 19 + [0.0], 2).tolist())
    labels = tuple(np.repeat(range(20), 2).tolist())
    found = level_estimate(Sample(differences=scores, clusters=labels), 0.01)
    assert found is not None
    assert found.upper == 1.0


def test_cases_that_are_each_a_cluster_are_independent() -> None:
    scores = (1.0, 0.5, 0.25) * 20
    alone = Sample(differences=scores, clusters=tuple(range(60)))
    assert level_estimate(alone, 0.05) == level_estimate(Sample(differences=scores), 0.05)


@pytest.mark.parametrize("method", ["tango", "gaffke", "cluster-t"])
@pytest.mark.parametrize("lost", [0, 6, 14, 20, 40])
def test_harm_is_shown_exactly_where_the_least_loss_lies_beyond_the_margin(
    method: Method, lost: int
) -> None:
    values = (-1.0,) * lost + (1.0,) * 4 + (0.0,) * (116 - lost)
    sample = Sample(differences=values, clusters=LABELS)
    for margin in (0.01, 0.05, 0.1):
        p = harm_p_value(sample, method, margin)
        assert p is not None
        for level in (0.003, 0.05):
            upper = least_loss(sample, method, level)
            assert upper is not None
            assert (upper < -margin) == (p < level)


def test_harm_is_shown_by_more_losses_than_the_share_of_the_margin_explains() -> None:
    """Without a gain the exact binomial test is a lower bound of the p-value."""
    for lost in range(3, 30):
        found = harm_p_value(
            Sample(differences=(-1.0,) * lost + (0.0,) * (200 - lost)), "tango", 0.05
        )
        assert found is not None
        assert found >= stats.binom.sf(lost - 1, 200, 0.05)
    assert harm_p_value(Sample(differences=()), "tango", 0.05) is None
    assert least_loss(Sample(differences=()), "tango", 0.05) is None
    few = Sample(differences=(-1.0,) * 4, clusters=(0, 1, 2, 3))
    assert harm_p_value(few, "cluster-t", 0.05) is None
    assert least_loss(few, "cluster-t", 0.05) is None


ONE = PassedAt(look=0, levels=(0.05,), fractions=(1.0,))


def test_what_was_picked_is_corrected_towards_its_bound() -> None:
    rng = np.random.default_rng(7)
    true, n = -0.02, 300
    lost, won = rng.binomial(n, 0.06, 4000), rng.binomial(n, 0.04, 4000)
    bound = tango.bounds(lost, won, n, 0.05).lower
    passed = bound > -0.05
    seen = ((won - lost) / n)[passed]
    told = [
        after_passing(float(v), float(b), 0.05, ONE)
        for v, b in zip(seen, bound[passed], strict=True)
    ]
    assert all(b <= t <= v for t, v, b in zip(told, seen, bound[passed], strict=True))
    assert seen.mean() - true > 0.01
    assert abs(float(np.mean(told)) - true) < 0.4 * (seen.mean() - true)
    assert after_passing(0.3, 0.2, 0.05, ONE) == pytest.approx(0.3, abs=1e-3)
    assert after_passing(-0.01, -0.01, 0.05, ONE) == -0.01


def test_over_looks_half_of_those_that_pass_are_told_too_good_a_difference() -> None:
    """Drawn from the process itself; at a truth where few pass, and where nearly all do."""
    times, levels, margin = (0.25, 0.5, 1.0), (0.002, 0.015, 0.04), 0.05
    edges = -stats.norm.ppf(levels) * np.sqrt(times)
    rng = np.random.default_rng(11)
    for truth in (-0.01, 0.02):
        steps = rng.normal(
            np.diff((0, *times)) * (truth + margin) / 0.02, np.sqrt(np.diff((0, *times))), (400, 3)
        )
        scores = np.cumsum(steps, axis=1)
        passes = scores > edges
        runs = np.flatnonzero(passes.any(axis=1))
        look = passes[runs].argmax(axis=1)
        told = []
        for run, k in zip(runs, look, strict=True):
            value = scores[run, k] / times[k] * 0.02 - margin
            lower = value + stats.norm.ppf(levels[k]) * 0.02 / np.sqrt(times[k])
            at = PassedAt(look=int(k), levels=levels, fractions=times)
            told.append(after_passing(float(value), float(lower), margin, at))
        too_good = (np.array(told) > truth).mean()
        assert abs(too_good - 0.5) < 3 * 0.5 / np.sqrt(len(runs)), (truth, len(runs))
