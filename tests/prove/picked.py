"""The estimate of an option that passed, corrected for that: the conditional median over looks."""

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri


def onward(x: np.ndarray, mass: np.ndarray, to: np.ndarray, scale: float) -> np.ndarray:
    """The mass at the points `to` after a normal step of `scale` from `x`, by trapezoids."""
    width, far = np.full(len(to), to[1] - to[0]), (to[:, None] - x[None, :]) / scale
    width[[0, -1]] /= 2
    return width * (np.exp(-far * far / 2) / math.sqrt(2 * math.pi) / scale @ mass)


def corrected(seen: float, worst: float, margin: float, at: int, walk: Any) -> float:
    """Where half of the tests that pass do so earlier, or with more than `seen`; or the worst."""
    levels, times = walk
    spread = -(seen - worst) / ndtri(levels[at]) * math.sqrt(times[at])

    def share(truth: float) -> float:
        drift, x, mass = (truth + margin) / spread, np.zeros(1), np.ones(1)
        before = passed = 0.0
        for k, (level, now) in enumerate(zip(levels, times, strict=True)):
            scale, edge = math.sqrt(now - before), -ndtri(level) * math.sqrt(now)
            ahead = x + drift * (now - before)
            if k == at:
                above = passed + mass @ ndtr((ahead - (seen + margin) / spread * now) / scale)
            passed += mass @ ndtr((ahead - edge) / scale)
            x = np.linspace(min(drift * now, edge) - 8, edge, 400)
            mass, before = onward(ahead, mass, x, scale), now
        return above / passed - 0.5

    if spread <= 0 or worst <= -margin:
        return seen
    if share(worst) >= 0 or share(seen) <= 0:
        return worst if share(worst) >= 0 else seen
    return brentq(share, worst, seen)
