"""How many labels a plan lacks, counted where the journal has answers already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.labelling.questions import first_look, level_questions, questions, read_answers
from harness.plan.model import Status

if TYPE_CHECKING:
    from harness.plan.model import FeaturePlan, Plan
    from harness.replay.journal import Journal


def counted(plan: Plan, journal: Journal) -> Plan:
    """The plan with the open disagreements of the next look in place of expected ones."""
    features = tuple(
        _counted(one, journal) if one.labels or one.level_labels else one for one in plan.features
    )
    return replace(plan, features=features)


def _counted(plan: FeaturePlan, journal: Journal) -> FeaturePlan:
    try:
        answers = read_answers(plan, journal)
    except UsageError:
        return plan
    waiting = first_look(list(questions(plan, answers, by="")))
    status = Status.NEEDS_LABELS if waiting else Status.READY
    drawn = set(level_questions(plan, answers, by="")) - set(waiting)
    return replace(plan, status=status, labels=len(waiting), level_labels=len(drawn))
