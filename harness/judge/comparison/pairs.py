"""Paired evidence: the scores of two arms, case by case, in the seeded order.

Also lists the cases on which the arms disagree, and what a second grader changes. Graders have
bugs: in a public data set the source's grader read "$18.00" as 0 and cost the flagship 3.2 points.
Such a bug shows when the disagreements of one direction are read, or scored again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from types import MappingProxyType

from harness.stats.estimates import Estimate, Method, Sample, estimate

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One option's scores by case id; a case that is not in `scores` was not asked yet.

    A tuple holds one score in [0, 1] per repeat; None is Missing (the world's fault). `failed`
    names cases with a Failed trial (the model's fault; `scores` has 0 for it). `unlabelled` names
    answered cases without the label that would score them: their repeats are None. `answers` holds
    normalised answers if equal answers have equal scores: they settle cases without a label.
    """

    option: str
    scores: Mapping[str, tuple[float | None, ...]]
    failed: frozenset[str] = frozenset()
    unlabelled: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def score(self, case_id: str) -> float | None:
        """Mean over the repeats that have a score; None when none has."""
        held = self.scores[case_id]
        if len(held) == 1:
            return None if held[0] is None else float(held[0])
        present = [value for value in held if value is not None]
        return sum(present) / len(present) if present else None

    def filled(self, case_id: str, value: float) -> float:
        """Mean over the repeats with `value` in place of each score that is absent."""
        held = self.scores[case_id]
        return sum([value if score is None else score for score in held]) / len(held)

    def missing(self, case_ids: tuple[str, ...]) -> int:
        """Number of Missing trials among these cases."""
        return sum(
            self.scores[case_id].count(None)
            for case_id in case_ids
            if case_id in self.scores and case_id not in self.unlabelled
        )

    def trials(self, case_ids: tuple[str, ...]) -> int:
        """Number of trials asked among these cases."""
        return sum(len(self.scores.get(case_id, ())) for case_id in case_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One case under both arms; scores and difference are shares, candidate minus incumbent."""

    case_id: str
    cluster: str
    incumbent: float | None
    candidate: float | None
    difference: float | None
    """None while the pair is missing or unlabelled."""
    missing: bool = False
    unlabelled: bool = False
    agreed: bool = False
    """Settled at 0 by equal answers, without a label."""
    reach: tuple[float, float] | None = None
    """The least and the greatest that the difference can be, whatever an absent score or label
    would say; None: nothing is absent, or both models failed."""

    @property
    def least(self) -> float | None:
        """The difference at its worst; None where both models failed: such a pair is left out."""
        return self.difference if self.reach is None else self.reach[0]

    @property
    def most(self) -> float | None:
        """The difference at its best; None where both models failed."""
        return self.difference if self.reach is None else self.reach[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Trials asked, missing and failed in one arm."""

    trials: int
    missing: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One option against the incumbent, as far as both arms were asked."""

    option: str
    pairs: tuple[Pair, ...]
    incumbent: Missed
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
        incumbent=_missed(incumbent, cases),
        candidate=_missed(candidate, cases),
        repeats=repeats,
    )


def _pair(incumbent: Arm, candidate: Arm, case_id: str, cluster: str) -> Pair:
    own, new = incumbent.score(case_id), candidate.score(case_id)
    agreed = _agree(incumbent, candidate, case_id)
    unlabelled = case_id in incumbent.unlabelled or case_id in candidate.unlabelled
    difference = None if own is None or new is None else new - own
    return Pair(
        case_id=case_id,
        cluster=cluster,
        incumbent=own,
        candidate=new,
        difference=0.0 if agreed else difference,
        missing=difference is None and not (agreed or unlabelled),
        unlabelled=unlabelled and difference is None and not agreed,
        agreed=agreed and unlabelled,
        reach=None if agreed else _reach(incumbent, candidate, case_id),
    )


def _reach(incumbent: Arm, candidate: Arm, case_id: str) -> tuple[float, float] | None:
    """What the difference can be; a case is left out only if both models failed on it."""
    if case_id in incumbent.unlabelled or case_id in candidate.unlabelled:
        return (-1.0, 1.0)
    if None not in candidate.scores[case_id] and None not in incumbent.scores[case_id]:
        return None
    lowest, highest = (
        candidate.filled(case_id, new) - incumbent.filled(case_id, own)
        for new, own in ((0.0, 1.0), (1.0, 0.0))
    )
    both_failed = incumbent.score(case_id) is None and candidate.score(case_id) is None
    return None if both_failed or lowest == highest else (lowest, highest)


def _agree(incumbent: Arm, candidate: Arm, case_id: str) -> bool:
    ours, theirs = incumbent.answers.get(case_id), candidate.answers.get(case_id)
    return ours is not None and ours == theirs


def _missed(arm: Arm, cases: tuple[str, ...]) -> Missed:
    return Missed(
        trials=arm.trials(cases),
        missing=arm.missing(cases),
        failed=sum(case in arm.failed for case in cases),
    )


def sample(pairs: Sequence[Pair]) -> Sample:
    """Differences of the settled pairs; a pair with a missing arm is dropped."""
    settled = [pair for pair in pairs if pair.difference is not None]
    return Sample(
        differences=tuple(pair.difference for pair in settled if pair.difference is not None),
        clusters=labels([pair.cluster for pair in settled]),
    )


def at_worst(pairs: Sequence[Pair]) -> Sample:
    """As `sample`, with every absent score and label against the candidate.

    The differences are at most the true ones. So if the true mean is not above minus the margin,
    neither is theirs, and a test that holds for every such distribution holds for them.
    """
    return _filled(pairs, [pair.least for pair in pairs])


def at_best(pairs: Sequence[Pair]) -> Sample:
    """As `sample`, with every absent score and label in favour of the candidate."""
    return _filled(pairs, [pair.most for pair in pairs])


def _filled(pairs: Sequence[Pair], values: Sequence[float | None]) -> Sample:
    known = [(p, value) for p, value in zip(pairs, values, strict=True) if value is not None]
    return Sample(
        differences=tuple(value for _, value in known),
        clusters=labels([pair.cluster for pair, _ in known]),
    )


def bounded(pairs: Sequence[Pair], method: Method, level: float) -> Estimate | None:
    """The mean of the differences that are known, each bound with all that is absent against it."""
    found = estimate(sample(pairs), method, level)
    if found is None or all(pair.reach is None for pair in pairs):
        return found
    worst = estimate(at_worst(pairs), method, level)
    best = estimate(at_best(pairs), method, level)
    if worst is None or best is None:
        return None
    return replace(found, lower=min(worst.lower, found.value), upper=max(best.upper, found.value))


def missing_as_zero(pairs: Sequence[Pair]) -> Sample:
    """As `sample`, with a missing answer counted as wrong."""
    asked = [pair for pair in pairs if not pair.unlabelled]
    return Sample(
        differences=tuple(
            (pair.candidate or 0.0) - (pair.incumbent or 0.0)
            if pair.difference is None
            else pair.difference
            for pair in asked
        ),
        clusters=labels([pair.cluster for pair in asked]),
    )


def labels(names: Sequence[str]) -> tuple[int, ...]:
    """A number per distinct name, in order of appearance."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return tuple(map(numbers.__getitem__, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discordance:
    """One case on which the scores differ; `difference` is candidate minus incumbent."""

    case_id: str
    cluster: str
    difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GraderGap:
    """Mean scores of both arms under two graders, shares.

    `tilt` is the difference under the second grader minus that under the first: far from 0, the
    first grader favours one of the models.
    """

    cases: int
    incumbent: float
    candidate: float
    incumbent_again: float
    candidate_again: float
    changed_incumbent: tuple[str, ...]
    changed_candidate: tuple[str, ...]

    @property
    def tilt(self) -> float:
        """How much the first grader favours the incumbent (positive: the candidate gains)."""
        again = self.candidate_again - self.incumbent_again
        return again - (self.candidate - self.incumbent)


def disagreements(pairs: Pairs) -> tuple[Discordance, ...]:
    """Every scored disagreement, the candidate's losses first, then in case order."""
    found = [
        Discordance(case_id=pair.case_id, cluster=pair.cluster, difference=pair.difference)
        for pair in pairs.pairs
        if pair.difference
    ]
    return tuple(sorted(found, key=lambda item: (item.difference, item.case_id)))


def grader_gap(first: Pairs, second: Pairs) -> GraderGap | None:
    """Compare two graders on the same answers; None without a case that both have scored."""
    again = {pair.case_id: pair for pair in second.pairs}
    rows = [
        (pair.case_id, pair.incumbent, pair.candidate, other.incumbent, other.candidate)
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
        incumbent=sum(row[1] for row in complete) / n,
        candidate=sum(row[2] for row in complete) / n,
        incumbent_again=sum(row[3] for row in complete) / n,
        candidate_again=sum(row[4] for row in complete) / n,
        changed_incumbent=tuple(row[0] for row in complete if row[1] != row[3]),
        changed_candidate=tuple(row[0] for row in complete if row[2] != row[4]),
    )
