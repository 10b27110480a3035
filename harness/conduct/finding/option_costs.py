"""What an option, or the runs of a program, cost and save in production, projected from answers.

A run's tokens are those of its calls to the option's model together, and are projected to
production as a request's would be. Its price per request is what a run cost beyond those tokens at
the flat price: the calls to the program's other models, fees per call, and long-context prices,
which every call paid by its own length. A run on the cases costs to the digit what its calls did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.scores import Scored
from harness.journal.trials import PROGRAM, UNUSED, Attempt
from harness.money.amounts import exact, plain, rounded
from harness.money.cascade import (
    CascadeCost,
    cascade_bridge,
    cascade_cost,
    cascade_option_cost,
    escalations,
    with_costs,
)
from harness.money.interval import Generator, ModelShare, SavingInterval, saving_interval
from harness.money.monthly import (
    MonthlyCost,
    bridge,
    cost_from_traffic,
    measured_cost,
    to_option_cost,
    unknown_cost,
)
from harness.money.prices.attempts import attempt_cost
from harness.money.prices.rate_tables import Rates
from harness.money.savings import Bar, QualityLoss, error_value
from harness.money.workload import USD_PLACES, NoUsageError, UsagePair
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.record.money import BreakEven, Bridge, OptionCost
from harness.record.quality_parts import Quality
from harness.record.trust import CascadeFacts, ProgramFacts
from harness.wording import percent
from providers.completion import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An option's production cost; `cost` is None while its usage is unknown."""

    cost: MonthlyCost | CascadeCost | None
    pairs: tuple[UsagePair, ...]
    clusters: tuple[str, ...]
    kept: tuple[bool, ...] | None = None
    """Of a cascade, parallel to `pairs`: the cheap answer stood."""

    @property
    def own_month(self) -> MonthlyCost | None:
        """The month of a single model; None of a cascade, or while it is unknown."""
        return None if isinstance(self.cost, CascadeCost) else self.cost

    def option_cost(self, rung: PlannedOption) -> OptionCost:
        """For the record."""
        if isinstance(self.cost, CascadeCost):
            return cascade_option_cost(self.cost)
        return to_option_cost(self.cost) if self.cost else unknown_cost(rung.rates, "measured")


def measure(run: FeatureRun, rung: PlannedOption, quality: Quality | None) -> Measured:
    """An option's monthly cost, from its tokens and the incumbent's on the same cases."""
    traffic = run.plan.config.traffic
    found = usage_pairs(run, rung.first.name)
    pairs, clusters = tuple(one.usage for one in found), tuple(one.cluster for one in found)
    kept = _kept(run, rung, found)
    if traffic is None:
        return Measured(cost=None, pairs=pairs, clusters=clusters)
    success = None
    if quality is not None:
        own = rung.name == run.incumbent.name
        level = quality.current if own else quality.candidate
        success = None if level is None else level / 100
    both = (rung.priced(), run.incumbent.priced())
    rates = rung.priced() if run.plan.config.program is None else run_rates(run, rung)
    if rates is None:
        return Measured(cost=None, pairs=pairs, clusters=clusters)
    try:
        cost = (
            measured_cost(pairs, traffic, rates, success=success)
            if kept is None
            else cascade_cost(pairs, kept, traffic, both, success=success)
        )
    except NoUsageError:
        return Measured(cost=None, pairs=pairs, clusters=clusters)
    return Measured(cost=cost, pairs=pairs, clusters=clusters, kept=kept)


def _kept(
    run: FeatureRun, rung: PlannedOption, found: Sequence[CaseUsage]
) -> tuple[bool, ...] | None:
    """Which of the cheap model's answers stood; None for an option that is no cascade."""
    cascade = run.cascades.get(rung.name)
    if cascade is None:
        return None
    return tuple(cascade.kept.get(one.case_id, {}).get(one.repeat, False) for one in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUsage:
    """What one trial took of an option and of the incumbent."""

    case_id: str
    repeat: int
    cluster: str
    usage: UsagePair


def usage_pairs(run: FeatureRun, option: str) -> tuple[CaseUsage, ...]:
    """Usage of both models on the trials where both reported it."""
    found: list[CaseUsage] = []
    for case_id, cluster in zip(run.design.order, run.design.clusters, strict=True):
        usages = _usages if run.plan.config.program is None else run_usages
        theirs = usages(run.board.scored(option, [case_id]))
        ours = usages(run.board.scored(run.incumbent.name, [case_id]))
        found += [
            CaseUsage(
                case_id=case_id,
                repeat=repeat,
                cluster=cluster,
                usage=UsagePair(option=one, incumbent=other),
            )
            for repeat, (one, other) in enumerate(zip(theirs, ours, strict=False))
            if one is not None and other is not None
        ]
    return tuple(_alike(found) if run.plan.config.answers == "imported" else found)


def _alike(found: Sequence[CaseUsage]) -> Iterator[CaseUsage]:
    """As many repeats of each case as every case has: one that was asked often weighs no more."""
    each = Counter(one.case_id for one in found)
    fewest = min(each.values(), default=0)
    taken = Counter[str]()
    for one in found:
        taken[one.case_id] += 1
        if taken[one.case_id] <= fewest:
            yield one


def _usages(scored: Iterable[Scored]) -> list[TokenUsage | None]:
    """Usage of the attempt that brought each answer; None where none did, or told none."""
    return [_usage(read.attempts[-1]) if read.attempts else None for read in scored]


def _usage(attempt: Attempt) -> TokenUsage | None:
    return attempt.usage if attempt.error is None else None


def bridge_to(measured: Measured, today: MonthlyCost) -> tuple[Bridge, ...]:
    """Where the difference to today's month comes from; empty while it is unknown."""
    if measured.cost is None:
        return ()
    if isinstance(measured.cost, CascadeCost):
        return cascade_bridge(today, measured.cost)
    return bridge(today, measured.cost)


def interval_to(
    measured: Measured, today: MonthlyCost, *, clustered: bool, rng: Generator
) -> SavingInterval | None:
    """How sure the saving is; None while the cost is unknown, or from fewer than two units."""
    clusters = measured.clusters if clustered else None
    cost = measured.cost
    if cost is None:
        return None
    if not isinstance(cost, CascadeCost):
        parts = [ModelShare(pairs=measured.pairs, cost=cost)]
        return saving_interval(parts, today, clusters=clusters, rng=rng)
    parts = [
        ModelShare(pairs=measured.pairs, cost=cost.first),
        ModelShare(pairs=escalations(measured.pairs, measured.kept or ()), cost=cost.escalation),
    ]
    return saving_interval(parts, today, clusters=clusters, rng=rng)


def planned_cost(plan: FeaturePlan, rung: PlannedOption) -> OptionCost:
    """Before any call: production's tokens at the model's rates."""
    if plan.config.traffic is None or rung.rates is None or rung.cascade is not None:
        return unknown_cost(rung.rates, "traffic")
    return to_option_cost(cost_from_traffic(rung.traffic(plan.config.traffic), rung.rates))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """USD of attempts: known, and kept aside where the usage stayed unknown."""

    known_usd: Decimal
    possibly_usd: Decimal
    trials: int


def bill(attempts: Sequence[Attempt], *, trials: int = 0) -> Bill:
    """What attempts cost, every one of them."""
    return Bill(
        known_usd=sum((a.cost_usd for a in attempts if a.cost_usd is not None), Decimal(0)),
        possibly_usd=sum((a.reserve_usd for a in attempts if a.cost_usd is None), Decimal(0)),
        trials=trials,
    )


def even_at(plan: FeaturePlan, saving: Decimal, loss: QualityLoss, bar: Bar) -> BreakEven | None:
    """What an option's further errors do to its saving; None without traffic."""
    traffic = plan.config.traffic
    if traffic is None or not traffic.requests_per_month:
        return None
    return error_value(
        exact(saving),
        loss,
        requests_per_month=traffic.requests_per_month,
        error_cost_usd=plan.config.error_cost_usd,
        one_off_monthly=bar.one_off_monthly,
    )


def cascade_facts(
    rung: PlannedOption, measured: Measured | None, plan: FeaturePlan, run: FeatureRun | None
) -> CascadeFacts | None:
    """What a cascade is, and how often it asks today's model; None for other options."""
    config = rung.cascade
    if config is None:
        return None
    cost = _cost(measured)
    tried = None if run is None else run.cascades.get(rung.name)
    kept = {} if tried is None or run is None else tried.kept
    fixed = tried.threshold if tried else None
    checks = [
        keeps
        for case, repeats in kept.items()
        if run is not None and run.board.scored(rung.first.name, [case])
        for keeps in repeats.values()
    ]
    facts = CascadeFacts(
        first=config.first,
        accept_when=config.check,
        unsure=config.unsure if config.accept_when == "not-unsure" else None,
        escalates_to=plan.config.incumbent,
        answers=len(checks),
        escalated=round(100 * checks.count(False) / len(checks), 6) if checks else None,
        first_per_request=None,
        escalation_per_request=None,
        threshold=fixed.least if fixed else None,
        threshold_cases=fixed.answers if fixed else None,
    )
    return with_costs(facts, cost)


def escalated(measured: Measured | None) -> str:
    """How often, as the end of a plain line; nothing of other options."""
    cost = _cost(measured)
    if cost is None:
        return ""
    return f"; {percent(cost.escalated, 1)} of all its answers go on to today's model"


def _cost(measured: Measured | None) -> CascadeCost | None:
    cost = measured.cost if measured else None
    return cost if isinstance(cost, CascadeCost) else None


_COUNTS = TokenUsage.__slots__


def run_usages(scored: Iterable[Scored]) -> list[TokenUsage | None]:
    """The tokens of each run's own calls together; None where one told none, or it is missing."""
    return [_usage_of(read) for read in scored]


def run_rates(run: FeatureRun, rung: PlannedOption) -> Rates | None:
    """An option's price list with what its runs cost beyond it; None while that is unknown."""
    flat = replace(rung.priced(), tiers=(), per_request=Decimal(0), minimum_per_request=Decimal(0))
    runs = [read for read in run.read(rung.first.name) if read.kind != "missing"]
    discounts = {role: other.priced().discount for role, other in run.plan.others}
    beyond = [_beyond(read, flat, discounts) for read in runs]
    known = [usd for usd in beyond if usd is not None]
    if not known or len(known) < len(beyond):
        return None
    return replace(flat, per_request=rounded(sum(known, Decimal(0)) / len(known), USD_PLACES))


def program_facts(run: FeatureRun) -> tuple[ProgramFacts, ...] | None:
    """What a run of each option took, today's model first; None of a feature that is no program."""
    if run.plan.config.program is None:
        return None
    found = (_facts(option, run.read(option)) for option in (run.incumbent.name, *run.rungs))
    return tuple(facts for facts in found if facts is not None)


def _facts(option: str, read: Sequence[Scored]) -> ProgramFacts | None:
    runs = [one for one in read if one.kind != "missing"]
    calls = [[a for a in one.attempts if _is_call(a)] for one in runs]
    if not runs:
        return None
    every = [attempt for of_run in calls for attempt in of_run]
    usages = [attempt.usage for attempt in every if attempt.usage is not None]
    counted = len(usages) == len(every)
    unused = [a for one in runs for a in one.attempts if a.role == UNUSED]
    scores = [one.scores[0] for one in runs]
    shown = [score for score in scores if score is not None]
    return ProgramFacts(
        option=option,
        runs=len(runs),
        calls=len(every),
        most_calls=max(map(len, calls)),
        beside=sum(attempt.role is not None for attempt in every),
        input_tokens=sum(usage.input_tokens for usage in usages) if counted else None,
        output_tokens=sum(usage.output_tokens for usage in usages) if counted else None,
        usd=_sum_usd(every),
        successes=round(sum(shown), 6) if len(shown) == len(scores) else None,
        unused_calls=len(unused) or None,
        unused_usd=_sum_usd(unused) if unused else None,
    )


def _sum_usd(attempts: Sequence[Attempt]) -> Decimal | None:
    """What attempts cost together; None where the cost of one is not known."""
    known = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    return plain(sum(known, Decimal(0))) if len(known) == len(attempts) else None


def _is_call(attempt: Attempt) -> bool:
    """Whether an attempt is a call of the run that brought a reply, and not the run itself."""
    return attempt.role not in {PROGRAM, UNUSED} and attempt.error is None


def _usage_of(read: Scored) -> TokenUsage | None:
    own = [attempt for attempt in read.attempts if attempt.role is None and attempt.error is None]
    known = [attempt.usage for attempt in own if attempt.usage is not None]
    if read.kind == "missing" or len(known) < len(own):
        return None
    return TokenUsage(**{name: sum(getattr(usage, name) for usage in known) for name in _COUNTS})


def _beyond(read: Scored, flat: Rates, discounts: Mapping[str, Decimal]) -> Decimal | None:
    """USD of a run beyond its own tokens at the flat price, as a list price of the option's."""
    usage = _usage_of(read)
    if usage is None or flat.discount == 1:
        return None
    total = -attempt_cost(usage, flat)
    for attempt in filter(_is_call, read.attempts):
        if attempt.cost_usd is None:
            return None
        # The option's discount is taken off all of it; another model's own is what counts.
        own = attempt.role is None
        share = 1 if own else (1 - discounts[attempt.role or ""]) / (1 - flat.discount)
        total += attempt.cost_usd * share
    return total
