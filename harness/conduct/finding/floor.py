"""Whether a review's cases can tell the incumbent from an answer that never changes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalsets.cases import Case, EvalSet
from harness.conduct.finding.feature_run import FeatureRun
from harness.judge.comparison.pairs import Arm
from harness.judge.decision.standing import QualityState
from harness.judge.scoring.constants import best_constant, is_assumed
from harness.judge.scoring.scorer import Scorer
from harness.plan.expecting import level_cases
from harness.plan.model import FeaturePlan
from harness.plan.sampling import clears, points
from harness.record.trust import FloorFacts
from harness.stats.sequential.sample_size import Gap, level_lower


def floor_facts(
    scorer: Scorer,
    cases: Sequence[Case],
    scores: Sequence[float],
    *,
    evalset: EvalSet,
    margin: float,
) -> FloorFacts:
    """The incumbent's scores and the best constant answer's; at least one case."""
    constant = best_constant(scorer, cases)
    lower = level_lower(scores, _numbered([evalset.cluster(case) for case in cases]))
    least = None if lower is None else points(lower)
    return FloorFacts(
        cases=len(cases),
        sampled=False,
        right=_right(scores),
        level=points(sum(scores) / len(scores)),
        level_lower=least,
        best_lower=None,
        constant=constant.constant.kind,
        label=constant.constant.label,
        constant_right=constant.right,
        constant_score=points(constant.mean),
        assumed=is_assumed(scorer),
        margin=margin,
        clears=_clears(least, points(constant.mean), margin),
        all_right=False,
        alike=None,
    )


def _clears(lower: float | None, constant: float, margin: float) -> bool:
    """Whether the lower bound is above the constant by the margin; False if it is not known."""
    return lower is not None and clears(lower, constant, margin)


def _right(scores: Sequence[float]) -> int | None:
    return int(sum(scores)) if set(scores) <= {0.0, 1.0} else None


def _numbered(names: Sequence[str]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


def floor_of(plan: FeaturePlan, run: FeatureRun | None) -> FloorFacts | None:
    """By the answers where there are any, else what the plan knew; None where nothing is known."""
    if run is None:
        return plan.floor
    arm = run.arm(run.incumbent.name)
    asked = [case for case in plan.sample.deciding if case.id in arm.scores]
    if not asked:
        return None
    if not arm.unlabelled:
        return _measured(plan, run, asked)
    partly = _Filled.of(plan, run, asked)
    settled = None if partly is None else partly.settled()
    return settled or _by_some(plan, run, asked, partly)


def _by_some(
    plan: FeaturePlan, run: FeatureRun, asked: Sequence[Case], partly: _Filled | None
) -> FloorFacts | None:
    """Where it depends on labels that lack: by random cases that have one, else not known."""
    arm, drawn = run.arm(run.incumbent.name), level_cases(plan.sample)
    if all(case.id in arm.scores and case.id not in arm.unlabelled for case in drawn):
        return _sampled(plan, run, drawn)
    unknown = _unknown(plan, arm, asked)
    return unknown if partly is None else _with(unknown, **partly.lacking())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """Cases of which some lack a label: what holds whatever those would say.

    A label can be for today's model, and against the constant answer, or the other way round; so
    the floor is cleared from some number of favourable ones on.
    """

    plan: FeaturePlan
    scorer: Scorer
    labelled: tuple[tuple[Case, float], ...]
    bare: tuple[Case, ...]

    @classmethod
    def of(cls, plan: FeaturePlan, run: FeatureRun, asked: Sequence[Case]) -> _Filled | None:
        """None where no case has a label."""
        arm = run.arm(run.incumbent.name)
        known = ((case, arm.score(case.id)) for case in asked if case.id not in arm.unlabelled)
        labelled = tuple((case, score) for case, score in known if score is not None)
        bare = tuple(case for case in asked if case.id in arm.unlabelled)
        scorer = run.board.measures.primary
        found = cls(plan=plan, scorer=scorer, labelled=labelled, bare=bare)
        return found if labelled else None

    def settled(self) -> FloorFacts | None:
        """The floor if all labels would be unfavourable and it holds, or favourable and it fails.

        None: it depends on them.
        """
        worst, best = self._with(0), self._with(len(self.bare))
        if worst.clears:
            return worst
        return None if best.clears else best

    def lacking(self) -> dict[str, int]:
        """How many labels are lacking, and as how few may settle it."""
        size = len(self.bare)
        first = bisect_left(range(size), 1, key=lambda n: int(bool(self._with(n).clears)))
        return {"unlabelled": size, "fewest_labels": min(first, size - first + 1)}

    def _with(self, favourable: int) -> FloorFacts:
        """The floor with so many labels for today's model, and the rest for the constant."""
        cases = [case for case, _ in self.labelled]
        constant = best_constant(self.scorer, cases)
        others = len(self.bare) - favourable
        found = floor_facts(
            self.scorer,
            [*cases, *self.bare],
            [*(score for _, score in self.labelled), *[1.0] * favourable, *[0.0] * others],
            evalset=self.plan.evalset,
            margin=self.plan.margin,
        )
        total = sum(constant.scores) + others
        score = points(total / (len(cases) + len(self.bare)))
        return _with(
            found,
            constant=constant.constant.kind,
            label=constant.constant.label,
            constant_right=None if constant.right is None else int(total),
            constant_score=score,
            clears=_clears(found.level_lower, score, self.plan.margin),
            unlabelled=len(self.bare),
        )


def asks_on(run: FeatureRun) -> int:
    """How many cases today's model is to be asked in all, where it was asked too few; else 0.

    A test that stops early leaves today's level uncertain. Where that alone keeps the floor from
    being cleared, twice as many are asked, again and again, as long as an answer that is right on
    all the rest would clear it. Each bound is one of 95 % by itself.
    """
    plan, arm = run.plan, run.arm(run.incumbent.name)
    asked, size = len(arm.scores), len(run.design.order)
    if plan.quick or arm.unlabelled or not 0 < asked < size:
        return 0
    floor = floor_of(plan, run)
    if floor is None or floor.clears or not _rests_on_quality(run):
        return 0
    return min(2 * asked, size) if _could_clear(floor, size) else 0


def _rests_on_quality(run: FeatureRun) -> bool:
    """Whether some option's standing is of no use where the cases cannot tell."""
    states = {standing.state for standing in run.standings()}
    return bool(
        states
        & {QualityState.PASSES, QualityState.INFERIOR, QualityState.UNLIKELY, QualityState.VETOED}
    )


def _could_clear(floor: FloorFacts, size: int) -> bool:
    """Whether `size` cases could clear the floor if every case that was not asked yet were right.

    The constant's score is taken to stay as it is.
    """
    if floor.level is None or floor.constant_score is None:
        return False
    gap = Gap(
        level=1 - (1 - floor.level / 100) * floor.cases / size,
        constant=floor.constant_score / 100,
        margin=floor.margin,
    )
    return gap.clears(size)


def _measured(plan: FeaturePlan, run: FeatureRun, cases: Sequence[Case]) -> FloorFacts | None:
    """By the scores of today's model; None where the world brought none."""
    arm = run.arm(run.incumbent.name)
    scored = [(case, score) for case in cases if (score := arm.score(case.id)) is not None]
    if not scored:
        return None
    found = floor_facts(
        run.board.measures.primary,
        [case for case, _ in scored],
        [score for _, score in scored],
        evalset=plan.evalset,
        margin=plan.margin,
    )
    return _with(found, all_right=found.level == points(1.0) and _others_right(run))


def _sampled(plan: FeaturePlan, run: FeatureRun, drawn: Sequence[Case]) -> FloorFacts | None:
    found = _measured(plan, run, drawn)
    return None if found is None else _with(found, sampled=True, all_right=False)


def _with(found: FloorFacts, **changed: object) -> FloorFacts:
    return FloorFacts.model_validate({**found.model_dump(), **changed})


def _others_right(run: FeatureRun) -> bool:
    """Whether every other model that was asked was right on all that it was asked."""
    arms = [run.arm(option) for option in run.options]
    scores = [score for arm in arms for case in arm.scores.values() for score in case]
    known = [score for score in scores if score is not None]
    return bool(known) and all(score == 1.0 for score in known)


def _unknown(plan: FeaturePlan, arm: Arm, asked: Sequence[Case]) -> FloorFacts:
    """Without labels the level is not known; one answer to nearly all cases tells enough.

    The level less the score of that very answer is at most the share of the other cases.
    """
    given = Counter(arm.answers.get(case.id) for case in asked)
    alike = points(given.most_common(1)[0][1] / len(asked))
    hopeless = round(points(1.0) - alike, 6) < plan.margin
    return FloorFacts(
        cases=0,
        sampled=False,
        right=None,
        level=None,
        level_lower=None,
        best_lower=None,
        constant=None,
        label=None,
        constant_right=None,
        constant_score=None,
        assumed=False,
        margin=plan.margin,
        clears=False if hopeless else None,
        all_right=False,
        alike=alike if hopeless else None,
    )
