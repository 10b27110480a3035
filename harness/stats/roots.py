"""Root of a falling function of one variable.

The iteration is that of `scipy.optimize.brentq`, step by step and to the last bit (a test holds
them equal): importing scipy's whole optimisation for it costs each command a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_RELATIVE = 1e-15
_PRECISION = 8.881784197001252e-16
"""Of the root itself: four times the spacing of floats at 1."""
_MOST_STEPS = 100


def falling_root(
    function: Callable[[float], float], low: float, high: float, *, within: float = _RELATIVE
) -> float:
    """Root of a falling function in [low, high]; the nearer end if it has none there.

    It is right to the share `within` of the interval.

    >>> falling_root(lambda x: 2 - x * x, 0.0, 2.0)
    1.414213562373095
    """
    at_low = function(low)
    if at_low <= 0:
        return low
    at_high = function(high)
    if at_high >= 0:
        return high
    before, now = _Point(float(low), at_low), _Point(float(high), at_high)
    return _brent(function, before, now, within * (high - low))


@dataclass(slots=True)
class _Point:
    x: float
    y: float


def _brent(
    function: Callable[[float], float], before: _Point, now: _Point, tolerance: float
) -> float:
    """Brent (1973), chapter 4: the secant or the inverse parabola where they help, else halves."""
    across = _Point(0.0, 0.0)
    """The last point whose value has the other sign."""
    step = last_step = 0.0
    for _ in range(_MOST_STEPS):
        if before.y != 0 and now.y != 0 and (before.y < 0) != (now.y < 0):
            across = before
            step = last_step = now.x - before.x
        if abs(across.y) < abs(now.y):
            before, now, across = now, across, now
        delta = (tolerance + _PRECISION * abs(now.x)) / 2
        half = (across.x - now.x) / 2
        if now.y == 0 or abs(half) < delta:
            return now.x
        tried = _try(before, now, across) if abs(last_step) > delta else None
        if (
            tried is None
            or abs(now.y) >= abs(before.y)
            or not _is_short(tried, last_step, half, delta)
        ):
            step = last_step = half
        else:
            last_step, step = step, tried
        before = now
        x = now.x + (step if abs(step) > delta else (delta if half > 0 else -delta))
        now = _Point(x, function(x))
    raise ArithmeticError(f"no root was found within {_MOST_STEPS} steps")


def _try(before: _Point, now: _Point, across: _Point) -> float | None:
    """The step that the last points promise; None where they are level."""
    if before.x == across.x:
        return -now.y * (now.x - before.x) / (now.y - before.y)
    one = (before.y - now.y) / (before.x - now.x)
    other = (across.y - now.y) / (across.x - now.x)
    level = other * one * (across.y - before.y)
    if level == 0:
        return None
    return -now.y * (across.y * other - before.y * one) / level


def _is_short(tried: float, last_step: float, half: float, delta: float) -> bool:
    return 2 * abs(tried) < min(abs(last_step), 3 * abs(half) - delta)
