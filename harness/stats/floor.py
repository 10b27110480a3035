"""Can a set of cases tell a model from one that answers every case alike?

The lower bound of today's level must lie above the best constant answer's score by at least the
margin: else what is no worse than today's model by the margin may be no model at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.agreement import share_lower
from harness.stats.estimates import Sample, level_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05
"""One-sided, of the lower bound of today's level."""
_ROUNDING = 1e-6
MOST_CASES = 20_000
"""The largest set that is thought of when cases are missing."""


def level_lower(scores: Sequence[float], clusters: Sequence[int]) -> float:
    """One-sided lower bound of the mean of scores in [0, 1]; a share, 0 without a score.

    Clopper and Pearson's for right or wrong, by betting for graded scores; where cases come in
    clusters the lower of the bound over cases and the cluster-robust one. `clusters` holds a label
    per score.
    """
    if not scores:
        return 0.0
    binary = set(scores) <= {0.0, 1.0}
    apart = len(set(clusters)) == len(clusters)
    exact = share_lower(int(sum(scores)), len(scores), confidence=1 - LEVEL) if binary else 1.0
    if binary and apart:
        return exact
    found = level_estimate(
        Sample(differences=tuple(scores), clusters=() if apart else tuple(clusters)), LEVEL
    )
    return 0.0 if found is None else min(found.lower, exact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What was seen: today's level and the constant's score, shares, and the margin, points."""

    level: float
    constant: float
    margin: float

    def cases_needed(self, seen: int) -> int | None:
        """Fewest cases, more than were seen, that would clear at these shares; None: none would.

        Right or wrong and independent cases are taken for granted.
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
