"""Tango's score test and interval for the difference of two paired proportions.

Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for
the paired-sample design", Statistics in Medicine 17 (1998) 891-908. A case that only the
incumbent gets right is a *loss*, one that only the candidate gets right a *gain*; cases on which
both agree count in n alone. The difference is (gains - losses) / n.

Without gains the score test's error exceeds its level most (1.35 times 5 % with few losses). The
exact test is available there: only the losses are uncertain, and at the margin they are binomial
at best. So without gains the larger of both p-values counts, and the wider bound (C. J. Clopper
and E. S. Pearson, Biometrika 26 (1934) 404-413).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats.arrays import Floats, Numbers

_FEW, _CUTS = 8, 63


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
    """One-sided p-value against "the candidate is worse by the margin or more".

    With a negative margin: against "it is no better than so much".
    """
    loss, gain, size, worse = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (losses, gains, n, margin))
    )
    found = np.array(special.ndtr(-score_z(loss, gain, size, -worse)))
    lost = (gain == 0) & (size > loss) & (worse > 0)
    exact = special.betainc(size[lost] - loss[lost], loss[lost] + 1, 1 - worse[lost])
    found[lost] = np.maximum(found[lost], exact)
    found[(gain == 0) & (size == loss) & (size > 0) & (worse > 0)] = 1.0
    return found


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
    """Smallest difference that the data do not contradict; the score is monotone in it.

    The bracket is halved 60 times. For a few tables, where overhead dominates, it is cut into 64
    parts ten times instead.
    """
    wanted = -special.ndtri(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        high = np.where(n > 0, (gains - losses) / n, np.nan)
    low = np.full_like(high, -1.0)
    inner, rounds = (_CUTS, 10) if low.size <= _FEW else (1, 60)
    places = np.arange(1.0, inner + 1).reshape(-1, *(1 for _ in low.shape)) / (inner + 1)
    for _ in range(rounds):
        step = high - low
        contradicted = score_z(losses, gains, n, low + step * places) > wanted
        below = contradicted.sum(axis=0) / (inner + 1)
        high = np.where(below < places[-1], low + step * (below + places[0]), high)
        low = np.array(low + step * below)
    lost = (gains == 0) & (n > losses)
    kept = special.betaincinv(n[lost] - losses[lost], losses[lost] + 1, level[lost])
    low[lost] = np.minimum(low[lost], kept - 1)
    low[(gains == 0) & (n == losses)] = -1.0
    return np.where(n > 0, low, np.nan)


def smallest_sample(margin: float, level: float) -> int:
    """Fewest cases at which not even zero disagreement could fail to clear the margin.

    With no disagreement the score is sqrt(n M / (1 - M)), so n must exceed z^2 (1 - M) / M; and
    a loss as rare as M must not stay unseen too often: (1 - M)^n < level.

    >>> smallest_sample(0.05, 0.05), smallest_sample(0.05, 0.01)
    (59, 103)
    """
    z = float(special.ndtri(level))
    unseen = math.log(level) / math.log1p(-margin)
    return math.floor(max(z * z * (1 - margin) / margin, unseen)) + 1
