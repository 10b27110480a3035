"""Cascades in a running review: what is kept, and one more arm made of stored answers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.comparison.cascade import cascade_arm
from harness.scoring.validators import find_validator
from harness.trials import Answered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.comparison.arms import Arm
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.scoring.scorer import Scorer
    from harness.scoring.validators import Validator
    from harness.trials import Outcome


@dataclass(slots=True, kw_only=True)
class Cascade:
    """One cascade of a feature; `kept` grows as the cheap model's outcomes are read."""

    rung: Rung
    accepts: Validator
    kept: dict[str, dict[int, bool]] = field(
        default_factory=lambda: defaultdict[str, dict[int, bool]](dict)
    )

    @property
    def first(self) -> str:
        """The option that is really asked."""
        return self.rung.first.option

    def keeps(self, outcome: Outcome) -> bool:
        """Whether the cheap model's outcome stands; a failed one never does."""
        return isinstance(outcome, Answered) and self.accepts(outcome.text)

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
        return cascade_arm(self.rung.option, cheap, incumbent, accepted)


def cascades_of(plan: FeaturePlan, primary: Scorer) -> Mapping[str, Cascade]:
    """The cascades that a review may try, by name."""
    found: dict[str, Cascade] = {}
    for name, rung in plan.cascades.items():
        config = rung.cascade
        if config is not None:
            accepts = find_validator(
                config.accept_when,
                primary=primary,
                schema=plan.asker.schema,
                unsure=config.unsure,
            )
            found[name] = Cascade(rung=rung, accepts=accepts)
    return found
