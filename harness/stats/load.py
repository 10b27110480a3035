"""Percentiles of latency with intervals, and the load at which the share of good requests falls.

Percentiles use order statistics (H. A. David and H. N. Nagaraja, "Order Statistics" (2003), section
7.1): the number of samples below the true p-quantile is binomial(n, p), whatever the distribution.
Hence no upper bound of a p95 exists below 59 samples, nor of a p99 below 299, at one-sided 5 %.
Requests that queue wait for one another, so consecutive ones are correlated: 450 of them tell as
little as 20 independent ones. `queued_percentile` corrects for it by batch means (A. M. Law and
W. D. Kelton, "Simulation Modeling and Analysis" (2000), chapter 9).

`find_crossing` pools the share over the repeats before it reads the crossing off. The mean of each
repeat's own crossing is too high: most short runs of a queue see no congestion and a few see all of
it, so a run's crossing is skewed while its share is not biased (with 16 servers and runs of 110
requests the mean crossing was 70 % too high). The interval is the jackknife's over the repeats,
with Student's t: R. G. Miller, "The jackknife: a review", Biometrika 61 (1974) 1-15.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy import special

from harness.stats.arrays import Bools, Floats
from harness.stats.clusters import bounds, cluster_mean

BATCHES = 10
FEWEST_IN_BATCH = 4
"""Samples in a batch; with fewer, their correlation cannot be estimated."""
MOST_ALIKE = 0.9
"""Largest correlation of neighbouring batches that is used."""
BATCH_LUCK = 1.3
"""Factor for the noise of a variance from ten batches; found by simulation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A percentile in the samples' unit; a bound is None when there are too few samples for it."""

    value: float
    lower: float | None
    upper: float | None
    n: int


def percentile(samples: Sequence[float], share: float, *, level: float = 0.05) -> Percentile | None:
    """Estimate the `share` quantile, each bound at the one-sided `level`.

    None without a sample, or where the samples are too few for an upper bound: then the
    percentile itself is not reported either.

    >>> percentile([1.0] * 58, 0.95) is None, percentile([1.0] * 59, 0.95).upper
    (True, 1.0)
    """
    ordered = sorted(samples)
    n = len(ordered)
    if n < smallest_sample(share, level=level):
        return None
    above = _upper_rank(n, share, level)
    below = _lower_rank(n, share, level)
    return Percentile(
        value=ordered[max(math.ceil(share * n) - 1, 0)],
        lower=None if below is None else ordered[below - 1],
        upper=None if above is None else ordered[above - 1],
        n=n,
    )


def queued_percentile(
    samples: Sequence[float], share: float, *, level: float = 0.05
) -> Percentile | None:
    """As `percentile`, for samples in the order of their arrival at a queue.

    The bounds are those of the effective number of independent samples; None if it is too small.
    A run that is short compared with the queue's memory (see
    `harness.ask.probe.probed_requests`) still misses congestion that it never saw.
    """
    plain = percentile(samples, share, level=level)
    if plain is None:
        return None
    worth = max(int(plain.n / _design_effect(np.asarray(samples) <= plain.value)), 1)
    ordered = sorted(samples)
    above, below = _upper_rank(worth, share, level), _lower_rank(worth, share, level)
    scale = plain.n / worth
    return Percentile(
        value=plain.value,
        lower=None if below is None else ordered[max(math.floor(below * scale), 1) - 1],
        upper=None if above is None else ordered[min(math.ceil(above * scale), plain.n) - 1],
        n=plain.n,
    )


def smallest_sample(share: float, *, level: float = 0.05) -> int:
    """Fewest samples with an upper bound of the `share` quantile: share^n <= level.

    >>> smallest_sample(0.95), smallest_sample(0.99)
    (59, 299)
    """
    return math.ceil(math.log(level) / math.log(share))


def _design_effect(below: Bools) -> float:
    """Variance of the share of samples below a value, over that of independent ones; at least 1.

    Estimated from the means of ten consecutive batches. Correlation between neighbouring batches
    shows that they are too short; it is corrected for as a first-order autoregression.
    """
    share = float(below.mean())
    size = below.size // BATCHES
    if size < FEWEST_IN_BATCH or share * (1 - share) == 0:
        return 1.0
    means = below[: size * BATCHES].reshape(BATCHES, size).mean(axis=1)
    off = means - means.mean()
    squares = float((off**2).sum())
    if squares == 0:
        return 1.0
    alike = float((off[1:] * off[:-1]).sum()) / squares + 1 / BATCHES
    alike = min(max(alike, 0.0), MOST_ALIKE)
    effect = squares / (BATCHES - 1) * size / (share * (1 - share))
    return max(BATCH_LUCK * effect * (1 + alike) / (1 - alike), 1.0)


def _upper_rank(n: int, share: float, level: float) -> int | None:
    """Smallest rank r with P(fewer than r samples lie below the quantile) >= 1 - level."""
    ranks = np.arange(n)
    enough = np.flatnonzero(special.bdtr(ranks, n, share) >= 1 - level)
    return int(enough[0]) + 1 if enough.size else None


def _lower_rank(n: int, share: float, level: float) -> int | None:
    """Largest rank r with P(at least r samples lie below the quantile) >= 1 - level."""
    ranks = np.arange(1, n + 1)
    enough = np.flatnonzero(special.bdtr(ranks - 1, n, share) <= level)
    return int(enough[-1]) + 1 if enough.size else None


LOWER_SHARE = 0.5
"""Share of the level for the lower bound, which the remaining skew would make too high."""
_LEAST_SHARE = 0.001
"""Shares are clipped to this far from 0 and 1, which have no log-odds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The setting at the crossing, and its one-sided bounds (None with a single repeat)."""

    value: float
    lower: float | None
    upper: float | None
    between: tuple[float, float]
    """The settings below and above it."""
    drop: float
    """Fall of the log-odds between these; deep over a wide bracket, it makes the value a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The crossing lies beyond the settings measured, pooled or without one of the repeats."""

    below: bool
    """Whether it lies below the lowest setting; else above the highest."""


Found: TypeAlias = Crossing | Outside


def find_crossing(
    settings: Sequence[float], shares: Sequence[Sequence[float]], *, at: float, level: float
) -> Found:
    """Find the setting at which the pooled share falls to `at`.

    Args:
        settings: positive and rising.
        shares: for each setting one share per repeat, the repeats in one order.
        at: the share at the crossing.
        level: one-sided level of each bound.
    """
    x = np.log(np.asarray(settings, dtype=np.float64))
    table = np.asarray(shares, dtype=np.float64)
    count = table.shape[1]
    pooled = _cross(x, table.mean(axis=1), at)
    if isinstance(pooled, Outside):
        return pooled
    if count == 1:
        return pooled.reported(settings)
    left_out: list[float] = []
    for repeat in range(count):
        found = _cross(x, np.delete(table, repeat, axis=1).mean(axis=1), at)
        if isinstance(found, Outside):
            return found
        left_out.append(found.x)
    pseudo = [count * pooled.x - (count - 1) * one for one in left_out]
    spread = cluster_mean(pseudo, range(count))
    below = float(spread.mean) - float(bounds(spread, level * LOWER_SHARE).lower)
    above = float(bounds(spread, level).upper) - float(spread.mean)
    return replace(
        pooled.reported(settings),
        lower=math.exp(pooled.x - below),
        upper=math.exp(pooled.x + above),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crossed:
    """One curve's crossing: its logarithm, the index of the setting below it, the fall there."""

    x: float
    low: int
    drop: float

    def reported(self, settings: Sequence[float]) -> Crossing:
        between = (settings[self.low], settings[self.low + 1])
        return Crossing(
            value=math.exp(self.x), lower=None, upper=None, between=between, drop=self.drop
        )


def _cross(x: Floats, shares: Floats, at: float) -> _Crossed | Outside:
    """The crossing of one curve: made monotone, then interpolated in log-odds."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  # heavy, and only for probes

    falling = isotonic_regression(shares, increasing=False).x
    odds = _log_odds(np.clip(falling, _LEAST_SHARE, 1 - _LEAST_SHARE))
    wanted = float(_log_odds(np.asarray(at)))
    good = odds >= wanted
    if not good[0]:
        return Outside(below=True)
    if good[-1]:
        return Outside(below=False)
    low = int(np.argmin(good)) - 1
    drop = float(odds[low] - odds[low + 1])
    part = (float(odds[low]) - wanted) / drop
    return _Crossed(x=float(x[low] + (x[low + 1] - x[low]) * part), low=low, drop=drop)


def _log_odds(share: Floats) -> Floats:
    return np.log(share / (1 - share))
