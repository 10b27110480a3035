"""How many cases a test needs, and whether a sample could decide at all.

A design is too small when even a candidate that never disagrees could not clear the margin. This is
asked before any spending, and again before a test.

The power of one look at n binary cases is exact: the p-value that decides is summed over the
trinomial of losses, gains and agreements.

An eval set must also tell a model from a constant answer: the lower bound of the incumbent's level
must lie above the best constant answer's score by the margin. Otherwise what is shown to be no
worse than the incumbent may be no model at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats import tango
from harness.stats.arrays import Floats
from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import Sample, level_estimate, smallest_sample
from harness.stats.reliability import share_lower
from harness.stats.sequential.design import Design
from harness.stats.sequential.rehearsal import Truth

_TAIL = 1e-10
MOST_CASES = 20_000
"""The largest eval set that is considered."""
LEVEL = 0.05
"""One-sided level of the lower bound of the incumbent's mean score."""
_ROUNDING = 1e-6
_STEP = 10


def pass_rate(truth: Truth, n: int, margin: float, level: float) -> float:
    """P(the lower bound at `level` lies above -margin) on `n` cases; exact.

    >>> round(pass_rate(Truth(difference=0.0, discordance=0.08), 200, 0.05, 0.05), 2)
    0.77
    """
    disagreements, gains, chance = outcomes(truth, n)
    passes = tango.p_value(disagreements - gains, gains, n, margin) < level
    return float((chance * passes).sum())


def outcomes(truth: Truth, n: int) -> tuple[Floats, Floats, Floats]:
    """Disagreements, gains and their probability: all tables but a tail of 1e-10."""
    if not truth.possible:
        raise ValueError(f"no such candidate: {truth}")
    every = np.arange(n + 1, dtype=np.float64)
    likely = every[_binomial(every, float(n), truth.discordance) > _TAIL / (n + 1)]
    top = float(likely.max())
    disagreements, gains = np.meshgrid(likely, np.arange(top + 1), indexing="ij")
    share = truth.gains / truth.discordance if truth.discordance else 0.0
    chance = _binomial(disagreements, float(n), truth.discordance)
    chance = chance * _binomial(gains, disagreements, share)
    inside = gains <= disagreements
    return disagreements[inside], gains[inside], chance[inside]


def cases_needed(truth: Truth, margin: float, level: float, *, power: float = 0.8) -> int | None:
    """Fewest cases with that power, to the next ten; None when 20,000 are too few."""
    low, high = 0, 20
    while pass_rate(truth, high, margin, level) < power:
        low, high = high, 2 * high
        if high > MOST_CASES:
            return None
    while high - low > _STEP:
        middle = (low + high) // (2 * _STEP) * _STEP
        if pass_rate(truth, middle, margin, level) < power:
            low = middle
        else:
            high = middle
    return high


def _binomial(k: Floats, n: Floats | float, share: float) -> Floats:
    """Probability of `k` out of `n`; 0 where k exceeds n."""
    size = np.broadcast_to(np.asarray(n, dtype=np.float64), k.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = (
            special.gammaln(size + 1)
            - special.gammaln(k + 1)
            - special.gammaln(np.maximum(size - k, 0) + 1)
            + special.xlogy(k, share)
            + special.xlog1py(size - k, -share)
        )
    return np.where(k <= size, np.exp(log), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a design and what its strictest test needs, in independent cases.

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


def level_lower(scores: Sequence[float], clusters: Sequence[int]) -> float | None:
    """One-sided lower bound of the mean of scores in [0, 1], as a share; None if not known.

    That is so without a score, and where all cases come in one cluster. Else it is Clopper and
    Pearson's for right or wrong, by betting for graded scores; where cases come in clusters the
    lower of the bound over cases and the cluster-robust one. `clusters` holds a label per score.
    """
    groups = len(set(clusters))
    apart = groups == len(clusters)
    if not scores or (groups == 1 and not apart):
        return None
    binary = set(scores) <= {0.0, 1.0}
    exact = share_lower(int(sum(scores)), len(scores), confidence=1 - LEVEL) if binary else 1.0
    if binary and apart:
        return exact
    found = level_estimate(
        Sample(differences=tuple(scores), clusters=() if apart else tuple(clusters)), LEVEL
    )
    return None if found is None else min(found.lower, exact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The incumbent's level and the constant's score, shares, and the margin, points."""

    level: float
    constant: float
    margin: float

    def cases_needed(self, seen: int) -> int | None:
        """Fewest cases, more than were seen, that would clear at these shares; None: no number.

        Assumes binary scores and independent cases.
        """
        if self.clears(MOST_CASES):
            low, high = seen, MOST_CASES
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if self.clears(middle) else (middle, high)
            return high
        return None

    def clears(self, n: int) -> bool:
        """Whether this number of cases is enough at these shares."""
        lower = share_lower(int(self.level * n + _ROUNDING), n, confidence=1 - LEVEL)
        return 100 * (lower - self.constant) >= self.margin
