"""The same cases under both arms, in the seeded order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.comparison.arms import Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One case under both arms; scores and difference are shares, candidate minus incumbent."""

    case_id: str
    cluster: str
    current: float | None
    candidate: float | None
    difference: float | None
    """None while the pair is missing or unlabelled."""
    missing: bool = False
    unlabelled: bool = False
    agreed: bool = False
    """Settled at 0 by equal answers, without a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Trials asked, missing and failed in one arm."""

    trials: int
    missing: int
    failed: int
    share: float = 0.0
    """Share of the trials that are missing, each case counted alike however many it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One option against the incumbent, as far as both arms were asked."""

    option: str
    pairs: tuple[Pair, ...]
    current: Missed
    candidate: Missed
    repeats: int

    def until(self, count: int) -> tuple[Pair, ...]:
        """The first `count` cases of the order, as far as they were asked."""
        return self.pairs[:count]


def pair_up(
    incumbent: Arm, candidate: Arm, *, order: Sequence[str], clusters: Sequence[str]
) -> Pairs:
    """Pair two arms over the asked part of the order, which must be a prefix of it."""
    asked = list(
        takewhile(lambda case: case in incumbent.scores and case in candidate.scores, order)
    )
    cases = tuple(asked)
    repeats = max((len(candidate.scores[case]) for case in cases), default=1)
    return Pairs(
        option=candidate.option,
        pairs=tuple(
            _pair(incumbent, candidate, case, cluster)
            for case, cluster in zip(cases, clusters, strict=False)
        ),
        current=_missed(incumbent, cases),
        candidate=_missed(candidate, cases),
        repeats=repeats,
    )


def _pair(incumbent: Arm, candidate: Arm, case_id: str, cluster: str) -> Pair:
    current, proposed = incumbent.score(case_id), candidate.score(case_id)
    agreed = _agree(incumbent, candidate, case_id)
    unlabelled = case_id in incumbent.unlabelled or case_id in candidate.unlabelled
    known = current is not None and proposed is not None
    difference = proposed - current if current is not None and proposed is not None else None
    return Pair(
        case_id=case_id,
        cluster=cluster,
        current=current,
        candidate=proposed,
        difference=0.0 if agreed else difference,
        missing=not (known or agreed or unlabelled),
        unlabelled=unlabelled and not (known or agreed),
        agreed=agreed and unlabelled,
    )


def _agree(incumbent: Arm, candidate: Arm, case_id: str) -> bool:
    ours, theirs = incumbent.answers.get(case_id), candidate.answers.get(case_id)
    return ours is not None and ours == theirs


def _missed(arm: Arm, cases: tuple[str, ...]) -> Missed:
    return Missed(
        trials=arm.trials(cases),
        missing=arm.missing(cases),
        failed=sum(case in arm.failed for case in cases),
        share=sum(arm.missing((c,)) / arm.trials((c,)) for c in cases) / len(cases) if cases else 0,
    )
