"""Whether a sample could decide at all: asked before a cent is spent, and again before a test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import smallest_sample

if TYPE_CHECKING:
    from harness.stats.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a design has and what its tightest test needs, in independent cases.

    Clusters count for as many cases as they are worth when each agrees with itself
    (Kish 1965, effective sample size): (sum of sizes)^2 / sum of squared sizes.
    """

    cases: int
    clusters: int | None
    """None where cases are independent."""
    worth: float
    needed: int

    @property
    def too_small(self) -> bool:
        """Not even zero disagreement would clear the margin."""
        few = self.clusters is not None and self.clusters < FEWEST_CLUSTERS
        return few or self.worth < self.needed


def size_of(design: Design) -> Size:
    """Measure the deciding cases of a design, tune and pilot left out."""
    sharing = 1 if design.kind == "fixed-sequence" else max(len(design.options), 1)
    sizes = Counter(design.clusters[design.pilot :]).values()
    cases = sum(sizes)
    clustered = design.method == "cluster-t"
    squares = sum(size**2 for size in sizes)
    return Size(
        cases=cases,
        clusters=len(sizes) if clustered else None,
        worth=cases**2 / squares if clustered and squares else float(cases),
        needed=smallest_sample(design.method, design.margin / 100, design.alpha / sharing),
    )
