"""What a finding rests on, and what making it cost."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.costing.money import plain, rounded
from harness.economics.savings import Bar, spread
from harness.record.parts import EvalSetFacts, Evidence, Spend
from harness.replay.journal import Spend as Spent
from harness.review.agreement import judge_facts, label_facts
from harness.review.answering import answers_facts
from harness.review.money import bill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.plan.model import FeaturePlan
    from harness.review.feature_run import FeatureRun
    from harness.review.unread import Unread


NO_LOADS = Spent(known_usd=Decimal(0), possibly_billed_usd=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a record needs that is not in the plan: the journal's runs, policy, moment, uses."""

    cycle: str
    now: datetime
    minimum_saving_usd: Decimal
    policy_sha256: str
    decide_within_days: int
    evidence_days: int
    justify_days: int
    runs: tuple[str, ...]
    times_used: int
    exploratory: tuple[str, ...]
    prompts_tried: tuple[tuple[str, int], ...] = ()
    """By option: prompts tried on the tune cases."""
    loads: Spent = NO_LOADS
    """What the GPUs of models that we started cost while they loaded."""
    unread: Mapping[str, Unread] = field(default_factory=dict[str, "Unread"])
    """By option: what was answered ahead, and no look read."""


def bar_of(plan: FeaturePlan, context: Context) -> Bar:
    """What a saving of the feature is held against."""
    one_off = plan.config.migration_usd
    return Bar(
        one_off_cost=one_off,
        one_off_monthly=spread(one_off, days=context.evidence_days),
        minimum_usd=context.minimum_saving_usd,
    )


def evidence_day(run: FeatureRun | None, now: datetime) -> datetime:
    """Day of the newest attempt that is evidence; today when nothing was asked."""
    days = [] if run is None else [a.started_at for a in run.attempts() if a.started_at]
    return datetime.fromisoformat(max(days)) if days else now


def evidence(
    plan: FeaturePlan, run: FeatureRun | None, context: Context, day: datetime
) -> Evidence:
    """The evidence of a record; `day` is that of the newest attempt."""
    design = plan.design
    pilot = design.pilot if design else 0
    clustered = plan.evalset.cluster_key is not None
    return Evidence(
        eval_set=EvalSetFacts(
            id=plan.config.evalset or plan.feature,
            inputs_sha256=plan.sample.inputs_sha256,
            labels_sha256=plan.sample.labels_sha256,
            n=len(plan.evalset.cases),
            tune=plan.sample.tune,
            pilot=pilot,
            deciding=len(plan.sample.deciding) - pilot,
            clusters=len(set(plan.sample.clusters)) if clustered else None,
            times_used=context.times_used,
            provenance=plan.evalset.provenance,
            targets=plan.evalset.targets,
            rows=plan.evalset.rows if plan.evalset.copies else None,
            worth=round(plan.near.worth, 1) if plan.near else None,
        ),
        traffic_source=plan.config.traffic.source if plan.config.traffic else None,
        rates_as_of=day.date(),
        journal_runs=context.runs if run else (),
        plan_sha256=plan.plan_sha256,
        policy_sha256=context.policy_sha256,
        seed=plan.sample.seed,
        versions=(
            ("model-rightsizing", version("model-rightsizing")),
            ("genai-prices", version("genai-prices")),
            ("python", platform.python_version()),
        ),
        spend=spend(plan, run, context),
        power_note=plan.power.note if plan.power else "",
        exploratory=context.exploratory,
        confidence=round(1 - plan.alpha, 6),
        imported=run is not None and plan.config.answers == "imported",
        judge=judge_facts(run) if run else None,
        labels=label_facts(plan.evalset.labels),
        answers=answers_facts(run) if run else None,
    )


def spend(plan: FeaturePlan, run: FeatureRun | None, context: Context) -> Spend:
    """What evaluating cost.

    Every attempt that is evidence, whenever it was paid; what was answered ahead in this cycle and
    not read; and loading.
    """
    if run is None:
        zero = Decimal(0)
        return Spend(
            total_usd=zero, judge_usd=zero, possibly_billed_usd=zero,
            saved_by_stopping_usd=zero, trials=0, trials_saved=0,
        )  # fmt: skip
    loads, unread = context.loads, context.unread
    ahead = [attempt for each in unread.values() for attempt in each.attempts]
    paid = bill([*run.attempts(), *ahead], trials=run.trials_read())
    unasked = {} if plan.config.answers == "imported" else _unasked(run, unread)
    return Spend(
        total_usd=plain(paid.known_usd + loads.known_usd),
        judge_usd=plain(bill(run.judge_attempts()).known_usd),
        possibly_billed_usd=plain(paid.possibly_usd + loads.possibly_billed_usd),
        saved_by_stopping_usd=plain(rounded(_saved(run, unasked), 6)),
        trials=paid.trials,
        trials_saved=sum(unasked.values()),
        gpu_usd=plain(loads.known_usd),
    )


def _unasked(run: FeatureRun, unread: Mapping[str, Unread]) -> dict[str, int]:
    """By model, the trials that nobody paid for."""
    return {
        option: count - (unread[option].trials if option in unread else 0)
        for option, count in run.unasked().items()
    }


def _saved(run: FeatureRun, unasked: Mapping[str, int]) -> Decimal:
    """USD that were not spent: each model's trials at what its own cost so far.

    A model that was never asked is taken to cost what a trial of this feature did on average.
    """
    read, attempts = run.bulk_read(), bill(run.bulk_attempts()).known_usd
    usual = attempts / read if read else Decimal(0)
    return sum(
        (count * (run.mean_usd(name) or usual) for name, count in unasked.items()), Decimal(0)
    )
