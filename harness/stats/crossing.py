"""Where a falling share crosses a level, from repeated measurements at the same settings.

The share is *pooled* over the repeats before the crossing is read off. The mean of each repeat's
own crossing lies too high: most short runs of a queue see no congestion, and a few see all of it,
so a run's crossing is skewed while its share is not biased (with 16 servers and runs of 110
requests the mean crossing was 70 % too high). The interval is the jackknife's over the repeats,
with Student's t: R. G. Miller, "The jackknife: a review", Biometrika 61 (1974) 1-15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.optimize import isotonic_regression

from harness.stats.clusters import bounds, cluster_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stats.arrays import Floats

LOWER_SHARE = 0.5
"""The lower bound is drawn at so much of the level: what is left of the skew makes it too high."""
_LEAST_SHARE = 0.001
"""A share of 0 or 1 has no log-odds; so near to them it does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The setting at the crossing, and its one-sided bounds; None with a single repeat."""

    value: float
    lower: float | None
    upper: float | None
    between: tuple[float, float]
    """The settings beside it."""
    drop: float
    """By how much the log-odds fall between these: over a wide bracket a deep fall is a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The crossing, or that of one repeat left out, lies beyond what was measured."""

    below: bool
    """Below the lowest setting; else above the highest."""


Found: TypeAlias = Crossing | Outside


def find_crossing(
    settings: Sequence[float], shares: Sequence[Sequence[float]], *, at: float, level: float
) -> Found:
    """Cross the pooled curve with `at`, a share.

    Args:
        settings: positive and rising.
        shares: for each setting one share per repeat, the repeats in one order.
        at: the share that is looked for.
        level: of each bound, one-sided.
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
    """One curve's crossing: its logarithm, the number of the setting below it, the fall there."""

    x: float
    low: int
    drop: float

    def reported(self, settings: Sequence[float]) -> Crossing:
        beside = (settings[self.low], settings[self.low + 1])
        return Crossing(
            value=math.exp(self.x), lower=None, upper=None, between=beside, drop=self.drop
        )


def _cross(x: Floats, shares: Floats, at: float) -> _Crossed | Outside:
    """The crossing of one curve, made monotone first, straight in log-odds between settings."""
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
