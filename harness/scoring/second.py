"""The second grader: scores the same answers again, to show what the first one may get wrong.

Graders have bugs: in a public data set one reads "$18.00" as 0, and so favours the model that
writes no cents. What a second grader changes is shown beside the finding; it decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsets.cases import ScorerSpec
from harness.scoring.catalogue import find_scorer
from harness.scoring.numbers import whole_number
from harness.scoring.outcomes import score_outcome
from harness.scoring.scorer import NoTargetError, Setting
from harness.scoring.validators import told_by
from harness.trials import Answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evalsets.cases import Case, EvalSet
    from harness.scoring.scorer import Scorer
    from harness.trials import Outcome

_OWN_READING = frozenset({"number", "label", "json-fields", "json-schema", "judge", "evaluate"})
"""Scorers that a number in the reply says nothing about, or that read numbers by themselves."""


def second_spec(evalset: EvalSet) -> ScorerSpec | None:
    """The second grader that an eval set names; without one `number`, where all targets are."""
    if evalset.second_grader is not None:
        return evalset.second_grader
    if evalset.primary.scorer in _OWN_READING:
        return None
    targets = [case.target for case in evalset.cases if case.target is not None]
    if not targets or any(whole_number(target) is None for target in targets):
        return None
    return ScorerSpec(scorer="number")


def grade_again(
    spec: ScorerSpec, primary: Scorer, folder: Path
) -> Callable[[Outcome, Case], float | None]:
    """The function that scores an outcome again; None where it cannot be scored.

    Raises:
        UsageError: an unknown scorer or option.
    """
    scorer = find_scorer(spec, Setting(folder=folder, primary=primary))
    told = told_by(primary)

    def again(outcome: Outcome, case: Case) -> float | None:
        if not isinstance(outcome, Answered):
            return score_outcome(outcome, case, scorer)
        try:
            return scorer.score(case, told(outcome.text))
        except NoTargetError:
            return None

    return again
