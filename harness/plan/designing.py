"""What is fixed before a feature's first call: the design of its test, and the plan's hash.

The hash covers everything that could be tuned after seeing the answers. The saving of each option,
and the cost of errors relative to the incumbent's bill, weigh the options and come from prices. A
price that changes in mid-cycle must not change a test that has begun: `adopt` keeps the weights of
the plan in the journal if the present one differs in them only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from harness.judge.scoring.catalogue import is_binary, needs_target
from harness.plan.lives.identity import how_asked, tune_of
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import Method, smallest_sample
from harness.stats.sequential.design import (
    Design,
    DesignInput,
    ProvenCases,
    make_design,
)
from harness.stats.sequential.sample_size import size_of
from harness.workspace.fingerprints import fingerprint

_ROUNDING = 1e-9


def design_of(plan: FeaturePlan) -> Design:
    """Design the test of a planned feature, fixed before the first call."""
    procedure = plan.procedure
    return make_design(
        DesignInput(
            options=tuple(option.name for option in plan.asked),
            savings=tuple(_saving_share(plan, option) for option in plan.asked),
            at_most=_limits(plan),
            margin=plan.margin,
            cases=tuple(case.id for case in plan.sample.deciding),
            clusters=plan.sample.clusters,
            method=_method(plan),
            # A few cases are too few to steer by: all of them are asked.
            kind="holm" if plan.quick else procedure.kind,
            alpha=plan.alpha,
            looks=procedure.looks,
            pilot_share=procedure.pilot,
            labelled=is_labelled(plan),
            proven=tuple(_proven(plan)),
            exploratory=plan.quick,
            error_worth=_error_worth(plan),
            at_hand=plan.config.answers == "imported",
        )
    )


def _error_worth(plan: FeaturePlan) -> float | None:
    """The cost of one more error in every answer, as a multiple of the incumbent's cost."""
    cost, traffic = plan.config.error_cost_usd, plan.config.traffic
    if cost is None or traffic is None or not plan.monthly_usd:
        return None
    return round(float(cost * traffic.requests_per_month / plan.monthly_usd), 6)


def is_labelled(plan: FeaturePlan) -> bool:
    """Whether every deciding case can be scored without a person's label."""
    if not needs_target(plan.evalset.primary):
        return True
    return all(case.target is not None for case in plan.sample.deciding)


def _proven(plan: FeaturePlan) -> Iterator[ProvenCases]:
    """Slices and guardrails that must themselves be shown non-inferior."""
    for spec in plan.evalset.slices:
        if spec.protect == "proven":
            cases = [c.id for c in plan.sample.deciding if c.meta(spec.key) == spec.value]
            yield ProvenCases(
                name=f"{spec.key} = {spec.value}", margin=spec.margin, case_ids=frozenset(cases)
            )
    for guardrail in plan.evalset.guardrails:
        if guardrail.protect == "proven":
            name = guardrail.scorer.scorer
            yield ProvenCases(name=name, margin=guardrail.margin, measure=name)


def refusal(plan: FeaturePlan) -> str | None:
    """Why not even a candidate that never disagrees could pass; None if it could."""
    design = plan.design
    if design is None:
        return None
    size = size_of(design)
    if not size.too_small:
        return next(_too_small_parts(design), None)
    if size.clusters is None:
        return (
            f"{size.cases} of {len(design.order)} cases are left to decide, and cannot clear a "
            f"margin of {design.margin:g} points even without one disagreement: "
            f"at least {size.needed} are needed"
        )
    return (
        f"{size.cases} cases in {size.clusters} clusters are worth {size.worth:.0f} independent "
        f"ones, and cannot clear a margin of {design.margin:g} points even without one "
        f"disagreement: at least {max(size.needed, FEWEST_CLUSTERS)} are needed"
    )


def _too_small_parts(design: Design) -> Iterator[str]:
    """Proven parts that could not pass even without a disagreement in them."""
    level = design.alpha / max(len(design.options), 1)
    for part in design.proven:
        needed = smallest_sample(design.method, part.margin / 100, level)
        held = sum(place >= design.pilot for place in part.positions)
        if held < needed:
            yield (
                f"{part.name} is to be proven within {part.margin:g} points and has {held} cases "
                f"to decide: at least {needed} are needed even without one disagreement"
            )


def _method(plan: FeaturePlan) -> Method:
    """The test's method: fixed by the eval set's form, never by the answers."""
    if plan.evalset.cluster_key is not None:
        return "cluster-t"
    guardrails = plan.evalset.guardrails
    tested = [plan.evalset.primary, *(g.scorer for g in guardrails if g.protect == "proven")]
    return "tango" if all(map(is_binary, tested)) and plan.repeats == 1 else "gaffke"


def _limits(plan: FeaturePlan) -> tuple[float | None, ...] | None:
    limits = tuple(option.at_most for option in plan.asked)
    return limits if any(one is not None for one in limits) else None


def _saving_share(plan: FeaturePlan, option: PlannedOption) -> float:
    monthly = option.monthly_usd
    if monthly is None or not plan.monthly_usd:
        return 0.0
    return round(float(1 - monthly / plan.monthly_usd), 6)


def hashed(plan: FeaturePlan) -> FeaturePlan:
    """Record everything that could be tuned after seeing the answers, and hash it."""
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
        "asked": how_asked(plan),
    }
    if abs(1 - plan.confidence - plan.alpha) > _ROUNDING:
        fixed["confidence"] = plan.confidence
    if plan.config.error_cost_usd is not None:
        fixed["error_cost_usd"] = str(plan.config.error_cost_usd)
    if plan.cascades:
        stated = plan.config.cascades
        proposed = [one.cascade for one in plan.cascades.values() if one.cascade not in stated]
        fixed["cascades"] = [
            cascade.model_dump(mode="json", include={"first", "accept_when", "unsure"})
            for cascade in (*stated, *filter(None, proposed))
        ]
    if plan.tuned:
        fixed["tune"] = tune_of(plan)
    if plan.judges:
        fixed["judges"] = [judge.identity(plan.config) for judge in plan.judges]
    text = json.dumps(fixed, sort_keys=True, ensure_ascii=False)
    return replace(plan, plan_sha256=fingerprint(fixed), plan_json=text)


def _fixed_design(plan: FeaturePlan) -> dict[str, Any] | None:
    """The design as hashed; without what is None and came later, as in earlier plans."""
    design = plan.design
    if design is None:
        return None
    fixed = asdict(design)
    if design.error_worth is None:
        del fixed["error_worth"]
    del fixed["savings"], fixed["at_most"]
    options = zip(design.options, design.savings, strict=True)
    fixed["options"] = [{"name": name, "saving": saving} for name, saving in options]
    for option, most in zip(fixed["options"], design.at_most or (), strict=False):
        if most is not None:
            option["at_most"] = most
    return fixed


def adopt(plan: FeaturePlan, written: str) -> FeaturePlan:
    """The plan with the weights of `written`, an earlier plan's JSON, if only they differ."""
    if plan.design is None:
        return plan
    earlier: dict[str, Any] = json.loads(written)
    savings, worth = _take_savings(earlier), _take_worth(earlier)
    if earlier != _without_savings(plan.plan_json) or len(savings) != len(plan.design.options):
        return plan
    design = replace(plan.design, savings=tuple(savings), error_worth=worth)
    return hashed(replace(plan, design=design))


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
