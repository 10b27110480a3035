"""The hash of a feature's plan: everything that could be tuned after seeing the answers.

The saving of each option, and the cost of errors relative to the incumbent's bill, weigh the
options and come from prices. A price that changes in mid-cycle must not change a test that has
begun: `adopt` keeps the weights of the plan in the journal if the present one differs in them only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from harness.plan.model import FeaturePlan
from harness.workspace.fingerprints import fingerprint


def hashed(plan: FeaturePlan) -> FeaturePlan:
    """Record everything that could be tuned after seeing the answers, and hash it."""
    rungs = [*([plan.incumbent] if plan.incumbent else []), *plan.rungs]
    fixed = {
        "feature": plan.feature,
        "primary": asdict(plan.evalset.primary),
        "guardrails": [asdict(guardrail) for guardrail in plan.evalset.guardrails],
        "slices": [asdict(named) for named in plan.evalset.slices],
        "bar": plan.evalset.bar,
        "inputs": plan.sample.inputs_sha256,
        "repeats": plan.repeats,
        "latency": plan.config.latency.model_dump(mode="json") if plan.config.latency else None,
        "design": _fixed_design(plan),
        "asked": {
            rung.name: {"prompt": rung.prompt.sha256, "params": rung.params_sha256(plan.config)}
            for rung in rungs
        },
    }
    if plan.config.error_cost_usd is not None:
        fixed["error_cost_usd"] = str(plan.config.error_cost_usd)
    if plan.cascades:
        fixed["cascades"] = [
            cascade.model_dump(mode="json", include={"first", "accept_when", "unsure"})
            for cascade in plan.config.cascades
        ]
    if plan.judges:
        fixed["judges"] = [judge.identity(plan.config) for judge in plan.judges]
    text = json.dumps(fixed, sort_keys=True, ensure_ascii=False)
    return replace(plan, plan_sha256=fingerprint(fixed), plan_json=text)


def _fixed_design(plan: FeaturePlan) -> dict[str, Any] | None:
    """The design as hashed; without `error_worth` if it is None, as in earlier plans."""
    if plan.design is None:
        return None
    fixed = asdict(plan.design)
    if plan.design.error_worth is None:
        del fixed["error_worth"]
    return fixed


def adopt(plan: FeaturePlan, written: str) -> FeaturePlan:
    """The plan with the weights of `written`, an earlier plan's JSON, if only they differ."""
    if plan.design is None:
        return plan
    earlier: dict[str, Any] = json.loads(written)
    savings, worth = _take_savings(earlier), _take_worth(earlier)
    if earlier != _without_savings(plan.plan_json) or len(savings) != len(plan.design.options):
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
    """Remove and return the relative cost of errors from a plan's JSON."""
    design: dict[str, Any] = plan.get("design") or {}
    return design.pop("error_worth", None)


def _take_savings(plan: dict[str, Any]) -> list[float]:
    """Remove and return the options' savings from a plan's JSON, in order."""
    design: dict[str, Any] = plan.get("design") or {}
    options: list[dict[str, Any]] = design.get("options", [])
    return [option.pop("saving") for option in options if "saving" in option]
