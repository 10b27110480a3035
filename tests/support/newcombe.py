"""Newcombe's hybrid score interval for paired proportions: an independent reference.

R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions
based on paired data", Statistics in Medicine 17 (1998) 2635-2650, method 10.
"""

from __future__ import annotations

import math

from scipy import stats


def newcombe(both: int, lost: int, gained: int, neither: int, level: float) -> tuple[float, float]:
    """Interval of candidate minus incumbent at two-sided 1 - 2 * level."""
    n = both + lost + gained + neither
    current, proposed = both + lost, both + gained
    low_1, high_1 = _wilson(proposed, n, level)
    low_2, high_2 = _wilson(current, n, level)
    phi = _correlation(both, lost, gained, neither)
    p1, p2 = proposed / n, current / n
    down1, up2 = p1 - low_1, high_2 - p2
    up1, down2 = high_1 - p1, p2 - low_2
    lower = (p1 - p2) - math.sqrt(down1**2 - 2 * phi * down1 * up2 + up2**2)
    upper = (p1 - p2) + math.sqrt(up1**2 - 2 * phi * up1 * down2 + down2**2)
    return lower, upper


def _wilson(successes: int, n: int, level: float) -> tuple[float, float]:
    found = stats.binomtest(successes, n).proportion_ci(1 - 2 * level, method="wilson")
    return found.low, found.high


def _correlation(both: int, lost: int, gained: int, neither: int) -> float:
    product = both * neither - lost * gained
    if product > (both + lost + gained + neither) / 2:
        product = product - (both + lost + gained + neither) / 2
    elif product >= 0:
        product = 0
    scale = math.sqrt((both + lost) * (gained + neither) * (both + gained) * (lost + neither))
    return product / scale if scale else 0.0
