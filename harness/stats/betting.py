"""Bounds for the mean of bounded differences, by betting against a mean.

Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting",
Journal of the Royal Statistical Society B 86 (2024) 1-27, the one-sided grid of stakes. A gambler
starts with 1, stakes a fixed share of the wealth on every case being better than the claimed mean
m, and if m is true gets to 1/a with probability a at most (Ville), however often one looks. The
wealth here is a weighted mean over a fixed grid of stakes, so the order of the cases does not
matter. Differences lie in [-1, 1] and are mapped to x = (1 + d) / 2.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from harness.stats.arrays import Floats, Numbers
from harness.stats.roots import falling_root
from harness.stats.tango import Bounds

_STAKES = np.geomspace(0.004, 0.95, 13)
_LOG_WEIGHTS = np.log(np.repeat([0.15 / 6, 0.85 / 7], [6, 7]))
"""Large stakes carry most weight: they win on hundreds of cases, small ones on many thousands."""


def log_wealth(differences: Numbers, mean: float) -> float:
    """Log of the wealth won against "the true mean is `mean` or less".

    `differences` is one sequence; NaN (no score) is left out. Decreasing in `mean`.
    """
    values = np.asarray(differences, dtype=np.float64)
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    gained = np.log1p(_STAKES[:, None] * _steps(distinct, mean)) * counts
    return float(_mix(gained.sum(axis=-1)))


def log_wealth_at(differences: Numbers, mean: float, ends: tuple[int, ...]) -> Floats:
    """Log wealth after the first `ends` cases of the last axis; shape (..., len(ends))."""
    steps = np.nan_to_num(_steps(np.asarray(differences, dtype=np.float64), mean), nan=0.0)
    gained = [
        np.log1p(steps[..., None, low:high] * _STAKES[:, None]).sum(axis=-1)
        for low, high in pairwise((0, *ends))
    ]
    return _mix(np.cumsum(np.stack(gained, axis=-2), axis=-2))


def log_wealth_of_counts(losses: Floats, gains: Floats, n: Floats, mean: float) -> Floats:
    """Log wealth after `n` differences of -1 (losses), 1 (gains) and 0; arrays of equal shape."""
    won = [np.log1p(_STAKES * step) for step in _steps(np.array([-1.0, 1.0, 0.0]), mean)]
    counts = (losses, gains, n - losses - gains)
    return _mix(sum((c[..., None] * w for c, w in zip(counts, won, strict=True)), np.zeros(1)))


def _steps(values: Floats, mean: float) -> Floats:
    """What a stake of 1 wins on each case."""
    return (1 + values) / max(1 + mean, 1e-12) - 1


def _mix(logs: Floats) -> Floats:
    """Log of the weighted mean of the wealth over the stakes (last axis)."""
    return np.asarray(np.logaddexp.reduce(logs + _LOG_WEIGHTS, axis=-1))


def p_value(differences: Numbers, margin: float) -> float:
    """Anytime p-value against "the candidate is worse by the margin or more", at this sample."""
    return min(1.0, math.exp(-log_wealth(differences, -margin)))


def bounds(differences: Numbers, level: float) -> Bounds:
    """Lower and upper bound of the mean, each at the one-sided `level`.

    Valid for any distribution on [-1, 1]; `lower > -margin` exactly when the wealth against
    `-margin` exceeds 1 / level. Without a case: -1 and 1.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    lower, upper = _lower(values, level), -_lower(-values, level)
    return Bounds(lower=np.asarray(lower), upper=np.asarray(upper))


def smallest_sample(margin: float, level: float) -> int:
    """Fewest cases at which a candidate that never differs would clear the margin.

    >>> smallest_sample(0.05, 0.05)
    100
    """
    size = 1
    while log_wealth(np.zeros(size), -margin) <= -math.log(level):
        size *= 2
    low = size // 2
    while size - low > 1:
        middle = (low + size) // 2
        if log_wealth(np.zeros(middle), -margin) > -math.log(level):
            size = middle
        else:
            low = middle
    return size


def _lower(values: Floats, level: float) -> float:
    wanted = -math.log(level)
    return falling_root(lambda mean: log_wealth(values, mean) - wanted, -1.0, 1.0)
