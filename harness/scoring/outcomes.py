"""How an outcome counts under a scorer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from harness.errors import UsageError
from harness.trials import Answered, Failed, Missing

if TYPE_CHECKING:
    from evalsets.cases import Case
    from harness.scoring.scorer import Scorer
    from harness.trials import Outcome


def score_outcome(outcome: Outcome, case: Case, scorer: Scorer) -> float | None:
    """The outcome's score: the model's failures count 0, the world's faults have none.

    Raises:
        NoTargetError: the answer needs a target, and the case has neither target nor label.
    """
    match outcome:
        case Answered():
            return checked_score(scorer, case, outcome.text)
        case Failed():
            return 0.0
        case Missing():
            return None
        case _:
            assert_never(outcome)


def checked_score(scorer: Scorer, case: Case, answer: str) -> float:
    """The scorer's score of an answer; raises `UsageError` for NaN or anything outside [0, 1].

    An answer that a label ruled out is wrong also while no right one is known.
    """
    if case.target is None and scorer.needs_target and scorer.normalise(answer) in case.ruled_out:
        return 0.0
    value = scorer.score(case, answer)
    if math.isnan(value) or not 0 <= value <= 1:
        raise UsageError(f"case {case.id!r}: a score of {value!r} is not in [0, 1]")
    return value


def normal_form(outcome: Outcome, scorer: Scorer) -> str | None:
    """The answer seen in an outcome; None for a malformed reply, a failure or a missing trial."""
    return scorer.normalise(outcome.text) if isinstance(outcome, Answered) else None
