"""What the record says of a cascade beside its quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.economics.cascade import CascadeCost, with_costs
from harness.record.parts import CascadeFacts
from harness.wording import percent

if TYPE_CHECKING:
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.review.feature_run import FeatureRun
    from harness.review.money import Measured


def cascade_facts(
    rung: Rung, measured: Measured | None, plan: FeaturePlan, run: FeatureRun | None
) -> CascadeFacts | None:
    """What a cascade is, and how often it asks today's model; None for other options."""
    config = rung.cascade
    if config is None:
        return None
    cost = _cost(measured)
    tried = None if run is None else run.cascades.get(rung.option)
    kept = {} if tried is None else tried.kept
    checks = [keeps for repeats in kept.values() for keeps in repeats.values()]
    facts = CascadeFacts(
        first=config.first,
        accept_when=config.accept_when,
        unsure=config.unsure if config.accept_when == "not-unsure" else None,
        escalates_to=plan.config.incumbent,
        answers=len(checks),
        escalated=round(100 * checks.count(False) / len(checks), 6) if checks else None,
        first_per_request=None,
        escalation_per_request=None,
    )
    return with_costs(facts, cost)


def escalated(measured: Measured | None) -> str:
    """How often, as the end of a plain line; nothing of other options."""
    cost = _cost(measured)
    if cost is None:
        return ""
    return f"; {percent(cost.escalated, 1)} of all its answers go on to today's model"


def _cost(measured: Measured | None) -> CascadeCost | None:
    cost = measured.cost if measured else None
    return cost if isinstance(cost, CascadeCost) else None
