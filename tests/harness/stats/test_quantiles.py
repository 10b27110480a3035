from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.stats.quantiles import percentile, smallest_sample


@pytest.mark.parametrize(("share", "n"), [(0.95, 59), (0.99, 299), (0.5, 5)])
def test_too_few_samples_give_no_percentile(share: float, n: int) -> None:
    assert smallest_sample(share) == n
    assert percentile([1.0] * (n - 1), share) is None
    assert percentile([1.0] * n, share) is not None


def test_no_sample_gives_no_percentile() -> None:
    assert percentile([], 0.5) is None


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("n", [60, 61, 137])
def test_each_bound_covers_and_the_next_rank_would_not(share: float, n: int) -> None:
    samples = [float(rank) for rank in range(1, n + 1)]
    found = percentile(samples, share)
    assert found is not None
    assert found.upper is not None
    assert found.lower is not None
    below = stats.binom(n, share)
    assert below.cdf(found.upper - 1) >= 0.95 > below.cdf(found.upper - 2)
    assert below.sf(found.lower - 1) >= 0.95 > below.sf(found.lower)


def test_coverage_on_a_skewed_distribution() -> None:
    rng = np.random.default_rng(3)
    truth = float(stats.lognorm.ppf(0.95, 1.0))
    found = [percentile(list(rng.lognormal(0, 1, 80)), 0.95) for _ in range(1500)]
    held = [item.upper >= truth for item in found if item and item.upper is not None]
    assert len(held) == 1500
    assert np.mean(held) >= 0.94


def test_the_value_is_an_observed_sample_and_order_is_irrelevant() -> None:
    found = percentile([float(v) for v in range(100, 0, -1)], 0.95)
    assert found is not None
    assert (found.value, found.n) == (95.0, 100)


def test_a_lower_bound_may_be_absent() -> None:
    found = percentile([1.0, 2.0, 3.0], 0.2)
    assert found is not None
    assert found.lower is None
