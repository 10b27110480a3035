"""Root of a falling function of one variable."""

from __future__ import annotations

from collections.abc import Callable

from scipy.optimize import brentq

_RELATIVE = 1e-15


def falling_root(
    function: Callable[[float], float], low: float, high: float, *, within: float = _RELATIVE
) -> float:
    """Root of a falling function in [low, high]; the nearer end if it has none there.

    It is right to the share `within` of the interval.

    >>> falling_root(lambda x: 2 - x * x, 0.0, 2.0)
    1.414213562373095
    """
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    return float(brentq(function, low, high, xtol=within * (high - low)))
