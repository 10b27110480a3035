"""Tango's score test and interval for the difference of two paired proportions.

Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for
the paired-sample design", Statistics in Medicine 17 (1998) 891-908. A case that only the
incumbent gets right is a *loss*, one that only the candidate gets right a *gain*; cases on which
both agree count in n alone. The difference is (gains - losses) / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from harness.stats.arrays import Floats, Numbers

_BISECTIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """One-sided bounds of a difference; both together are the interval at twice the level."""

    lower: Floats
    upper: Floats


def score_z(losses: Numbers, gains: Numbers, n: Numbers, difference: Numbers) -> Floats:
    """Score statistic of the hypothesis that the true difference is `difference`.

    Positive when the data lie above it. NaN without a case; broadcasts over all arguments.
    """
    loss, gain, size, delta = (
        np.asarray(value, dtype=np.float64) for value in (losses, gains, n, difference)
    )
    linear = -gain - loss + (2 * size - gain + loss) * delta
    constant = -loss * delta * (1 - delta)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.maximum(linear**2 - 8 * size * constant, 0))
        lost = np.maximum((root - linear) / (4 * size), 0)
        variance = size * np.maximum(2 * lost + delta * (1 - delta), 0)
        distance = gain - loss - size * delta
        z = np.where(distance == 0, 0.0, distance / np.sqrt(variance))
    return np.where(size > 0, z, np.nan)


def p_value(losses: Numbers, gains: Numbers, n: Numbers, margin: Numbers) -> Floats:
    """One-sided p-value against "the candidate is worse by the margin or more"."""
    return np.asarray(special.ndtr(-score_z(losses, gains, n, -np.asarray(margin, dtype=float))))


def bounds(losses: Numbers, gains: Numbers, n: Numbers, level: Numbers) -> Bounds:
    """Lower and upper bound, each at the one-sided `level`.

    `lower > -margin` exactly when `p_value(..., margin) < level`. NaN without a case.

    >>> interval = bounds(7, 1, 21, 0.025)
    >>> round(float(interval.lower), 4), round(float(interval.upper), 4)
    (-0.5172, -0.026)
    """
    loss, gain, size, alpha = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (losses, gains, n, level))
    )
    lower = _lower(loss, gain, size, alpha)
    upper = np.negative(_lower(gain, loss, size, alpha))
    return Bounds(lower=lower, upper=np.asarray(upper))


def _lower(losses: Floats, gains: Floats, n: Floats, level: Floats) -> Floats:
    """Smallest difference that the data do not contradict, by bisection on the monotone score."""
    wanted = -special.ndtri(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        high = np.where(n > 0, (gains - losses) / n, np.nan)
    low = np.full_like(high, -1.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        contradicted = score_z(losses, gains, n, middle) > wanted
        low = np.where(contradicted, middle, low)
        high = np.where(contradicted, high, middle)
    return np.where(n > 0, low, np.nan)


def smallest_sample(margin: float, level: float) -> int:
    """Fewest cases at which not even zero disagreement could fail to clear the margin.

    With no disagreement the score is sqrt(n M / (1 - M)), so n must exceed z^2 (1 - M) / M.

    >>> smallest_sample(0.05, 0.05)
    52
    """
    z = float(special.ndtri(level))
    return int(np.floor(z * z * (1 - margin) / margin)) + 1
