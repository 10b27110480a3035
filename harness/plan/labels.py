"""What labelling takes: how many disagreements to expect, and a person's time."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from evalsets.splits import random_cases
from harness.plan.expecting import EXPECTED_DISAGREEMENT

if TYPE_CHECKING:
    from evalsets.cases import Case
    from harness.plan.model import FeaturePlan, Sample

LEVEL_CASES = 30
"""Random cases whose labels say how good the models are, where else disagreements are labelled."""
SECONDS_PER_LABEL = 20
"""Reading a short case and two answers, and a key; a guess, for planning a person's day."""


def minutes(labels: int) -> int:
    """A person's minutes, whole and never none.

    >>> minutes(70), minutes(1)
    (24, 1)
    """
    return ceil(labels * SECONDS_PER_LABEL / 60)


def expected_labels(plan: FeaturePlan) -> int:
    """Disagreements to be labelled before an unlabelled feature can be decided, less those made.

    At the disagreement that the plan expects; whoever has the answers can count instead.
    """
    made = {label.case for label in plan.evalset.labels}
    bare = [case for case in plan.sample.deciding if case.target is None or case.id in made]
    share = plan.power.discordance if plan.power else EXPECTED_DISAGREEMENT
    return max(ceil((share or EXPECTED_DISAGREEMENT) * len(bare)) - len(made), 0)


def level_cases(sample: Sample) -> tuple[Case, ...]:
    """The random cases, the same in every command, that the level of quality comes from."""
    return random_cases(sample.deciding, seed=sample.seed, count=LEVEL_CASES)


def expected_level_labels(plan: FeaturePlan) -> int:
    """Random cases that are to be labelled for the level: those without a target or a label."""
    return sum(case.target is None and not case.ruled_out for case in level_cases(plan.sample))
