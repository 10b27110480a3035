from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from harness.stats.load import percentile, queued_percentile, smallest_sample


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


def queue_times(rng: np.random.Generator, load: float, n: int) -> list[float]:
    """Times in a queue of one exponential server, by Lindley's recursion, long settled."""
    wait, times = 0.0, []
    for service, gap in zip(
        rng.exponential(load, n + 500), rng.exponential(1, n + 500), strict=True
    ):
        times.append(wait + service)
        wait = max(wait + service - gap, 0.0)
    return times[500:]


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_of_requests_that_queue_the_bounds_hold_too(share: float) -> None:
    """M/M/1, half full: independent ranks miss three times as often as they say."""
    truth = -0.5 / (1 - 0.5) * np.log(1 - share)
    rng = np.random.default_rng(8)
    runs = [queue_times(rng, 0.5, 450) for _ in range(400)]
    plain = [percentile(run, share) for run in runs]
    queued = [queued_percentile(run, share) for run in runs]
    missed = [
        np.mean([each is not None and (each.upper or np.inf) < truth for each in found])
        for found in (plain, queued)
    ]
    assert missed[0] > 0.12
    assert missed[1] < 0.08
    below = [each is not None and (each.lower or 0.0) > truth for each in queued]
    assert np.mean(below) < 0.08


def test_of_independent_samples_little_is_lost() -> None:
    rng = np.random.default_rng(5)
    widths: list[float] = []
    for _ in range(200):
        run = list(rng.exponential(1, 400))
        plain, queued = percentile(run, 0.5), queued_percentile(run, 0.5)
        assert plain is not None
        assert queued is not None
        assert queued.value == plain.value
        assert queued.upper is not None
        assert queued.lower is not None
        assert plain.upper is not None
        assert plain.lower is not None
        widths.append((queued.upper - queued.lower) / (plain.upper - plain.lower))
    assert np.median(widths) < 1.5


@pytest.mark.parametrize(
    "samples",
    [[1.0] * 60, list(map(float, range(60))), [float(n % 2) for n in range(60)]],
    ids=["all equal", "rising", "alternating"],
)
def test_bounds_surround_the_value_or_are_absent(samples: list[float]) -> None:
    found = queued_percentile(samples, 0.5)
    assert found is not None
    assert found.lower is None or found.lower <= found.value
    assert found.upper is None or found.upper >= found.value


def test_a_run_that_only_rises_is_worth_too_little_for_bounds() -> None:
    found = queued_percentile([float(n) for n in range(200)], 0.5)
    assert found is not None
    assert (found.lower, found.upper) == (None, None)


def test_without_enough_samples_for_batches_they_count_as_independent() -> None:
    run = [float(n) for n in range(20)]
    assert queued_percentile(run, 0.5) == percentile(run, 0.5)
    assert queued_percentile(run[:4], 0.5) is None


def worth_by_hand(samples: list[float], value: float) -> int:
    """As many independent samples: batch means, the autoregression, and 1.3 for ten batches."""
    below = [sample <= value for sample in samples]
    share, size = sum(below) / len(below), len(below) // 10
    if size < 4 or share in {0.0, 1.0}:
        return len(samples)
    means = [sum(below[at * size : (at + 1) * size]) / size for at in range(10)]
    off = [mean - sum(means) / 10 for mean in means]
    squares = sum(each**2 for each in off)
    if squares == 0:
        return len(samples)
    neighbours = sum(one * other for one, other in pairwise(off))
    alike = min(max(neighbours / squares + 0.1, 0.0), 0.9)
    effect = squares / 9 * size / (share * (1 - share))
    return max(int(len(samples) / max(1.3 * effect * (1 + alike) / (1 - alike), 1.0)), 1)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", [80, 199, 450])
@pytest.mark.parametrize("load", [0.2, 0.5, 0.8])
def test_queued_samples_have_the_ranks_of_as_many_independent_ones(
    load: float, n: int, share: float
) -> None:
    rng = np.random.default_rng(n)
    for _ in range(6):
        run = queue_times(rng, load, n)
        found = queued_percentile(run, share)
        if found is None:
            continue
        worth, ordered = worth_by_hand(run, found.value), sorted(run)
        below, scale = stats.binom(worth, share), n / worth
        upper = [r for r in range(1, worth + 1) if below.cdf(r - 1) >= 0.95]
        lower = [r for r in range(1, worth + 1) if below.sf(r - 1) >= 0.95]
        high = ordered[min(math.ceil(upper[0] * scale), n) - 1] if upper else None
        low = ordered[max(math.floor(lower[-1] * scale), 1) - 1] if lower else None
        assert (found.lower, found.upper) == (low, high)
        assert found.value == ordered[math.ceil(share * n) - 1]


@pytest.mark.parametrize(("n", "apart"), [(39, True), (40, False)])
def test_ten_batches_of_four_tell_how_samples_depend_on_one_another(n: int, *, apart: bool) -> None:
    run = [float(place // 10) for place in range(n)]
    assert (queued_percentile(run, 0.5) == percentile(run, 0.5)) == apart


def test_the_smallest_of_a_few_is_a_percentile_too() -> None:
    """At a share so small that its rank would be none."""
    found = percentile([3.0, 1.0, 2.0], 0.0001)
    assert found is not None
    assert (found.value, found.n) == (1.0, 3)


def test_batches_that_are_all_alike_cost_nothing() -> None:
    run = [float(place % 2) for place in range(60)]
    assert queued_percentile(run, 0.5) == percentile(run, 0.5)
