"""Percentiles of latency with order-statistic intervals.

Source: H. A. David and H. N. Nagaraja, "Order Statistics" (2003), section 7.1: the number of
samples below the true p-quantile is binomial(n, p), whatever the distribution. Hence no upper
bound of a p95 exists below 59 samples, nor of a p99 below 299, at one-sided 5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A percentile in the samples' unit; a bound is None where too few samples allow none."""

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


def smallest_sample(share: float, *, level: float = 0.05) -> int:
    """Fewest samples with an upper bound of the `share` quantile: share^n <= level.

    >>> smallest_sample(0.95), smallest_sample(0.99)
    (59, 299)
    """
    return math.ceil(math.log(level) / math.log(share))


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
