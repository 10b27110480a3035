"""How sure a cheap model must be for its answer to stand, fixed on the tune cases alone.

A cascade names how likely a kept answer must be right. Models are surer, or less sure, than they
are right; so their answers to the tune cases are asked first, and what a model must tell is fixed
by them (`harness.stats.calibration`). No case that decides is looked at: the answers come before,
all of them, and what they fixed is written into the journal, which keeps it for its plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalsets.cases import Case
from harness.journal.trials import Answered, Outcome
from harness.judge.scoring.scorer import NoTargetError, Scorer, score_outcome
from harness.stats.calibration import least_said, sharpness


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedThreshold:
    """The least probability that a model must tell, and how many tune answers fixed it."""

    least: float
    answers: int

    @classmethod
    def written(cls, kept: Mapping[str, Any]) -> FixedThreshold:
        """As the journal has it."""
        return cls(least=float(kept["least"]), answers=int(kept["answers"]))

    def accepts(self, outcome: Answered) -> bool:
        """Whether the model is sure enough; an answer without a probability is not."""
        return outcome.probability is not None and outcome.probability >= self.least


def fix_threshold(
    wanted: float, outcomes: Iterable[Outcome], cases: Mapping[str, Case], scorer: Scorer
) -> FixedThreshold:
    """The threshold by one model's outcomes on tune cases.

    Args:
        wanted: how likely a kept answer must be right.
        outcomes: of the tune cases; what has no probability or no target says nothing.
        cases: the tune cases by id; another one's outcome is refused.
        scorer: the feature's primary one.
    """
    said: list[float] = []
    right: list[float] = []
    for outcome in outcomes:
        case = cases[outcome.trial.case_id]
        if not isinstance(outcome, Answered) or outcome.probability is None:
            continue
        score = _score(outcome, case, scorer)
        if score is not None:
            said.append(outcome.probability)
            right.append(score)
    factor = sharpness(said, right)
    least = least_said(wanted, factor) if said else wanted
    return FixedThreshold(least=least, answers=len(said))


def _score(outcome: Answered, case: Case, scorer: Scorer) -> float | None:
    try:
        return score_outcome(outcome, case, scorer)
    except NoTargetError:
        return None
