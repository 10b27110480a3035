"""Where a falling function of one number reaches zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Callable

_RELATIVE = 1e-15


def falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Zero of a falling function between `low` and `high`; the nearer end where there is none.

    >>> falling_root(lambda x: 2 - x * x, 0.0, 2.0)
    1.414213562373095
    """
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    return float(brentq(function, low, high, xtol=_RELATIVE * (high - low)))
