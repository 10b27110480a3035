"""Group-sequential boundaries at any local level, sequential p-values, and Holm's test.

Sources: K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
Biometrika 70 (1983) 659-663 (spending); P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132
(1969) 235-244 (recursive integration, as in C. Jennison and B. W. Turnbull, "Group Sequential
Methods" (2000), chapter 19); W. Maurer and F. Bretz, "Multiple testing in group sequential trials
using graphical approaches", Statistics in Biopharmaceutical Research 5 (2013) 311-320 (a
hypothesis may be re-tested at the level it receives, as if it had held from look 1).

A test at level a passes at look k when its p-value is below the nominal level c_k(a). c_k grows
with a, so the smallest a at which a look passes is a p-value that is valid however many looks
were taken; the smallest one so far is the sequential p-value.

Holm's test takes several options at one sample: S. Holm, "A simple sequentially rejective multiple
test procedure", Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import special

from harness.stats import betting, clusters, gaffke, tango
from harness.stats.arrays import Bools, Floats, Ints, Moments, Numbers, moments_at
from harness.stats.estimates import Method
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HolmResult:
    """Per option of the last axis: whether it passed, and the one-sided level that decided."""

    passed: Bools
    level: Floats


def holm(p_values: Numbers, alpha: float) -> HolmResult:
    """Test the options of the last axis together at `alpha`.

    `level` is the local level at which an option passed, or the largest one it was tested at:
    `p < level` exactly when it passed. NaN counts as 1.
    """
    p: Floats = np.nan_to_num(np.asarray(p_values, dtype=np.float64), nan=1.0)
    size = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    step: Floats = alpha / np.arange(size, 0, -1, dtype=np.float64)
    ordered = np.take_along_axis(p, order, axis=-1)
    passes = np.logical_and.accumulate(ordered < step, axis=-1)
    reached = np.minimum(passes.sum(axis=-1, keepdims=True), size - 1)
    level: Floats = np.where(passes, step, step[reached])
    passed = np.empty_like(passes)
    levels = np.empty_like(p)
    np.put_along_axis(passed, order, passes, axis=-1)
    np.put_along_axis(levels, order, level, axis=-1)
    return HolmResult(passed=passed, level=levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRules:
    """What is tested when: cases from `start` to each of `looks`, against `margin` (share)."""

    __test__ = False

    method: Method
    margin: float
    start: int
    looks: tuple[int, ...]
    spending: float = 1.0

    @property
    def fractions(self) -> tuple[float, ...]:
        """Information at each look."""
        whole = self.looks[-1] - self.start
        return tuple((look - self.start) / whole for look in self.looks)

    def at_margin(self, margin: float) -> TestRules:
        """The same looks against another margin."""
        return replace(self, margin=margin)

    def boundaries(self) -> Boundaries | None:
        """Nominal levels; None for betting, whose p-values hold at any look."""
        if self.method == "betting":
            return None
        if self.method in {"tango", "gaffke"}:
            return gaussian(self.fractions, self.spending)
        return union(self.fractions, self.spending)

    def nominal(self, level: float, look: int) -> float:
        """Level at which look `look` (from 0) tests when the option's own level is `level`."""
        table = self.boundaries()
        return level if table is None else float(table.at(level, look))

    def smallest(self, p_values: Numbers, look: int) -> Floats:
        """The smallest levels of an option at which p-values pass look `look` (from 0)."""
        table = self.boundaries()
        known = np.asarray(p_values, dtype=np.float64)
        return known if table is None else table.sequential(known, look)


def look_levels(rules: TestRules, differences: Floats, labels: Ints | None) -> Floats:
    """Smallest level at which each look passes; shape (..., looks). NaN where not testable."""
    table = rules.boundaries()
    if table is None:
        wealth = betting.log_wealth_at(
            differences[..., rules.start :],
            -rules.margin,
            tuple(look - rules.start for look in rules.looks),
        )
        return np.exp(-np.maximum(wealth, 0.0))
    if rules.method == "tango":
        return tango_levels(rules, moments_at(differences, rules.start, rules.looks))
    if rules.method == "gaffke":
        ends = tuple(look - rules.start for look in rules.looks)
        return _sequential(table, gaffke.p_at(differences[..., rules.start :], rules.margin, ends))
    return _sequential(table, _clustered(rules, differences, labels))


def tango_levels(rules: TestRules, moments: Moments) -> Floats:
    """As `look_levels`, from the tables at each look (binary scores)."""
    table = gaussian(rules.fractions, rules.spending)
    return _sequential(table, tango.p_value(moments.losses, moments.gains, moments.n, rules.margin))


def _sequential(table: Boundaries, p_values: Floats) -> Floats:
    looks = range(p_values.shape[-1])
    return np.stack([table.sequential(p_values[..., k], k) for k in looks], axis=-1)


def _clustered(rules: TestRules, differences: Floats, labels: Ints | None) -> Floats:
    if labels is None:
        raise ValueError("the method cluster-t needs the clusters of the cases")
    found = [
        clusters.robust_p(
            differences[..., rules.start : look], labels[rules.start : look], rules.margin
        )
        for look in rules.looks
    ]
    return np.stack(found, axis=-1)
