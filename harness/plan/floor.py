"""Compares the incumbent's scores with the best constant answer's, on the same cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.hopeless import clears, points
from harness.record.trust import FloorFacts
from harness.scoring.constants import best_constant, is_assumed
from harness.stats.floor import level_lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalsets.cases import Case, EvalSet
    from harness.scoring.scorer import Scorer


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
    clusters = _numbered([evalset.cluster(case) for case in cases])
    lower = points(level_lower(scores, clusters))
    return FloorFacts(
        cases=len(cases),
        sampled=False,
        right=_right(scores),
        level=points(sum(scores) / len(scores)),
        level_lower=lower,
        best_lower=None,
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


def _right(scores: Sequence[float]) -> int | None:
    return int(sum(scores)) if set(scores) <= {0.0, 1.0} else None


def _numbered(names: Sequence[str]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]
