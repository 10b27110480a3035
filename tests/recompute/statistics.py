"""Bounds and levels from counts, with the standard library alone.

T. Tango, Statistics in Medicine 17 (1998) 891-908, solved here for the nuisance parameter by
bisection of its likelihood equation instead of the closed form; C. J. Clopper and E. S. Pearson,
Biometrika 26 (1934) 404-413, by summing the binomial; N. Gaffke, Mathematical Methods of Statistics
14 (2005) 451-467, by summing the negative binomial and integrating over one gamma variable.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 70


def bisect(low: float, high: float, above: Callable[[float], bool]) -> float:
    """The place in [low, high] from which on `above` holds."""
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if above(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2


@cache
def tango_lower(lost: int, gained: int, n: int, level: float) -> float:
    """Lower bound of (gained - lost) / n at a one-sided level; the exact one where none gained."""
    if lost == n:
        return -1.0
    wanted = NormalDist().inv_cdf(1 - level)
    top = (gained - lost) / n
    found = bisect(-1.0, top, lambda d: _score(lost, gained, n, d) <= wanted)
    if gained == 0:
        found = min(found, -_binomial_upper(lost, n, level))
    return found


def tango_upper(lost: int, gained: int, n: int, level: float) -> float:
    return -tango_lower(gained, lost, n, level)


def _score(lost: int, gained: int, n: int, difference: float) -> float:
    """(observed - assumed) / its standard error at the likeliest share of losses."""
    low, high = max(0.0, -difference), (1 - difference) / 2
    share = bisect(low, high, lambda p: _slope(lost, gained, n, difference, p) <= 0)
    variance = (2 * share + difference - difference**2) / n
    distance = (gained - lost) / n - difference
    return distance / math.sqrt(variance) if variance > 0 else math.inf * (distance or 0.0)


def _slope(lost: int, gained: int, n: int, difference: float, share: float) -> float:
    """Derivative of the log likelihood of the table by the share of losses."""
    total = 0.0
    rest = n - lost - gained
    for cases, chance, sign in (
        (lost, share, 1),
        (gained, share + difference, 1),
        (rest, 1 - 2 * share - difference, -2),
    ):
        if cases:
            total += sign * cases / max(chance, 1e-300)
    return total


def _binomial_upper(seen: int, n: int, level: float) -> float:
    """The share at which `seen` or fewer of n have a chance of `level`."""
    return bisect(seen / n, 1.0, lambda p: _at_most(seen, n, p) <= level)


def binomial_lower(seen: int, n: int, level: float) -> float:
    """The share at which `seen` or more of n have a chance of `level`."""
    if seen == 0:
        return 0.0
    return 1 - _binomial_upper(n - seen, n, level)


def _at_most(seen: int, n: int, share: float) -> float:
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0 if seen < n else 1.0
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(share)
        + (n - k) * math.log1p(-share)
        for k in range(seen + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))


@cache
def gaffke_upper(lost: int, gained: int, n: int, level: float) -> float:
    """Upper bound of (gained - lost) / n at a one-sided level: a further gain that nobody saw.

    Weights that are uniform on the simplex: the losses' part L, the gains' part G (one more), the
    rest R. The bound is the place above which G - L lies with a chance of `level`.
    """
    return bisect(-1.0, 1.0, lambda top: _above(lost, gained + 1, n - lost - gained, top) <= level)


_STEPS = 4000


def _above(lost: int, gained: int, rest: int, top: float) -> float:
    """P(G - L >= top) of gamma parts, by Simpson's rule over the share of the losses.

    Given the losses' share s of all, the gains' share of what is left is a beta variable.
    """
    if lost == 0:
        return _beta_above(gained, rest, top)
    others = gained + rest
    log = math.lgamma(lost + others) - math.lgamma(lost) - math.lgamma(others)
    total = 0.0
    for step in range(1, _STEPS):
        s = step / _STEPS
        density = math.exp(log + (lost - 1) * math.log(s) + (others - 1) * math.log1p(-s))
        if density > 1e-12:
            weight = 4 if step % 2 else 2
            total += weight * density * _beta_above(gained, rest, (top + s) / (1 - s))
    return total / (3 * _STEPS)


def _beta_above(gained: int, rest: int, share: float) -> float:
    """P(beta(gained, rest) >= share): fewer than `gained` of gained + rest - 1 lie below."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    return _at_most(gained - 1, gained + rest - 1, share) if rest else 1.0
