"""A review: replay the plan, then write a record per feature.

A plan binds its cycle once answers came under it, or stood in the journal when it was written
(`harness.journal.life`): what is changed after that is changed after seeing, and makes the record
EXPLORATORY. What people set (margin, risk, confidence, smallest saving, scorer, guardrails, slices,
labels) is bound longer: by the first plan, of whatever cycle, that asked any of these cases. Going
back to what binds makes records that can be signed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from harness.ask.replay.ledger import Ledger
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.record_facts import Context, unread_of
from harness.conduct.finding.records import write_record
from harness.conduct.reviewing.scheduler import run_plan
from harness.conduct.reviewing.session import Runtime
from harness.conduct.sealing import Seal, registered, sealed_of
from harness.journal.earlier import prompts_tried
from harness.journal.journal import Journal
from harness.journal.life import binding, note_read, times_used
from harness.plan.designing import adopt
from harness.plan.model import FeaturePlan, Plan
from harness.record.model import DecisionRecord
from harness.wording import listed, percent, plural
from harness.workspace.workspace import Workspace

PlanJson: TypeAlias = dict[str, Any]
"""A plan's JSON, as the journal keeps it."""

_SCORED = {
    "primary": "the scorer",
    "guardrails": "the guardrails",
    "slices": "the slices",
    "bar": "the bar",
    "judges": "the judges",
}
_WHOLE = {"latency": "the latency limit", "cascades": "the cascades"}
_TUNE = "tune"
_PROCEDURE = ("kind", "pilot", "looks", "checks", "stages", "steering", "largest_missing_share")
_ROUNDING = 1e-9
_FOLLOWS = {"inputs", "design", "asked", "repeats", "feature", "confidence"}
"""Told by what they are made of."""


def changes(before: PlanJson, after: PlanJson) -> list[str]:
    """Each thing that was changed, most telling first; never empty.

    What only follows from another change is not told: an order of cases, the kind of interval.
    """
    found = [
        *_of_design(before, after),
        *(word for key, word in _SCORED.items() if before.get(key) != after.get(key)),
        *_of_cases(before, after),
        *(word for key, word in _WHOLE.items() if before.get(key) != after.get(key)),
        *_of_tune(before.get(_TUNE), after.get(_TUNE)),
        *_of_asked(before.get("asked") or {}, after.get("asked") or {}),
        *_others(before, after),
    ]
    return found or ["the test, as this version of rightsize plans it"]


def _of_design(before: PlanJson, after: PlanJson) -> Iterator[str]:
    one: PlanJson = before.get("design") or {}
    other: PlanJson = after.get("design") or {}
    if one.get("margin") != other.get("margin"):
        yield f"the margin ({_points(one)}, now {_points(other)})"
    if _names(one) != _names(other):
        yield f"the options ({_options(one)}; now {_options(other)})"
    was, now = _confidence(before), _confidence(after)
    if one and other and abs(was - now) > _ROUNDING:
        yield f"the confidence ({percent(was)}, now {percent(now)})"
    elif one.get("alpha") != other.get("alpha"):
        yield f"the error that the test may make ({_error(one)}, now {_error(other)})"


def _of_cases(before: PlanJson, after: PlanJson) -> Iterator[str]:
    one: PlanJson = before.get("design") or {}
    other: PlanJson = after.get("design") or {}
    scored = any(before.get(key) != after.get(key) for key in ("primary", "guardrails"))
    same_ids = sorted(one.get("order", ())) == sorted(other.get("order", ()))
    if not same_ids or (before.get("inputs") != after.get("inputs") and not scored):
        yield "the cases"
    elif any(one.get(key) != other.get(key) for key in _PROCEDURE):
        yield "the procedure (its kind, pilot or looks)"
    if before.get("repeats") != after.get("repeats"):
        yield f"the repeats ({before.get('repeats')}, now {after.get('repeats')})"


def _of_tune(before: PlanJson | None, after: PlanJson | None) -> Iterator[str]:
    """Changes of the tune cases; where only one plan has any, its cascades differ already."""
    if before is None or after is None or before == after:
        return
    if before.keys() != after.keys():
        yield "the tune cases"
        return
    changed = sum(before[case] != label for case, label in after.items())
    yield f"the labels of {plural(changed, 'tune case')}"


def _of_asked(before: PlanJson, after: PlanJson) -> Iterator[str]:
    both = [option for option in after if option in before]
    for key, word in (("prompt", "the prompt"), ("params", "the request parameters")):
        names = [option for option in both if before[option].get(key) != after[option].get(key)]
        if names:
            yield f"{word} of {listed(names)}"


def _others(before: PlanJson, after: PlanJson) -> Iterator[str]:
    """Keys that another version of the program planned by; only those that both plans have."""
    known = {*_SCORED, *_WHOLE, *_FOLLOWS, _TUNE}
    for key in sorted(before.keys() & after.keys() - known):
        if before[key] != after[key]:
            yield f"the plan's {key}"


def _names(design: PlanJson) -> list[str]:
    """Sorted by name: a plan has the cheapest first, and prices move."""
    return sorted(option["name"] for option in design.get("options", ()))


def _options(design: PlanJson) -> str:
    return ", ".join(_names(design)) or "none"


def _points(design: PlanJson) -> str:
    margin = design.get("margin")
    return "none" if margin is None else f"{margin:g} points"


def _error(design: PlanJson) -> str:
    return percent(design.get("alpha", 0.0))


def _confidence(plan: PlanJson) -> float:
    """The policy's confidence; a plan whose test takes the whole error does not state it."""
    design: PlanJson = plan.get("design") or {}
    return float(plan.get("confidence", 1 - design.get("alpha", 0.0)))


def begun(plan: FeaturePlan, journal: Journal) -> FeaturePlan:
    """The plan with the weights of a test that has begun already."""
    rows = binding(journal, plan.feature, plan.cycle)
    return adopt(plan, rows[0].plan) if rows else plan


def changed(plan: FeaturePlan, journal: Journal) -> str | None:
    """Why a review by this plan decides nothing in its cycle; None when it may."""
    rows = binding(journal, plan.feature, plan.cycle)
    if not plan.plan_sha256 or not rows or rows[0].sha256 == plan.plan_sha256:
        return None
    found = listed(changes(json.loads(rows[0].plan), json.loads(plan.plan_json)))
    return (
        f"changed after answers existed: {found}. To decide {plan.cycle}, put that back and review "
        "again; or let the change count from the next cycle on"
    )


def shows_only(root: Path, plan: FeaturePlan, journal: Journal | None) -> str | None:
    """Why a review by this plan would decide nothing, known before its first call; None: it may."""
    fixed = _fixed(root, plan, journal)
    told = None if journal is None else why_exploratory(fixed, journal)
    return told or _unsealed(fixed, sealed_of(root, fixed))


def why_exploratory(plan: FeaturePlan, journal: Journal) -> str | None:
    """Why a review by this plan decides nothing, in its cycle or on these cases; None: it may."""
    before = plan.asked_before
    return changed(plan, journal) or (before.changed if before is not None else None)


QUICK = "only a subset of the cases was asked (--quick)"


def review(
    workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """Run a plan to its end.

    Args:
        workspace: what was planned from.
        plan: every feature of the review.
        served: address of each model that was started for this review, by model.
        engine: what it runs on.

    Returns:
        A sealed record per feature, in the plan's order, and the ledger of the run. A feature
        that met a fault has none, where the engine's `faults` contain it.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
    """
    root, journal = workspace.root, engine.journal
    plan = replace(plan, features=tuple(_fixed(root, one, journal) for one in plan.features))
    replayed = run_plan(plan, served, engine, partial(_ended, workspace, plan, engine))
    engine.begin_shutdown()
    records = _records(workspace, plan, replayed.runs, engine)
    return tuple(records), replayed.ledger


def _fixed(root: Path, plan: FeaturePlan, journal: Journal | None) -> FeaturePlan:
    """The plan with the weights of a test that has begun, else of the plan that was sealed."""
    if journal is not None and binding(journal, plan.feature, plan.cycle):
        return begun(plan, journal)
    sealed = sealed_of(root, plan)
    return plan if sealed is None else adopt(plan, sealed.plan_json)


def _unsealed(plan: FeaturePlan, sealed: Seal | None) -> str | None:
    """Why a review by another plan than the sealed one decides nothing; None: it may."""
    if sealed is None or not plan.plan_sha256 or sealed.sha256 == plan.plan_sha256:
        return None
    found = listed(changes(json.loads(sealed.plan_json), json.loads(plan.plan_json)))
    return f"not by the plan that was sealed: {found}. To decide {plan.cycle}, put that back"


def _records(
    workspace: Workspace, plan: Plan, runs: Mapping[str, FeatureRun], engine: Runtime
) -> Iterator[DecisionRecord]:
    """The one place where a feature's fault ends: the others' records are made all the same."""
    for one in plan.features:
        if engine.faults.has(one.feature):
            continue
        make = partial(_record, workspace, one, runs.get(one.feature), engine)
        record = engine.faults.attempt(one.feature, "its record could not be made", make)
        if record is not None:
            yield record


def _ended(workspace: Workspace, plan: Plan, engine: Runtime, run: FeatureRun) -> None:
    """Tell the record of a feature whose review has ended, where answers are asked."""
    if engine.cluster is None or engine.drafted is None:
        return
    mine = replace(plan, features=tuple(f for f in plan.features if f.feature == run.plan.feature))
    for record in _records(workspace, mine, {run.plan.feature: run}, engine):
        engine.drafted(record)


def _record(
    workspace: Workspace, plan: FeaturePlan, run: FeatureRun | None, engine: Runtime
) -> DecisionRecord:
    if run is not None and any(attempt.error is None for attempt in run.bulk_attempts()):
        note_read(engine.journal, plan.feature, plan.plan_sha256, engine.now.isoformat())
    return write_record(plan, run, context(workspace, plan, engine, run))


def context(
    workspace: Workspace, plan: FeaturePlan, engine: Runtime, run: FeatureRun | None
) -> Context:
    """What a record needs besides the plan and the answers."""
    policy, journal = workspace.policy, engine.journal
    sealed = sealed_of(workspace.root, plan)
    reasons = [
        QUICK if plan.quick else None,
        why_exploratory(plan, journal) or _unsealed(plan, sealed),
    ]
    bound = binding(journal, plan.feature, plan.cycle)
    first = datetime.fromisoformat(bound[0].written_at) if bound else engine.now
    return Context(
        cycle=plan.cycle,
        now=engine.now,
        minimum_saving_usd=policy.minimum_saving_usd,
        policy_sha256=workspace.policy_sha256,
        decide_within_days=policy.decide_within_days,
        evidence_days=policy.expires_days.evidence,
        justify_days=policy.expires_days.justify,
        price_days=policy.expires_days.prices,
        runs=tuple(row.run_id for row in bound),
        registered=registered(sealed, first.date()),
        times_used=times_used(
            journal, plan.feature, plan.sample.inputs_sha256, (plan.cycle, plan.plan_sha256)
        ),
        exploratory=tuple(reason for reason in reasons if reason is not None),
        loads=journal.load_spend(plan.feature, plan.cycle),
        unread={} if run is None else unread_of(run, journal, plan.cycle),
        prompts_tried=tuple(
            (option.name, prompts_tried(journal, plan.feature, option.first.name))
            for option in plan.options
        ),
    )
