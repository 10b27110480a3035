"""The smallest level at which each look passes, and Holm's test of several options at one sample.

Holm: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6 (1979) 65-70.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.stats import betting, clusters, tango
from harness.stats.arrays import Bools, Floats, Ints, Moments, Numbers, moments_at
from harness.stats.estimates import Method
from harness.stats.sequential import boundaries
from harness.stats.sequential.boundaries import Boundaries


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
        if self.method == "tango":
            return boundaries.gaussian(self.fractions, self.spending)
        return boundaries.union(self.fractions, self.spending)

    def nominal(self, level: float, look: int) -> float:
        """Level at which look `look` (from 0) tests when the option's own level is `level`."""
        table = self.boundaries()
        return level if table is None else float(table.at(level, look))


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
    return _sequential(table, _clustered(rules, differences, labels))


def tango_levels(rules: TestRules, moments: Moments) -> Floats:
    """As `look_levels`, from the tables at each look (binary scores)."""
    table = boundaries.gaussian(rules.fractions, rules.spending)
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
