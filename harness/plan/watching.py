"""Callbacks and faults of a plan in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import Faults
from harness.plan.designing import is_labelled
from harness.plan.loading import asked_rungs
from harness.scoring.catalogue import is_closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who is told what while a review is planned.

    `before` is told the models that may be asked before the slow part begins: it may refuse them.
    `faults` keep a feature that cannot be planned from the others.
    """

    before: Callable[[frozenset[str]], None] | None = None
    faults: Faults = field(default_factory=lambda: Faults(contains=False))


def is_open(plan: FeaturePlan) -> bool:
    """Whether nothing that is quickly known makes a feature's calls needless."""
    return not plan.reasons


def may_be_asked(plan: FeaturePlan) -> tuple[Rung, ...]:
    """The models that a feature may ask, as far as is quickly known."""
    labels_will_do = is_labelled(plan) or is_closed(plan.evalset.primary)
    return asked_rungs(plan) if is_open(plan) and labels_will_do else ()
