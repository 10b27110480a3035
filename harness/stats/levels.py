"""The smallest level at which each look passes, by the method fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import betting, boundaries, clusters, tango
from harness.stats.moments import moments_at

if TYPE_CHECKING:
    from harness.stats.arrays import Floats, Ints
    from harness.stats.boundaries import Boundaries
    from harness.stats.estimates import Method
    from harness.stats.moments import Moments


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
        """Nominal levels; None for betting, which may look whenever it likes."""
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
