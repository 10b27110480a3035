"""A review: replay the plan, then write a record per feature.

A plan binds its cycle once answers came under it, or stood in the journal when it was written: what
is changed after that is changed after seeing, and makes the record EXPLORATORY. The plan of a
review that was refused, or that nobody answered, binds nobody and is no use of the eval set. Going
back to the binding plan makes records that can be signed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, zip_longest
from typing import Any, TypeAlias

from harness.ask.replay.ledger import Ledger
from harness.conduct.finding.evidence import Context, unread_of
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.records import write_record
from harness.conduct.reviewing.scheduler import run_plan
from harness.conduct.reviewing.session import Runtime
from harness.journal.earlier import prompts_tried
from harness.journal.journal import Answering, Journal, PlanRow
from harness.plan.designing import adopt
from harness.plan.model import FeaturePlan, Plan
from harness.record.model import DecisionRecord
from harness.wording import listed, percent
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
_PROCEDURE = ("kind", "pilot", "looks", "checks", "stages", "steering", "largest_missing_share")
_FOLLOWS = {"inputs", "design", "asked", "repeats", "feature"}
"""Told by what they are made of."""


def changes(before: PlanJson, after: PlanJson) -> list[str]:
    """Each thing that was changed, most telling first; never empty.

    What only follows from another change is not told: an order of cases, the kind of interval.
    """
    found = [
        *_of_design(before.get("design") or {}, after.get("design") or {}),
        *(word for key, word in _SCORED.items() if before.get(key) != after.get(key)),
        *_of_cases(before, after),
        *(word for key, word in _WHOLE.items() if before.get(key) != after.get(key)),
        *_of_asked(before.get("asked") or {}, after.get("asked") or {}),
        *_others(before, after),
    ]
    return found or ["the test, as this version of rightsize plans it"]


def _of_design(before: PlanJson, after: PlanJson) -> Iterator[str]:
    if before.get("margin") != after.get("margin"):
        yield f"the margin ({_points(before)}, now {_points(after)})"
    if _names(before) != _names(after):
        yield f"the options ({_options(before)}; now {_options(after)})"
    if before.get("alpha") != after.get("alpha"):
        yield f"the confidence ({_confidence(before)}, now {_confidence(after)})"


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


def _of_asked(before: PlanJson, after: PlanJson) -> Iterator[str]:
    both = [option for option in after if option in before]
    for key, word in (("prompt", "the prompt"), ("params", "the request parameters")):
        names = [option for option in both if before[option].get(key) != after[option].get(key)]
        if names:
            yield f"{word} of {listed(names)}"


def _others(before: PlanJson, after: PlanJson) -> Iterator[str]:
    """What another version of the program planned by; only keys that both plans have tell."""
    known = {*_SCORED, *_WHOLE, *_FOLLOWS}
    for key in sorted(before.keys() & after.keys() - known):
        if before[key] != after[key]:
            yield f"the plan's {key}"


def _names(design: PlanJson) -> list[str]:
    """In no order of meaning: the cheapest comes first, and prices move."""
    return sorted(option["name"] for option in design.get("options", ()))


def _options(design: PlanJson) -> str:
    return ", ".join(_names(design)) or "none"


def _points(design: PlanJson) -> str:
    margin = design.get("margin")
    return "none" if margin is None else f"{margin:g} points"


def _confidence(design: PlanJson) -> str:
    return percent(1 - design.get("alpha", 0.0))


def binding(journal: Journal, feature: str, cycle: str) -> tuple[PlanRow, ...]:
    """The plans of a cycle that bind, oldest first; the first is the one that counts."""
    rows = journal.plans(feature, cycle)
    return _answered(rows, journal.answering(feature) if rows else ())


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


def times_used(journal: Journal, plan: FeaturePlan) -> int:
    """Tests made on these inputs, this one included: one for each cycle and distinct plan."""
    answering = journal.answering(plan.feature)
    used = {
        (row.cycle, row.sha256)
        for row in _answered_by_cycle(journal.all_plans(plan.feature), answering)
        if json.loads(row.plan).get("inputs") == plan.sample.inputs_sha256
    }
    if plan.plan_sha256 and answering:
        used.add((plan.cycle, plan.plan_sha256))
    return len(used)


def _answered_by_cycle(
    rows: Sequence[PlanRow], answering: Sequence[Answering]
) -> tuple[PlanRow, ...]:
    by_cycle = groupby(sorted(rows, key=lambda row: row.cycle), key=lambda row: row.cycle)
    return tuple(row for _, group in by_cycle for row in _answered(list(group), answering))


def _answered(rows: Sequence[PlanRow], answering: Sequence[Answering]) -> tuple[PlanRow, ...]:
    """Those of one cycle's plans under which, or before which, answers came."""
    return tuple(
        row
        for row, end in zip_longest(rows, [_began(row) for row in rows[1:]])
        if any(
            run < _began(row) or (run.cycle == row.cycle and (end is None or run < end))
            for run in answering
        )
    )


def _began(row: PlanRow) -> Answering:
    return Answering(started_at=row.written_at, run_id=row.run_id, cycle=row.cycle)


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
    plan = replace(plan, features=tuple(begun(one, engine.journal) for one in plan.features))
    replayed = run_plan(plan, served, engine)
    records = _records(workspace, plan, replayed.runs, engine)
    return tuple(records), replayed.ledger


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


def _record(
    workspace: Workspace, plan: FeaturePlan, run: FeatureRun | None, engine: Runtime
) -> DecisionRecord:
    return write_record(plan, run, context(workspace, plan, engine, run))


def context(
    workspace: Workspace, plan: FeaturePlan, engine: Runtime, run: FeatureRun | None
) -> Context:
    """What a record needs besides the plan and the answers."""
    policy, journal = workspace.policy, engine.journal
    reasons = [QUICK if plan.quick else None, changed(plan, journal)]
    return Context(
        cycle=plan.cycle,
        now=engine.now,
        minimum_saving_usd=policy.minimum_saving_usd,
        policy_sha256=workspace.policy_sha256,
        decide_within_days=policy.decide_within_days,
        evidence_days=policy.expires_days.evidence,
        justify_days=policy.expires_days.justify,
        runs=tuple(row.run_id for row in binding(journal, plan.feature, plan.cycle)),
        times_used=times_used(journal, plan),
        exploratory=tuple(reason for reason in reasons if reason is not None),
        loads=journal.load_spend(plan.feature, plan.cycle),
        unread={} if run is None else unread_of(run, journal, plan.cycle),
        prompts_tried=tuple(
            (option.name, prompts_tried(journal, plan.feature, option.first.name))
            for option in plan.options
        ),
    )
