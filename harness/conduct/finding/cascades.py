"""A feature's cascades in a running review: which of the cheap model's answers each keeps.

A cascade asks nothing of its own: its answers are put together from those of its two models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalsets.cases import Case
from harness.journal.trials import Answered, Outcome
from harness.judge.comparison.pairs import Arm
from harness.judge.comparison.parts import cascade_arm
from harness.judge.scoring.scorer import Scorer, as_seen
from harness.judge.scoring.second import Validator, find_validator
from harness.plan.decisions.thresholds import FixedThreshold, fix_threshold
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.workspace.feature_file import CascadeConfig


@dataclass(slots=True, kw_only=True)
class Cascade:
    """One cascade of a feature; `kept` grows as the cheap model's outcomes are read."""

    rung: PlannedOption
    accepts: Validator
    primary: Scorer
    sure: float | None = None
    """How likely a kept answer must be right; None: `accepts` alone tells."""
    threshold: FixedThreshold | None = None
    """What the cheap model must tell for that; None while nothing has fixed it."""
    kept: dict[str, dict[int, bool]] = field(
        default_factory=lambda: defaultdict[str, dict[int, bool]](dict)
    )

    @property
    def first(self) -> str:
        """The option that is really asked."""
        return self.rung.first.name

    def keeps(self, outcome: Outcome) -> bool:
        """Whether the cheap model's outcome stands; a failed one never does."""
        if not isinstance(outcome, Answered) or not self.accepts(as_seen(outcome, self.primary)):
            return False
        if self.sure is None:
            return True
        if self.threshold is None:
            raise LookupError(f"{self.rung.name}: nothing has fixed yet how sure it must be")
        return self.threshold.accepts(outcome)

    def fix(
        self, outcomes: Iterable[Outcome], cases: Mapping[str, Case], kept: Mapping[str, Any]
    ) -> None:
        """Fix how sure the cheap model must be, by its outcomes on the tune cases.

        `kept` is what the journal has of this plan, by cascade: what was fixed once stays.
        """
        if self.sure is None:
            return
        name = self.rung.name
        self.threshold = (
            FixedThreshold.written(kept[name])
            if name in kept
            else fix_threshold(self.sure, outcomes, cases, self.primary)
        )

    def take(self, outcome: Outcome) -> None:
        """Check one outcome of the quality pass, if it is the cheap model's."""
        trial = outcome.trial
        if trial.option == self.first:
            self.kept[trial.case_id][trial.repeat] = self.keeps(outcome)

    def arm(self, cheap: Arm, incumbent: Arm) -> Arm:
        """The cascade's arm over what both models were asked."""
        accepted = {
            case: tuple(kept for _, kept in sorted(repeats.items()))
            for case, repeats in self.kept.items()
            if case in cheap.scores and len(repeats) == len(cheap.scores[case])
        }
        return cascade_arm(self.rung.name, cheap, incumbent, accepted)


def check_of(config: CascadeConfig, primary: Scorer, schema: str | None) -> Validator:
    """What the text of a kept answer must pass: where the model must be sure, its form."""
    asked = config.accept_when if isinstance(config.accept_when, str) else "format"
    return find_validator(asked, primary=primary, schema=schema, unsure=config.unsure)


def cascades_of(plan: FeaturePlan, primary: Scorer) -> Mapping[str, Cascade]:
    """The cascades that a review may try, by name."""
    found: dict[str, Cascade] = {}
    for name, rung in plan.cascades.items():
        config = rung.cascade
        if config is not None:
            accepts = check_of(config, primary, plan.asker.schema)
            found[name] = Cascade(rung=rung, accepts=accepts, primary=primary, sure=config.sure)
    return found
