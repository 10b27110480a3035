"""The hash of a feature's plan: all that could be tuned after seeing the answers."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from harness.config.fingerprints import fingerprint

if TYPE_CHECKING:
    from harness.plan.model import FeaturePlan


def hashed(plan: FeaturePlan) -> FeaturePlan:
    """Write down all that could be tuned after seeing the answers, and hash it."""
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
            rung.option: {"prompt": rung.prompt.sha256, "params": rung.params_sha256(plan.config)}
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
    """The design; without the cost of errors where nobody stated one, as plans were written."""
    if plan.design is None:
        return None
    fixed = asdict(plan.design)
    if plan.design.error_worth is None:
        del fixed["error_worth"]
    return fixed
