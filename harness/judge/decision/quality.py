"""An option's quality as the record states it: in points, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.comparison.pairs import Pair, Pairs
from harness.judge.decision.standing import LookRow, QualityState, Standing
from harness.record.quality_parts import AbsentFacts, Look, Quality
from harness.record.trust import Missingness
from harness.stats.sequential.design import Design
from harness.stats.sequential.picked import PassedAt, after_passing
from harness.stats.sequential.state import rules_of

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Both arms' mean scores on the deciding pairs, shares; None if they are unknown."""

    incumbent: float | None
    candidate: float | None


def quality(design: Design, standing: Standing, pairs: Pairs, metric: str) -> Quality | None:
    """Fill a record's `Quality`; None if nothing was tested (no settled pair)."""
    settled = settled_in(pairs, standing.cases)
    levels = score_levels(settled)
    figures = (standing.difference, standing.worst, standing.best, standing.level)
    if None in figures or not settled:
        return None
    both, incumbent_only, candidate_only, neither = _table(settled)
    first, stop = standing.cases
    pilot = (first, min(stop, design.pilot))
    return Quality(
        metric=metric,
        n=len(settled),
        pilot_cases=len(settled_in(pairs, pilot)),
        deciding_cases=len(settled) - len(settled_in(pairs, pilot)),
        missing_cases=len(pairs.pairs[slice(*standing.cases)]) - len(settled),
        clusters=_clusters(design, settled),
        repeats=pairs.repeats,
        agreed_without_label=sum(pair.agreed for pair in settled),
        both_right=both,
        only_current_right=incumbent_only,
        only_candidate_right=candidate_only,
        neither_right=neither,
        current=points(levels.incumbent),
        candidate=points(levels.candidate),
        difference=_need(standing.difference),
        worst=_need(standing.worst),
        best=_need(standing.best),
        method=design.method,
        margin=design.margin,
        level=standing.level or 0.0,
        looks=tuple(_look(row, _until(pairs, design, row)) for row in standing.looks),
        looks_planned=len(design.looks),
        worst_missing_as_zero=points(standing.worst_missing_as_zero),
        best_level=standing.best_level,
        corrected=_corrected(design, standing),
        absent=_absent(pairs.pairs[slice(*standing.cases)]),
    )


def _corrected(design: Design, standing: Standing) -> float | None:
    """The difference of an option that passed, in points; None of any other."""
    seen, worst, level = standing.difference, standing.worst, standing.level
    passed = standing.state is QualityState.PASSES
    if not passed or seen is None or worst is None or level is None:
        return None
    at = PassedAt(look=0, levels=(level,), fractions=(1.0,))
    if standing.local is not None:
        rules = rules_of(design).test
        at = PassedAt(
            look=max(row.number for row in standing.looks if row.action == "pass") - 1,
            levels=tuple(rules.nominal(standing.local, k) for k in range(len(rules.looks))),
            fractions=rules.fractions,
        )
    return points(after_passing(seen, worst, design.margin / 100, at))


def _absent(pairs: Sequence[Pair]) -> AbsentFacts | None:
    """The pairs without a difference; None if there is none."""
    unknown = [pair for pair in pairs if pair.difference is None]
    if not unknown:
        return None
    counted = [pair for pair in unknown if pair.reach is not None]
    return AbsentFacts(
        left_out=len(unknown) - len(counted),
        unanswered=sum(not pair.unlabelled for pair in counted),
        unlabelled=sum(pair.unlabelled for pair in counted),
        worst=_outcomes([pair.least for pair in counted]),
        best=_outcomes([pair.most for pair in counted]),
    )


def _outcomes(differences: Sequence[float | None]) -> tuple[int, int, int] | None:
    """Losses, cases alike and gains; None for graded scores."""
    if not set(differences) <= {-1.0, 0.0, 1.0}:
        return None
    return (differences.count(-1.0), differences.count(0.0), differences.count(1.0))


def settled_in(pairs: Pairs, cases: tuple[int, int]) -> list[Pair]:
    """The pairs with a known difference among the cases from the first to before the second."""
    return [pair for pair in pairs.pairs[slice(*cases)] if pair.difference is not None]


def missingness(pairs: Pairs) -> Missingness:
    """Trials without an answer, per arm."""
    return Missingness(
        current=pairs.incumbent.missing,
        candidate=pairs.candidate.missing,
        failed_current=pairs.incumbent.failed,
        failed_candidate=pairs.candidate.failed,
    )


def score_levels(pairs: list[Pair]) -> Levels:
    """Mean scores over the pairs whose scores are known.

    If equal answers replace labels, only the cases that differ have scores; their mean says
    nothing about the rest, so both levels are unknown.
    """
    scored = [
        (pair.incumbent, pair.candidate)
        for pair in pairs
        if pair.incumbent is not None and pair.candidate is not None
    ]
    if not scored or any(pair.agreed for pair in pairs):
        return Levels(incumbent=None, candidate=None)
    return Levels(
        incumbent=sum(own for own, _ in scored) / len(scored),
        candidate=sum(candidate for _, candidate in scored) / len(scored),
    )


def points(share: float | None) -> float | None:
    """A share as points; None stays None."""
    return None if share is None else round(share * 100, _DIGITS)


def _need(share: float | None) -> float:
    shown = points(share)
    if shown is None:
        raise ValueError("a figure of the record is absent")
    return shown


def _clusters(design: Design, settled: list[Pair]) -> int | None:
    return len({pair.cluster for pair in settled}) if design.method == "cluster-t" else None


def _table(settled: list[Pair]) -> tuple[int | None, int | None, int | None, int | None]:
    """Both right, only the incumbent, only the candidate, neither; None for graded scores.

    If a case agrees without a label, both may be right or neither: these two counts are then None.
    """
    differences = [pair.difference for pair in settled]
    scores = {value for pair in settled for value in (pair.incumbent, pair.candidate)}
    if not scores <= {0.0, 1.0, None} or not set(differences) <= {-1.0, 0.0, 1.0}:
        return None, None, None, None
    lost, won = differences.count(-1.0), differences.count(1.0)
    if None in scores:
        return None, lost, won, None
    right = sum(pair.incumbent == pair.candidate == 1.0 for pair in settled)
    return right, lost, won, len(settled) - right - lost - won


def _until(pairs: Pairs, design: Design, row: LookRow) -> list[Pair]:
    """The settled cases of a look: its first ones after the pilot, or the pilot's."""
    start = design.pilot if row.number else 0
    return settled_in(pairs, (start, len(pairs.pairs)))[: row.n]


def _look(row: LookRow, settled: list[Pair]) -> Look:
    _, lost, won, _ = _table(settled)
    return Look(
        lost=lost,
        won=won,
        number=row.number,
        n=row.n,
        difference=points(row.difference),
        worst=points(row.worst),
        level=row.level,
        p_value=row.p_value,
        action=row.action,
    )
