"""One option of the record: its target, what became of it, and why in one plain line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from harness.conduct.finding.checks import (
    audit,
    grader,
    judges_are_reliable,
    with_form,
    with_mix,
    with_spreads,
)
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.gaps import missing_facts, to_label
from harness.conduct.finding.option_costs import (
    Measured,
    cascade_facts,
    escalated,
    even_at,
    measure,
    planned_cost,
)
from harness.conduct.finding.vetoes import Parts, look_at_parts
from harness.judge.comparison.pairs import Pairs
from harness.judge.decision.quality import quality, score_levels, settled_in
from harness.judge.decision.standing import QualityState, Standing
from harness.judge.decision.verdict import WeighedOption
from harness.money.prices.model_catalogue import facts as known
from harness.money.savings import Bar, QualityLoss
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.record.base import Reason
from harness.record.money import BreakEven, OptionCost
from harness.record.parts import OptionRecord, Target
from harness.record.quality_parts import Quality, StopFacts
from harness.wording import chance, percent, with_pilot
from harness.workspace.model_file import is_tuned


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One planned option with all that was found about it; `run` parts are None if never asked."""

    planned: PlannedOption
    standing: Standing | None = None
    quality: Quality | None = None
    measured: Measured | None = None
    saving_after_discounts: Decimal | None = None
    even: BreakEven | None = None
    """What its further errors do to that saving."""
    even_at_best: BreakEven | None = None
    """The same at the upper quality bound: the most that can still be left of it."""
    glimpse: str = ""
    """What was seen of an option that was stopped before any test."""
    cases_to_decide: int | None = None
    """Of an option that was given up, or is open after its last case; None: of no number likely."""
    new_cases_to_decide: int | None = None
    """The same of cases that were never asked, with the error of a first test."""
    stopped: StopFacts | None = None


def examine(
    run: FeatureRun, planned: PlannedOption, standing: Standing, today: Measured, bar: Bar
) -> Examined:
    """Bring quality and money of one asked option together; `today` is the incumbent's cost."""
    option = planned.name
    pairs = run.pairs(option)
    seen = run.vetoes.get(option)
    if seen is not None and standing.state in {QualityState.PASSES, QualityState.VETOED}:
        standing = replace(seen.standing, state=standing.state)
    waits = standing.state in {QualityState.WAITING, QualityState.OPEN} and any(
        p.unlabelled for p in pairs.pairs
    )
    metric = run.plan.evalset.primary.scorer
    found = quality(run.design, standing, pairs, metric) if standing.n and not waits else None
    if found is not None:
        found = with_mix(run, standing, with_spreads(run, option, found))
    measured = measure(run, planned, found)
    saving, even, at_best = None, None, None
    if measured.cost is not None and today.cost is not None:
        saving = today.cost.monthly_after_discounts - measured.cost.monthly_after_discounts
        if found is not None:
            loss = QualityLoss(estimate=-found.told, worst=-found.worst)
            even = even_at(run.plan, saving, loss, bar)
            best = QualityLoss(estimate=-found.best, worst=-found.worst)
            at_best = even_at(run.plan, saving, best, bar)
    return Examined(
        planned=planned,
        standing=standing,
        quality=found,
        measured=measured,
        saving_after_discounts=saving,
        even=even,
        even_at_best=at_best,
        glimpse="" if found else _seen_of(run, pairs, waits=waits),
    )


def _seen_of(run: FeatureRun, pairs: Pairs, *, waits: bool) -> str:
    return to_label(pairs, run.plan.evalset.unit) if waits else _glimpse(run, pairs)


def _glimpse(run: FeatureRun, pairs: Pairs) -> str:
    """Mean scores on the few cases that both models answered; empty without any."""
    settled = settled_in(pairs, (0, len(pairs.pairs)))
    levels = score_levels(settled)
    if levels.incumbent is None or levels.candidate is None:
        return ""
    unit, pilot = run.plan.evalset.unit, len(settled_in(pairs, (0, run.design.pilot)))
    return (
        f"on {with_pilot(len(settled), pilot, unit)} it scored {percent(levels.candidate)}, "
        f"today's model {percent(levels.incumbent)}"
    )


def facts(
    examined: Examined, plan: FeaturePlan, run: FeatureRun | None, minimum: Decimal
) -> WeighedOption:
    """What the verdict weighs; an option of a feature that is not asked shares its reason."""
    planned, standing = examined.planned, examined.standing
    if standing is None or run is None or planned.excluded is not None:
        blocked = (planned.excluded,) if planned.excluded else plan.reasons
        return WeighedOption(option=planned.name, quality=None, blocked=blocked)
    vetoes = run.vetoes.get(planned.name)
    measured = examined.measured
    cost = measured.cost.monthly_after_discounts if measured and measured.cost else None
    saving = examined.saving_after_discounts
    unknown = cost is None and standing.state is QualityState.PASSES
    doubts = vetoes.doubts if vetoes else ()
    state = standing.state
    if state is not QualityState.NOT_ASKED and not judges_are_reliable(run):
        doubts = (*doubts, Reason.JUDGE_UNRELIABLE)
        # What such a judge shows, it shows of no model: neither harm nor its absence.
        state = (
            QualityState.PASSES
            if state in {QualityState.INFERIOR, QualityState.UNLIKELY}
            else state
        )
    return WeighedOption(
        option=planned.name,
        quality=state,
        vetoes=vetoes.reasons if vetoes else (),
        doubts=(*doubts, Reason.USAGE_NOT_REPORTED) if unknown else doubts,
        saves_enough=_reaches(saving, minimum),
        nets_enough=_reaches(_left(examined, state, doubts), minimum),
        cost=cost,
        net=examined.even.net_saving_estimate if examined.even else None,
        credit=_credit(examined, planned, run),
    )


def _reaches(amount: Decimal | None, minimum: Decimal) -> bool:
    """Not known is not too little."""
    return amount is None or (amount >= minimum and amount > 0)


def _left(examined: Examined, state: QualityState, doubts: tuple[Reason, ...]) -> Decimal | None:
    """USD a month that is left of the saving: expected of what passed, at most of what is open.

    Nobody knows how much more of an open option, or of one read by an unreliable judge, goes wrong.
    """
    if state in {QualityState.INFERIOR, QualityState.UNLIKELY, QualityState.VETOED}:
        return None
    sure = state is QualityState.PASSES and Reason.JUDGE_UNRELIABLE not in doubts
    found = examined.even if sure else examined.even_at_best
    return None if found is None else found.net_of_one_off


def _credit(examined: Examined, rung: PlannedOption, run: FeatureRun) -> Reason:
    if rung.model == run.incumbent.model and rung.cascade is None:
        return Reason.SAME_MODEL_CHEAPER
    if rung.rates is not None and rung.rates.hosting is not None:
        return Reason.SELF_HOST_BELOW_BREAK_EVEN
    if examined.quality is not None and examined.quality.worst > 0:
        return Reason.SUPERIOR_AND_CHEAPER
    return Reason.NON_INFERIOR_AND_CHEAPER


def option_record(
    examined: Examined, weighed: WeighedOption, plan: FeaturePlan, run: FeatureRun | None
) -> OptionRecord:
    """Write one option down."""
    rung = examined.planned
    vetoes = run.vetoes.get(rung.name) if run else None
    parts = vetoes or _parts(examined, run)
    asked = run is not None and examined.standing is not None and examined.standing.asked > 0
    return OptionRecord(
        target=target(rung, plan, run),
        lever=lever_of(rung, plan),
        prompts_tried=0,
        result=weighed.result,
        reason_codes=weighed.reasons,
        note=note(examined, weighed.reasons),
        quality=examined.quality,
        slices=parts.slices if parts else (),
        guardrails=parts.guardrails if parts else (),
        latency=vetoes.latency if vetoes else None,
        missing=missing_facts(run, rung.name) if run and asked else None,
        cost=cost_of(examined, plan),
        error_break_even=examined.even,
        saving_at_most=examined.planned.saving_bound_usd,
        performance_risk=_risk(examined.quality),
        migration_effort=_effort(rung, plan),
        cascade=cascade_facts(rung, examined.measured, plan, run),
        audit=with_form(run, rung.name, audit(_resting(examined, run))) if run and asked else None,
        grader=grader(run, _resting(examined, run)) if run and asked else None,
        stopped=examined.stopped if Reason.UNLIKELY_TO_PASS in weighed.reasons else None,
    )


def _resting(examined: Examined, run: FeatureRun) -> Pairs:
    """The pairs that the option's figures rest on; all of them where it has none."""
    pairs, standing = run.pairs(examined.planned.name), examined.standing
    if standing is None or examined.quality is None:
        return pairs
    return replace(pairs, pairs=pairs.pairs[slice(*standing.cases)])


def _parts(examined: Examined, run: FeatureRun | None) -> Parts | None:
    """Parts of an option that did not pass: they veto nothing, and say where it is weak."""
    if run is None or examined.standing is None or examined.quality is None:
        return None
    found = look_at_parts(run, examined.standing)
    no = {"vetoes": False}
    return replace(
        found,
        slices=tuple(part.model_copy(update=no) for part in found.slices),
        guardrails=tuple(part.model_copy(update=no) for part in found.guardrails),
    )


def target(rung: PlannedOption, plan: FeaturePlan, run: FeatureRun | None) -> Target:
    """A model as it is asked, and as it was served."""
    served: set[str] = set()
    if run is not None:
        read = run.board.scored(rung.first.name, run.design.order)
        served = {
            a.served_model for s in read for a in s.attempts if a.served_model and a.role is None
        }
    return Target(
        option=rung.name,
        provider=rung.config.provider,
        model_id=rung.model,
        version=rung.version,
        served_versions=tuple(sorted(served)),
        served_as=_own_name(rung, served),
        effort=rung.effort,
        params_sha256=rung.params_sha256(plan.config),
        prompt_sha256=rung.prompt.sha256,
        prompt_file=rung.prompt.path,
        region=rung.config.region,
        retires_on=known(rung.model, rung.config).retires_on,
    )


def _own_name(rung: PlannedOption, served: Collection[str]) -> str | None:
    """llama.cpp, started by us, answers every request by the one name that we gave it."""
    ours = rung.first.config.serve
    own = ours is not None and ours.engine == "llama-cpp" and len(served) == 1
    return next(iter(served)) if own else None


def note(examined: Examined, reasons: tuple[Reason, ...]) -> str:
    """Why, in one plain line."""
    if examined.planned.excluded is not None:
        return examined.planned.note
    if Reason.EVALSET_CANNOT_TELL in reasons:
        return "these cases cannot tell it from an answer that never changes"
    if Reason.CHEAPER_ONE_PASSED in reasons:
        return "not needed: a cheaper one passed everything"
    found = examined.quality
    if found is None:
        state = "not asked" if examined.standing is None else _state(examined)
        return f"{state}; {examined.glimpse}" if examined.glimpse else state
    cases = with_pilot(found.n, found.pilot_cases or 0, "cases")
    size = "no difference"
    if round(found.difference, 1):
        words = "better" if found.difference > 0 else "worse"
        size = f"{abs(found.difference):.1f} points {words}"
    size += f" on {cases}"
    size += escalated(examined.measured)
    return f"{_state(examined) if examined.standing else ''}: {size}"


def _state(examined: Examined) -> str:
    standing, stopped = examined.standing, examined.stopped
    if stopped is not None:
        return (
            f"given up after {stopped.seen} of {stopped.cases} cases, at a chance of "
            f"{chance(stopped.chance)} to pass"
        )
    return "" if standing is None else _STATES[standing.state]


_STATES = {
    QualityState.PASSES: "within the limit",
    QualityState.INFERIOR: "shown to be worse than the limit",
    QualityState.UNLIKELY: "given up as unlikely to pass",
    QualityState.OPEN: "neither shown within the limit nor shown beyond it",
    QualityState.VETOED: "passed on the whole, stopped by a part",
    QualityState.WAITING: "waits for labels",
    QualityState.INCOMPLETE: "depends on answers that are missing",
    QualityState.TOO_SMALL: "too few cases for the limit",
    QualityState.NOT_ASKED: "not asked",
}


def lever_of(rung: PlannedOption, plan: FeaturePlan) -> str:
    """What kind of change an option is."""
    if rung.cascade is not None:
        return "cascade"
    today = plan.incumbent
    if today is not None and rung.model == today.model:
        prompts = is_tuned(rung.name) or is_tuned(today.name)
        return "prompt" if prompts and rung.effort == today.effort else "effort"
    return "self-host" if rung.config.gpu else "model-swap"


def _risk(found: Quality | None) -> str:
    """How near the worst case comes to the limit."""
    if found is None:
        return "unknown"
    if found.worst > -found.margin / 2:
        return "low"
    return "medium" if found.worst > -found.margin else "high"


def _effort(rung: PlannedOption, plan: FeaturePlan) -> str:
    """What changing takes: a name, another vendor's API, or a service of one's own."""
    if plan.incumbent is None:
        return "unknown"
    if rung.config.gpu:
        return "high"
    if rung.cascade is not None:
        return "medium"
    same = rung.config.provider == plan.incumbent.config.provider
    return "low" if same else "medium"


def cost_of(examined: Examined, plan: FeaturePlan) -> OptionCost:
    """The option's cost as the record shows it: measured, else from the traffic."""
    rung = examined.planned
    if examined.measured is not None and examined.measured.cost is not None:
        return examined.measured.option_cost(rung)
    return planned_cost(plan, rung)
