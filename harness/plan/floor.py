"""Whether a feature's eval set can tell today's model from an answer that never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.record.trust import FloorFacts
from harness.scoring.catalogue import find_scorer
from harness.scoring.constants import best_constant, is_assumed, runs_here
from harness.scoring.scorer import Setting
from harness.stats.floor import clears, level_lower

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evalsets.cases import Case, EvalSet
    from harness.plan.model import FeaturePlan
    from harness.scoring.scorer import Scorer

_DIGITS = 6


def floor_before(plan: FeaturePlan) -> FloorFacts | None:
    """What no model could clear on a feature's deciding cases, known before any call; else None."""
    cases = plan.sample.deciding
    return hopeless(plan.evalset, cases, folder=plan.sample.folder, margin=plan.margin)


def hopeless(
    evalset: EvalSet, cases: Sequence[Case], *, folder: Path, margin: float
) -> FloorFacts | None:
    """What stands where not even a model that is right on every case clears the best constant.

    None: one could; or it is not known, as cases lack targets or the scorer runs the team's code.
    """
    if not cases or not runs_here(evalset.primary):
        return None
    try:
        scorer = find_scorer(evalset.primary, Setting(folder=folder))
    except UsageError:
        return None
    if scorer.needs_target and any(case.target is None for case in cases):
        return None
    found = floor_facts(scorer, cases, None, evalset=evalset, margin=margin)
    return None if found.clears else found


def floor_facts(
    scorer: Scorer,
    cases: Sequence[Case],
    scores: Sequence[float] | None,
    *,
    evalset: EvalSet,
    margin: float,
) -> FloorFacts:
    """Today's scores on some cases beside the best constant answer; without scores, the best case.

    `cases` holds at least one, `scores` one for each.
    """
    constant = best_constant(scorer, cases)
    clusters = _numbered([evalset.cluster(case) for case in cases])
    lower = points(level_lower([1.0] * len(cases) if scores is None else scores, clusters))
    return FloorFacts(
        cases=len(cases),
        sampled=False,
        right=_right(scores) if scores else None,
        level=points(sum(scores) / len(scores)) if scores else None,
        level_lower=lower if scores else None,
        best_lower=None if scores else lower,
        constant=constant.constant.kind,
        label=constant.constant.label,
        constant_right=constant.right,
        constant_score=points(constant.mean),
        assumed=is_assumed(scorer),
        margin=margin,
        clears=clears(lower, points(constant.mean), margin),
        all_right=False,
        alike=None,
    )


def points(share: float) -> float:
    """A share as points, rounded to what a record keeps."""
    return round(100 * share, _DIGITS)


def _right(scores: Sequence[float]) -> int | None:
    return int(sum(scores)) if set(scores) <= {0.0, 1.0} else None


def _numbered(names: Sequence[str]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


def floor_note(floor: FloorFacts, unit: str) -> str:
    """One line for a plan or a check: why these cases cannot decide."""
    return (
        f"{constant_words(floor)} scores {floor.constant_score:.1f} of 100 on {floor.cases:,} "
        f"{unit} by itself: not even a model that is right on all of them could be told from it "
        f"with a margin of {floor.margin:g} points; add cases with other targets"
    )


def constant_words(floor: FloorFacts) -> str:
    """What the constant answer is: "always answering 'billing'"."""
    if floor.label is not None:
        return f"always answering {floor.label!r}"
    return {
        "empty answer": "an empty answer to everything",
        "commonest target": "always giving the commonest answer",
    }.get(floor.constant or "", "the same short text to everything")
