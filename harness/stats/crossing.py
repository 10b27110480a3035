"""Where a falling share crosses a level, from repeated measurements at the same settings.

The share is *pooled* over the repeats before the crossing is read off. The mean of each repeat's
own crossing lies too high: most short runs of a queue see no congestion, and a few see all of it,
so a run's crossing is skewed while its share is not biased (with 16 servers and runs of 110
requests the mean crossing was 70 % too high). The interval is the jackknife's over the repeats,
with Student's t: R. G. Miller, "The jackknife: a review", Biometrika 61 (1974) 1-15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    if count == 1:
        return pooled if isinstance(pooled, Outside) else _at(pooled)
    left_out: list[float] = []
    for found in (
        pooled,
        *(_cross(x, np.delete(table, r, axis=1).mean(axis=1), at) for r in range(count)),
    ):
        if isinstance(found, Outside):
            return found
        left_out.append(found)
    whole, *rest = left_out
    pseudo = [count * whole - (count - 1) * one for one in rest]
    spread = cluster_mean(pseudo, range(count))
    below = float(spread.mean) - float(bounds(spread, level * LOWER_SHARE).lower)
    above = float(bounds(spread, level).upper) - float(spread.mean)
    return Crossing(
        value=math.exp(whole), lower=math.exp(whole - below), upper=math.exp(whole + above)
    )


def _at(log_setting: float) -> Crossing:
    return Crossing(value=math.exp(log_setting), lower=None, upper=None)


def _cross(x: Floats, shares: Floats, at: float) -> float | Outside:
    """The crossing of one curve, made monotone first, straight in log-odds between settings."""
    falling = isotonic_regression(shares, increasing=False).x
    odds = _log_odds(np.clip(falling, _LEAST_SHARE, 1 - _LEAST_SHARE))
    wanted = float(_log_odds(np.asarray(at)))
    good = odds >= wanted
    if not good[0]:
        return Outside(below=True)
    if good[-1]:
        return Outside(below=False)
    high = int(np.argmin(good))
    low = high - 1
    part = (odds[low] - wanted) / (odds[low] - odds[high])
    return float(x[low] + (x[high] - x[low]) * part)


def _log_odds(share: Floats) -> Floats:
    return np.log(share / (1 - share))
