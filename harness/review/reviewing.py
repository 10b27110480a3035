"""The review in one sentence: replay the plan, write a record per feature."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.replay.tries import prompts_tried
from harness.review.binding import begun, binding, changed, times_used
from harness.review.evidence import Context
from harness.review.records import write_record
from harness.review.running import run_plan
from harness.review.unread import unread_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.config.workspace import Workspace
    from harness.plan.model import FeaturePlan, Plan
    from harness.record.model import DecisionRecord
    from harness.replay.ledger import Ledger
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun

QUICK = "only a subset of the cases was asked (--quick)"


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
    workspace: Workspace, plan: Plan, runs: Mapping[str, FeatureRun], engine: Engine
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
    workspace: Workspace, plan: FeaturePlan, run: FeatureRun | None, engine: Engine
) -> DecisionRecord:
    return write_record(plan, run, context(workspace, plan, engine, run))


def context(
    workspace: Workspace, plan: FeaturePlan, engine: Engine, run: FeatureRun | None
) -> Context:
    """What a record needs beside the plan and the answers."""
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
            (option.rung.option, prompts_tried(journal, plan.feature, option.rung.first.option))
            for option in plan.options
        ),
    )
