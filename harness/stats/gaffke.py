"""Bounds for the mean of bounded differences, by random weights and one case that nobody has seen.

Source: N. Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a
nonnegative variable", Mathematical Methods of Statistics 14 (2005) 451-467; as an interval: E.
Learned-Miller and P. S. Thomas, "A new confidence interval for the mean of a bounded random
variable", arXiv:1905.06208 (2019). A further case at the worst possible value joins the n cases,
all of them get weights that are uniform on the simplex, and the p-value of "the true mean is m or
less" is the chance that the weighted mean is m or less.

Where the differences take two values of which one is the worst, this is Clopper and Pearson's
exact test. For any other bounded distribution the level is conjectured by both sources and not
proved; among all that `tests/benchmarks/decision` tries, rare total losses among them, none exceeds
it. It does not hold at a look that the data choose: looks need boundaries of their own.

The weights are Exp(1) variables over their sum, so the p-value is P(sum of k_j y_j <= 0) for
gamma variables: y = d - m, k the number of cases with that difference. The integral of its moment
generating function (D. A. Imhof, Biometrika 48 (1961) 419-426) is taken on a vertical line near
the saddle point, where it keeps its relative accuracy at any small p (R. Lugannani and S. Rice,
Advances in Applied Probability 12 (1980) 475-490).
"""

from __future__ import annotations

import math

import numpy as np

from harness.stats.arrays import Bools, Floats, Numbers
from harness.stats.roots import falling_root
from harness.stats.tango import Bounds

_NODES, _REACH = 192, 9.0
_HALVINGS = 26
_AT_ONCE = 3_000_000
_FEW_VALUES = 64
_EDGE = 1e-9
_WITHIN = 1e-11


def p_value(differences: Numbers, margin: float) -> float:
    """One-sided p-value against "the candidate is worse by the margin or more"; 1 without a case.

    `differences` is one sequence; NaN (no score) is left out.
    """
    values = np.asarray(differences, dtype=np.float64)
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(p_of_counts(distinct, counts[None].astype(np.float64), margin)[0])


def p_of_counts(values: Numbers, counts: Floats, margin: float) -> Floats:
    """As `p_value`, of samples that have `counts` cases of each of the values (last axis)."""
    shape = counts.shape[:-1]
    shares = np.asarray(values, dtype=np.float64) + margin
    points = np.append(shares, margin - 1)
    rows = np.concatenate([counts, np.ones((*shape, 1))], axis=-1).reshape(-1, points.size)
    weights, back = np.unique(rows, axis=0, return_inverse=True)
    found = _chance(np.broadcast_to(points, weights.shape), weights)
    return found[back.reshape(-1)].reshape(shape)


def p_at(differences: Floats, margin: float, ends: tuple[int, ...]) -> Floats:
    """P-values after the first `ends` cases of the last axis; shape (..., len(ends)).

    NaN where no case of them has a score.
    """
    present = ~np.isnan(differences)
    distinct = np.unique(differences[present])
    seen = np.stack([present[..., :end].any(axis=-1) for end in ends], axis=-1)
    if distinct.size > _FEW_VALUES:
        found = [_rows(differences[..., :end], present[..., :end], margin) for end in ends]
        return np.where(seen, np.stack(found, axis=-1), np.nan)
    if not distinct.size:
        return np.full(seen.shape, np.nan)
    tables = np.stack(
        [
            np.stack(
                [(differences[..., :end] == value).sum(axis=-1) for value in distinct], axis=-1
            )
            for end in ends
        ],
        axis=-2,
    ).astype(np.float64)
    return np.where(seen, p_of_counts(distinct, tables, margin), np.nan)


def bounds(differences: Numbers, level: float) -> Bounds:
    """Lower and upper bound of the mean, each at the one-sided `level`.

    `lower > -margin` exactly when `p_value(..., margin) < level`. Without a case: -1 and 1.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    lower, upper = _lower(values, level), -_lower(-values, level)
    return Bounds(lower=np.asarray(lower), upper=np.asarray(upper))


def smallest_sample(margin: float, level: float) -> int:
    """Fewest cases at which a candidate that never differs would clear the margin.

    A loss as rare as the margin must not stay unseen too often.

    >>> smallest_sample(0.05, 0.05)
    59
    """
    return math.floor(math.log(level) / math.log1p(-margin)) + 1


def _lower(values: Floats, level: float) -> float:
    if not values.size:
        return -1.0
    return falling_root(
        lambda mean: level - p_value(values, -mean), -1 + _EDGE, 1.0, within=_WITHIN
    )


def _rows(differences: Floats, present: Bools, margin: float) -> Floats:
    """P-values of samples whose values are all different."""
    shape, size = differences.shape[:-1], differences.shape[-1]
    points = np.where(present, differences + margin, 0.0).reshape(-1, size)
    weights = present.astype(np.float64).reshape(-1, size)
    worst, one = np.full((len(points), 1), margin - 1), np.ones((len(points), 1))
    return _chance(np.hstack([points, worst]), np.hstack([weights, one])).reshape(shape)


def _chance(points: Floats, weights: Floats) -> Floats:
    """P(sum of gamma(weights) x points <= 0) of each row; some point is negative."""
    step = max(1, _AT_ONCE // (_NODES * points.shape[-1]))
    parts = [
        _chances(points[at : at + step], weights[at : at + step])
        for at in range(0, len(points), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _chances(points: Floats, weights: Floats) -> Floats:
    positive = ((points > 0) & (weights > 0)).any(axis=-1)
    found = np.ones(len(points))
    if positive.any():
        found[positive] = _integral(points[positive], weights[positive])
    return found


def _integral(points: Floats, weights: Floats) -> Floats:
    """As `_chance`, where some point is positive, too."""
    points = np.where(weights > 0, points, 0.0)
    left: Bools = np.greater((weights * points).sum(axis=-1), 0.0)
    lowest: Floats = np.min(points, axis=-1)
    highest: Floats = np.max(points, axis=-1)
    edge: Floats = 1 / np.where(left, lowest, highest)
    place = _line(points, weights, edge, left=left)
    slope = points / (1 - place[:, None] * points)
    width = 1 / np.sqrt((weights * slope**2).sum(axis=-1))
    spread = (np.arange(_NODES) + 0.5) * (_REACH / _NODES)
    at = place[:, None] + 1j * width[:, None] * np.sinh(spread)
    logs = np.log(1 - at[:, :, None] * points[:, None, :])
    height = np.exp(-(logs * weights[:, None, :]).sum(axis=-1)) / at
    heights: Floats = np.real(height)
    area: Floats = (heights * np.cosh(spread)).sum(axis=-1) * width * (_REACH / _NODES / np.pi)
    sums: Floats = np.asarray(area, dtype=np.float64)
    return np.clip(np.where(left, -sums, 1 - sums), 0.0, 1.0)


def _line(points: Floats, weights: Floats, edge: Floats, *, left: Bools) -> Floats:
    """Where the line crosses the real axis: at the saddle point, away from 0 and the edge."""
    low = np.where(left, edge * (1 - _EDGE), 0.0)
    high = np.where(left, 0.0, edge * (1 - _EDGE))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rises = (weights * points / (1 - middle[:, None] * points)).sum(axis=-1) < 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    saddle = (low + high) / 2
    least = 0.5 / np.sqrt((weights * points**2).sum(axis=-1))
    away = np.sign(edge) * np.maximum(np.abs(saddle), least)
    return np.where(np.abs(away) > 0.9 * np.abs(edge), (saddle + edge) / 2, away)
