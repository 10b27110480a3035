"""How far a feature's figures can be trusted: repeats, discordant cases, a second grader."""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

from harness.comparison.audit import disagreements, grader_gap
from harness.comparison.samples import sample
from harness.record.parts import AuditFacts, GraderFacts, MixFacts, NoiseFacts, Quality, SpreadFacts
from harness.review.scores import AGAIN
from harness.stats import repeats
from harness.stats.stratified import Stratum, stratified

if TYPE_CHECKING:
    from harness.comparison.arms import Arm
    from harness.comparison.pairs import Pairs
    from harness.decision.standing import Standing
    from harness.review.feature_run import FeatureRun

_DIGITS = 6


def with_spreads(run: FeatureRun, option: str, quality: Quality) -> Quality:
    """The same quality, with both models' variances where cases were answered repeatedly."""
    return quality.model_copy(
        update={
            "spread_current": _spread(run, run.arm(run.incumbent.option)),
            "spread_candidate": _spread(run, run.arm(option)),
        }
    )


def with_mix(run: FeatureRun, standing: Standing, quality: Quality) -> Quality:
    """The same quality, with the difference at production's mix where the feature states one.

    Each part's bound is taken at its share of the level that decided, on the cases that decided.
    """
    stated = next(iter(run.plan.config.mix.items()), None)
    if stated is None:
        return quality
    key, shares = stated
    part_of = {case.id: case.meta(key) for case in run.plan.sample.deciding}
    pairs = run.pairs(standing.option).pairs[slice(*standing.cases)]
    strata = [
        Stratum(
            share=share, sample=sample([pair for pair in pairs if part_of[pair.case_id] == part])
        )
        for part, share in shares.items()
        if share
    ]
    found = stratified(strata, run.design.method, quality.level)
    facts = MixFacts(
        key=key,
        shares=tuple((part, _points(share)) for part, share in shares.items()),
        n=sum(len(stratum.sample.differences) for stratum in strata),
        difference=None if found is None else _points(found.value),
        worst=None if found is None else _points(found.lower),
    )
    return quality.model_copy(update={"mix": facts})


def noise(run: FeatureRun) -> NoiseFacts | None:
    """Today's model against itself; None with one answer per case."""
    found = repeats.noise_floor(_matrix(run, run.arm(run.incumbent.option)))
    if found is None:
        return None
    return NoiseFacts(
        cases=found.cases,
        disagreement=_points(found.disagreement),
        difference=_points(found.difference),
        error=_points(found.error),
    )


def audit(pairs: Pairs) -> AuditFacts | None:
    """Those of the cases on which the scores differ; None before anything was compared."""
    if not pairs.pairs:
        return None
    found = disagreements(pairs)
    return AuditFacts(
        losses=tuple(one.case_id for one in found if one.difference < 0),
        gains=tuple(one.case_id for one in found if one.difference > 0),
    )


def grader(run: FeatureRun, pairs: Pairs) -> GraderFacts | None:
    """What the second grader changes; None without one, or without a case that both scored."""
    spec = run.board.measures.second
    if spec is None:
        return None
    gap = grader_gap(pairs, run.pairs(pairs.option, AGAIN))
    if gap is None:
        return None
    return GraderFacts(
        grader=spec.scorer,
        cases=gap.cases,
        current=_points(gap.current),
        candidate=_points(gap.candidate),
        current_again=_points(gap.current_again),
        candidate_again=_points(gap.candidate_again),
        tilt=_points(gap.tilt),
        changed_current=gap.changed_current,
        changed_candidate=gap.changed_candidate,
    )


def _spread(run: FeatureRun, arm: Arm) -> SpreadFacts | None:
    found = repeats.spread(_matrix(run, arm))
    if found is None:
        return None
    return SpreadFacts(
        cases=found.cases,
        repeats=found.repeats,
        between=_points(sqrt(found.between)),
        within=_points(sqrt(found.within)),
    )


def _matrix(run: FeatureRun, arm: Arm) -> list[list[float]]:
    """Scores by case and repeat, in the seeded order; NaN where one is missing, or never was."""
    rows = [arm.scores[case] for case in run.design.order if case in arm.scores]
    longest = max((len(row) for row in rows), default=1)
    padded = [[*row, *[None] * (longest - len(row))] for row in rows]
    return [[nan if score is None else score for score in row] for row in padded] or [[nan]]


def _points(share: float) -> float:
    return round(100 * share, _DIGITS)
