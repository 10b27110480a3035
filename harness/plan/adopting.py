"""A price that changes in mid-cycle does not change a test that has begun.

The saving of each option weighs it in the ladder, and comes from prices; so does what errors cost
beside today's bill. The plan that stands in the journal keeps its weights when the present one
differs in them alone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.plan.hashing import hashed

if TYPE_CHECKING:
    from harness.plan.model import FeaturePlan


def adopt(plan: FeaturePlan, written: str) -> FeaturePlan:
    """The plan with the weights of `written`, an earlier plan's JSON, where only they differ."""
    if plan.design is None:
        return plan
    before: dict[str, Any] = json.loads(written)
    savings, worth = _take_savings(before), _take_worth(before)
    if before != _without_savings(plan.plan_json) or len(savings) != len(plan.design.options):
        return plan
    options = tuple(
        replace(option, saving=saving)
        for option, saving in zip(plan.design.options, savings, strict=True)
    )
    return hashed(replace(plan, design=replace(plan.design, options=options, error_worth=worth)))


def _without_savings(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    _take_savings(value)
    _take_worth(value)
    return value


def _take_worth(plan: dict[str, Any]) -> float | None:
    """Take what errors cost out of a plan's JSON; what one costs stays in it."""
    design: dict[str, Any] = plan.get("design") or {}
    return design.pop("error_worth", None)


def _take_savings(plan: dict[str, Any]) -> list[float]:
    """Take the savings out of a plan's JSON; returns them in the options' order."""
    design: dict[str, Any] = plan.get("design") or {}
    options: list[dict[str, Any]] = design.get("options", [])
    return [option.pop("saving") for option in options if "saving" in option]
