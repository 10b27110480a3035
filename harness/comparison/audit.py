"""The cases on which the arms disagree, for a person to read: graders have bugs.

In a public data set the source's grader read "$18.00" as 0 and cost the flagship 3.2 points; such
a bug shows when the disagreements of one direction are read, or scored again by a second grader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.comparison.pairs import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One case on which the scores differ; `difference` is candidate minus incumbent."""

    case_id: str
    cluster: str
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GraderGap:
    """What a second grader changes: means of both arms under both graders, shares.

    `tilt` is the difference under the second grader minus that under the first: far from 0, the
    first grader favours one of the models.
    """

    cases: int
    current: float
    candidate: float
    current_again: float
    candidate_again: float
    changed_current: tuple[str, ...]
    changed_candidate: tuple[str, ...]

    @property
    def tilt(self) -> float:
        """How much the first grader favours the incumbent (positive: the candidate gains)."""
        again = self.candidate_again - self.current_again
        return again - (self.candidate - self.current)


def disagreements(pairs: Pairs) -> tuple[Disagreement, ...]:
    """Every scored disagreement, the candidate's losses first, then in case order."""
    found = [
        Disagreement(case_id=pair.case_id, cluster=pair.cluster, difference=pair.difference)
        for pair in pairs.pairs
        if pair.difference
    ]
    return tuple(sorted(found, key=lambda item: (item.difference, item.case_id)))


def grader_gap(first: Pairs, second: Pairs) -> GraderGap | None:
    """Compare two graders on the same answers; None without a case that both have scored."""
    again = {pair.case_id: pair for pair in second.pairs}
    rows = [
        (pair.case_id, pair.current, pair.candidate, other.current, other.candidate)
        for pair in first.pairs
        if (other := again.get(pair.case_id)) is not None
    ]
    complete = [
        (case, now, new, now_2, new_2)
        for case, now, new, now_2, new_2 in rows
        if now is not None and new is not None and now_2 is not None and new_2 is not None
    ]
    if not complete:
        return None
    n = len(complete)
    return GraderGap(
        cases=n,
        current=sum(row[1] for row in complete) / n,
        candidate=sum(row[2] for row in complete) / n,
        current_again=sum(row[3] for row in complete) / n,
        candidate_again=sum(row[4] for row in complete) / n,
        changed_current=tuple(row[0] for row in complete if row[1] != row[3]),
        changed_candidate=tuple(row[0] for row in complete if row[2] != row[4]),
    )
