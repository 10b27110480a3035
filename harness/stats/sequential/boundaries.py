"""Group-sequential boundaries at any local level, and sequential p-values.

Sources: K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
Biometrika 70 (1983) 659-663 (spending); P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132
(1969) 235-244 (recursive integration, as in C. Jennison and B. W. Turnbull, "Group Sequential
Methods" (2000), chapter 19); W. Maurer and F. Bretz, "Multiple testing in group sequential trials
using graphical approaches", Statistics in Biopharmaceutical Research 5 (2013) 311-320 (a
hypothesis may be re-tested at the level it receives, as if it had held from look 1).

A test at level a passes at look k when its p-value is below the nominal level c_k(a). c_k grows
with a, so the smallest a at which a look passes is a p-value that is valid however many looks
were taken; the smallest one so far is the sequential p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from harness.stats.arrays import Floats, Numbers
from harness.stats.roots import falling_root

_LEVELS = np.concatenate([np.geomspace(1e-8, 0.1, 120), np.linspace(0.12, 0.5, 12)])
_POINTS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Nominal one-sided levels: `nominal[k, i]` is c_k at `levels[i]`."""

    levels: Floats
    nominal: Floats

    def at(self, level: Numbers, look: int) -> Floats:
        """Nominal level of look `look` (from 0) for a test at `level`."""
        wanted = np.log(np.asarray(level, dtype=np.float64))
        return np.exp(_interpolate(wanted, np.log(self.levels), np.log(self.nominal[look])))

    def sequential(self, p_values: Numbers, look: int) -> Floats:
        """Smallest level at which this look would pass; 1 beyond the largest tabulated."""
        p = np.maximum(np.asarray(p_values, dtype=np.float64), 1e-300)
        found = np.exp(_interpolate(np.log(p), np.log(self.nominal[look]), np.log(self.levels)))
        return np.where(p > self.nominal[look, -1], 1.0, found)


@cache
def gaussian(fractions: tuple[float, ...], power: float) -> Boundaries:
    """Boundaries of a z-statistic with independent increments at these information fractions."""
    spent = np.array([spend(_LEVELS, t, power) for t in fractions])
    nominal = np.empty_like(spent)
    for column in range(len(_LEVELS)):
        nominal[:, column] = _boundary(spent[:, column], fractions)
    return Boundaries(levels=_LEVELS, nominal=_monotone(nominal))


@cache
def union(fractions: tuple[float, ...], power: float) -> Boundaries:
    """The spending increments as nominal levels: valid for any interval, by the union bound."""
    spent = np.array([spend(_LEVELS, t, power) for t in fractions])
    return Boundaries(levels=_LEVELS, nominal=_monotone(np.diff(spent, axis=0, prepend=0.0)))


def spend(level: Numbers, fraction: float, power: float) -> Floats:
    """Level spent when `fraction` of the information is in: 2 - 2 Phi(z / t^(power / 2)).

    `power` 1 is Lan and DeMets' O'Brien-Fleming type; a smaller one spends earlier.
    """
    z = _quantile(np.asarray(level, dtype=np.float64) / 2)
    return 2 * special.ndtr(-z / math.pow(fraction, power / 2))


def _quantile(level: Floats) -> Floats:
    """The standard normal's upper quantile."""
    return -special.ndtri(level)


def _boundary(spent: Floats, fractions: tuple[float, ...]) -> Floats:
    """Nominal level of each look, such that the crossing probabilities add up to `spent`.

    The density of the score process below all earlier boundaries is carried from look to look
    on a fixed number of points between far below and the boundary (trapezoid rule).
    """
    nominal = np.empty(len(fractions))
    nominal[0] = spent[0]
    edge: float = _quantile(nominal[:1])[0] * math.sqrt(fractions[0])
    points, weights = _points(edge, fractions[0])
    mass = weights * _normal(points, fractions[0])
    for k in range(1, len(fractions)):
        scale = np.sqrt(fractions[k] - fractions[k - 1])
        edge = _edge(points, mass, scale, spent[k] - spent[k - 1])
        nominal[k] = special.ndtr(-edge / np.sqrt(fractions[k]))
        if k + 1 < len(fractions):
            ahead, weights = _points(edge, fractions[k])
            step = _normal(ahead[:, None] - points[None, :], scale**2)
            points, mass = ahead, weights * (step @ mass)
    return nominal


def _edge(points: Floats, mass: Floats, scale: float, increment: float) -> float:
    """Score above which the next look crosses with probability `increment`."""
    return falling_root(
        lambda edge: float(mass @ special.ndtr((points - edge) / scale)) - increment, -8.0, 12.0
    )


def _points(edge: float, variance: float) -> tuple[Floats, Floats]:
    reach = 8 * np.sqrt(variance)
    points: Floats = np.linspace(-reach, max(edge, -reach), _POINTS, dtype=np.float64)
    weights: Floats = np.full(_POINTS, points[1] - points[0])
    weights[[0, -1]] /= 2
    return points, weights


def _interpolate(at: Floats, x: Floats, y: Floats) -> Floats:
    found: Floats = np.interp(at, x, y)
    return found


def _normal(x: Floats, variance: float) -> Floats:
    return np.asarray(np.exp(-x * x / (2 * variance)) / math.sqrt(2 * math.pi * variance))


def _monotone(nominal: Floats) -> Floats:
    """Nested in the level: interpolation needs growth, rounding must not undo it."""
    grown: Floats = np.maximum.accumulate(np.maximum(nominal, 1e-290), axis=1)
    rising: Floats = 1 + 1e-12 * np.arange(grown.shape[1], dtype=np.float64)
    return grown * rising
