"""The review in one sentence: replay the plan, write a record per feature."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.plan.adopting import adopt
from harness.replay.tries import prompts_tried
from harness.review.evidence import Context
from harness.review.records import write_record
from harness.review.running import run_plan
from harness.review.unread import unread_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config.workspace import Workspace
    from harness.plan.model import FeaturePlan, Plan
    from harness.record.model import DecisionRecord
    from harness.replay.journal import Journal
    from harness.replay.ledger import Ledger
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun

QUICK = "only a subset of the cases was asked (--quick)"
CHANGED = "the margin, a scorer, a slice, the options or the test was changed after answers existed"


def review(
    workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Engine
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """Run a plan to its end.

    Args:
        workspace: what was planned from.
        plan: every feature of the review.
        served: address of each model that was started for this review, by model.
        engine: what it runs on.

    Returns:
        A sealed record per feature, in the plan's order, and the ledger of the run.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
    """
    plan = _begun(plan, engine.journal)
    replayed = run_plan(plan, served, engine)
    records = [
        write_record(one, run, context(workspace, one, engine, run))
        for one, run in ((one, replayed.runs.get(one.feature)) for one in plan.features)
    ]
    return tuple(records), replayed.ledger


def _begun(plan: Plan, journal: Journal) -> Plan:
    """The plan with the weights of a test that has begun already."""
    features: list[FeaturePlan] = []
    for one in plan.features:
        written = journal.plans(one.feature, one.cycle)
        features.append(adopt(one, written[0].plan) if written else one)
    return replace(plan, features=tuple(features))


def context(
    workspace: Workspace, plan: FeaturePlan, engine: Engine, run: FeatureRun | None
) -> Context:
    """What a record needs beside the plan and the answers."""
    policy, journal = workspace.policy, engine.journal
    written = journal.plans(plan.feature, plan.cycle)
    reasons: list[str] = [QUICK] if plan.quick else []
    if plan.plan_sha256 and any(row.sha256 != plan.plan_sha256 for row in written):
        reasons.append(CHANGED)
    return Context(
        cycle=plan.cycle,
        now=engine.now,
        minimum_saving_usd=policy.minimum_saving_usd,
        policy_sha256=workspace.policy_sha256,
        decide_within_days=policy.decide_within_days,
        evidence_days=policy.expires_days.evidence,
        justify_days=policy.expires_days.justify,
        runs=tuple(dict.fromkeys(row.run_id for row in written)),
        times_used=_times_used(journal, plan),
        exploratory=tuple(reasons),
        loads=journal.load_spend(plan.feature, plan.cycle),
        unread={} if run is None else unread_of(run, journal, plan.cycle),
        prompts_tried=tuple(
            (option.rung.option, prompts_tried(journal, plan.feature, option.rung.first.option))
            for option in plan.options
        ),
    )


def _times_used(journal: Journal, plan: FeaturePlan) -> int:
    """Tests made on these inputs, this one included: one for each cycle and distinct plan."""
    used = {
        (row.cycle, row.sha256)
        for row in journal.all_plans(plan.feature)
        if json.loads(row.plan).get("inputs") == plan.sample.inputs_sha256
    }
    if plan.plan_sha256:
        used.add((plan.cycle, plan.plan_sha256))
    return len(used)
