"""What a finding rests on, as the record keeps it: the feature, the cases, the answers, their cost.

A model that is loaded for a while, or that answers from a file, is asked every case before the
review asks anything. The answers that no look read cost as much as the others, and are counted.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Literal, TypeAlias

from harness.ask.replay.offline_backend import PREFIX
from harness.conduct.finding.checks import judge_facts, label_facts
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.option_costs import bill, program_facts
from harness.journal.journal import Journal
from harness.journal.journal import SpentOrReserved as Spent
from harness.journal.trials import Attempt, Trial
from harness.judge.decision.proof import design_facts
from harness.money.amounts import plain, rounded
from harness.money.savings import Bar, spread
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.plan.rehearsing import power_facts
from harness.record.money import TrafficFacts
from harness.record.parts import (
    Evidence,
    FeatureFacts,
    Margin,
    Registered,
    Spend,
    Target,
)
from harness.record.quality_parts import ReliabilityFacts, SureBand
from harness.record.trust import AnswersFacts, EvalSetFacts
from harness.stats.calibration import curve
from harness.workspace.fingerprints import fingerprint

Way: TypeAlias = Literal["live", "batch", "offline"]


def answers_facts(run: FeatureRun) -> tuple[AnswersFacts, ...] | None:
    """By model that was asked, today's first; None where every answer came live."""
    found = tuple(_of(run, option) for option in (run.incumbent.name, *run.rungs))
    return found if any(one.batch or one.offline for one in found) else None


def _of(run: FeatureRun, option: str) -> AnswersFacts:
    read = run.board.scored(option, run.design.order)
    ways = Counter(way_of(scored.attempts) for scored in read if scored.attempts)
    return AnswersFacts(
        option=option, live=ways["live"], batch=ways["batch"], offline=ways["offline"]
    )


def reliability_facts(run: FeatureRun) -> tuple[ReliabilityFacts, ...] | None:
    """How sure each model was, and how often right, today's first; None where none told it."""
    names = (run.incumbent.name, *run.rungs)
    found = (_reliability(run, option) for option in names)
    return tuple(one for one in found if one is not None) or None


def _reliability(run: FeatureRun, option: str) -> ReliabilityFacts | None:
    read = run.board.scored(option, run.design.order)
    pairs = [(one.probability, one.scores[0]) for one in read]
    known = [(said, right) for said, right in pairs if said is not None and right is not None]
    found = curve([said for said, _ in known], [right for _, right in known])
    if found is None:
        return None
    bands = tuple(
        SureBand(
            low=one.low,
            high=one.high,
            n=one.n,
            said=round(100 * one.said, 6),
            right=round(100 * one.right, 6),
            squared_error=round(one.squared_error, 8),
        )
        for one in found.bins
    )
    return ReliabilityFacts(
        option=option,
        answers=len(known),
        brier=round(found.brier, 8),
        gap=round(100 * found.gap, 6),
        bands=bands,
    )


def way_of(attempts: Sequence[Attempt]) -> Way:
    """How the attempt that ended a trial was made: what a batch lost is asked live."""
    batch = attempts[-1].batch
    if batch is None:
        return "live"
    return "offline" if batch.startswith(PREFIX) else "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedAnswers:
    """Of one model, in one cycle."""

    trials: int
    attempts: tuple[Attempt, ...]


def unread_of(run: FeatureRun, journal: Journal, cycle: str) -> dict[str, UnusedAnswers]:
    """What a feature's models answered in this cycle for nothing, by option."""
    found: dict[str, UnusedAnswers] = {}
    for option, trials in _by_option(run).items():
        paid = journal.attempts((trial.fingerprint for trial in trials), cycle=cycle)
        attempts = tuple(attempt for each in paid.values() for attempt in each)
        if attempts:
            found[option] = UnusedAnswers(trials=len(paid), attempts=attempts)
    return found


def _by_option(run: FeatureRun) -> Mapping[str, list[Trial]]:
    """Only models that we start can have answered what nobody has read."""
    own = [rung for rung in (run.incumbent, *run.rungs.values()) if rung.config.serve is not None]
    if run.plan.config.answers == "imported":
        own = []
    return {rung.name: list(_unread(run, rung)) for rung in own}


def _unread(run: FeatureRun, rung: PlannedOption) -> Iterator[Trial]:
    for case in run.plan.sample.deciding:
        for repeat in range(run.plan.repeats):
            if not any(b.has(rung.name, case.id, repeat) for b in (run.board, run.aside)):
                yield run.plan.asker.trial(rung, case, repeat, "quality")


def feature_facts(plan: FeaturePlan) -> FeatureFacts:
    """Who owns the feature, and what it is."""
    config = plan.config
    return FeatureFacts(
        id=plan.feature,
        name=config.name,
        owner=config.owner,
        team=config.team,
        product=config.product,
        environment=config.environment,
        cost_center=config.cost_center,
        risk=config.risk,
        data=config.data,
        tags=config.tags,
        used_in=config.used_in,
        error_cost_usd=config.error_cost_usd,
        unit=plan.evalset.unit,
        rollback=config.rollback,
        mode=config.mode,
    )


def margin(plan: FeaturePlan, run: FeatureRun | None, now: datetime) -> Margin:
    """The largest acceptable loss, who agreed to it, and since when the journal holds it."""
    agreed, before = plan.config.agreed, plan.asked_before
    asked = run is not None and plan.config.answers != "imported"
    first = (now.date(), plan.margin) if before is None else (before.on, before.margin)
    return Margin(
        fixed_on=first[0] if asked else None,
        fixed_at=first[1] if asked else None,
        value=plan.margin,
        agreed_by=agreed.by if agreed else None,
        agreed_on=agreed.on if agreed else None,
        source=plan.margin_source,
    )


def traffic_facts(plan: FeaturePlan) -> TrafficFacts | None:
    """Production's volume and mix; None when nobody stated them."""
    traffic = plan.config.traffic
    if traffic is None:
        return None
    return TrafficFacts(
        requests_per_month=traffic.requests_per_month,
        input_tokens=traffic.input_tokens,
        output_tokens=traffic.output_tokens,
        cached_share=traffic.cached_share,
        cache_written_share=traffic.cache_written_share,
        retry_rate=traffic.retry_rate,
        source=traffic.source,
        growth_per_month=traffic.growth_per_month,
    )


def unplanned_target(plan: FeaturePlan) -> Target:
    """The incumbent of a feature that could not be planned (it has no price)."""
    model = plan.config.incumbent
    return Target(
        option=model,
        provider="unknown",
        model_id=model,
        version=model,
        served_versions=(),
        effort=None,
        params_sha256=fingerprint({"request": plan.config.request.model_dump(mode="json")}),
        prompt_sha256=None,
        prompt_file=None,
        region=None,
    )


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
    unread: Mapping[str, UnusedAnswers] = field(default_factory=dict[str, "UnusedAnswers"])
    """By option: what was answered ahead, and no look read."""
    registered: Registered | None = None
    """The plan as it was sealed; None: none was."""
    price_days: int | None = None
    """Days that a price counts as confirmed, by the policy."""


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
    pilot = plan.design.pilot if plan.design else 0
    brought = _brought(run) if run else set[bool]()
    clustered = plan.evalset.cluster_key is not None
    power = power_facts(plan, run.design) if run else None
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
            life=plan.life if run is not None else None,
            lives=(plan.lives or None) if run is not None else None,
        ),
        traffic_source=plan.config.traffic.source if plan.config.traffic else None,
        rates_as_of=day.date(),
        journal_runs=context.runs if run else (),
        plan_sha256=plan.plan_sha256,
        policy_sha256=context.policy_sha256,
        seed=plan.sample.seed,
        versions=_versions(),
        spend=spend(plan, run, context),
        power_note=power.note if power else plan.power.note if plan.power else "",
        exploratory=context.exploratory,
        confidence=round(1 - plan.alpha, 6),
        imported=True in brought,
        imported_in_part=len(brought) > 1 or None,
        judge=judge_facts(run) if run else None,
        labels=label_facts(plan.evalset.labels),
        answers=answers_facts(run) if run else None,
        registered=context.registered if run else None,
        design=design_facts(run.design) if run and not run.design.exploratory else None,
        program=program_facts(run) if run else None,
        reliability=reliability_facts(run) if run else None,
        power=power,
    )


def _brought(run: FeatureRun) -> set[bool]:
    """Whether answers of another tool are evidence, of our own, or both.

    The journal tells, whatever the feature's file says by now.
    """
    found = {attempt.imported for attempt in run.bulk_attempts()}
    return found or {run.plan.config.answers == "imported"}


def _versions() -> tuple[tuple[str, str], ...]:
    return (
        ("model-rightsizing", version("model-rightsizing")),
        ("genai-prices", version("genai-prices")),
        ("python", platform.python_version()),
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


def _unasked(run: FeatureRun, unread: Mapping[str, UnusedAnswers]) -> dict[str, int]:
    """Trials of the plan that were not asked and so cost nothing, by option."""
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
