"""What labelling takes: how many disagreements to expect, and a person's time."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from harness.plan.expecting import EXPECTED_DISAGREEMENT

if TYPE_CHECKING:
    from harness.plan.model import FeaturePlan

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
