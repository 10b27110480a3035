"""All that a review found of one feature, written into its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from harness.conduct.finding.checks import noise
from harness.conduct.finding.drift import anchor_facts
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.floor import floor_of
from harness.conduct.finding.needs import needed, stop_facts
from harness.conduct.finding.option_costs import (
    Measured,
    bridge_to,
    interval_to,
    measure,
    planned_cost,
)
from harness.conduct.finding.option_records import (
    Examined,
    examine,
    facts,
    lever_of,
    option_record,
    target,
)
from harness.conduct.finding.record_facts import (
    Context,
    bar_of,
    evidence,
    evidence_day,
    feature_facts,
    margin,
    traffic_facts,
    unplanned_target,
)
from harness.judge.comparison.parts import baseline
from harness.judge.decision.bounds import cases_to_decide
from harness.judge.decision.proof import proof_facts
from harness.judge.decision.standing import QualityState
from harness.judge.decision.verdict import Circumstances, decide
from harness.money.interval import generator
from harness.money.monthly import cost_from_traffic, unknown_cost
from harness.money.savings import savings
from harness.plan.expecting import LEVEL_CASES, expected_level_labels
from harness.plan.lives.ahead import first_level, next_level
from harness.plan.model import FeaturePlan, Status
from harness.plan.pricing import levers_of
from harness.plan.programs import translated
from harness.record.base import Reason, Verdict
from harness.record.model import DecisionRecord, seal
from harness.record.money import Bridge, Lever, OptionCost, Savings
from harness.record.parts import LatencyFacts
from harness.record.proof import ProofFacts
from harness.record.trust import FloorFacts
from harness.wording import listed, plural


def write_record(plan: FeaturePlan, run: FeatureRun | None, context: Context) -> DecisionRecord:
    """The sealed record of one feature."""
    return seal(_Writer(plan, run, context).record())


class _Writer:
    def __init__(self, plan: FeaturePlan, run: FeatureRun | None, context: Context) -> None:
        self._plan, self._run, self._context = plan, run, context
        self._bar = bar_of(plan, context)
        self._today = self._incumbent_cost()
        self._examined = self._examine()
        self._floor = floor_of(plan, run)
        self._decided = decide(
            Circumstances(
                blocked=self._blocked(),
                baseline_fails_bar=self._fails_bar(),
                cannot_tell=self._floor is not None and self._floor.clears is False,
            ),
            [facts(one, plan, run, context.minimum_saving_usd) for one in self._examined],
        )
        self._day = evidence_day(run, context.now)
        self._proofs = _proofs(run)

    def record(self) -> DecisionRecord:
        """Everything but the hashes."""
        plan, decided, context = self._plan, self._decided, self._context
        chosen = self._chosen()
        justify = decided.verdict is Verdict.JUSTIFY
        days = context.justify_days if justify else context.evidence_days
        incumbent = plan.incumbent
        return DecisionRecord(
            laws=1,
            decision_id=f"{context.cycle}-{plan.feature}",
            cycle=context.cycle,
            generated_at=context.now,
            feature=feature_facts(plan),
            margin=margin(plan, self._run, context.now),
            traffic=traffic_facts(plan),
            finding=decided.finding,
            reason_codes=decided.reasons,
            verdict=decided.verdict,
            lever=self._lever(chosen),
            chosen=decided.chosen,
            current=target(incumbent, plan, self._run) if incumbent else unplanned_target(plan),
            current_quality=self._current_quality(),
            current_cases=len(self._current_scores()) or None,
            current_cost=self._current_cost(),
            current_latency=self._current_latency(),
            noise=noise(self._run) if self._run else None,
            options=tuple(
                option_record(one, weighed, plan, self._run).model_copy(
                    update={
                        "prompts_tried": dict(context.prompts_tried).get(weighed.option, 0),
                        "proof": self._proofs.get(weighed.option),
                    }
                )
                for one, weighed in zip(self._examined, decided.options, strict=True)
            ),
            bridge=self._bridge(chosen),
            levers=self._levers(),
            still_needed=needed(decided, self._examined, plan, self._run),
            decide_by=(self._day + timedelta(days=context.decide_within_days)).date(),
            expires_at=(self._day + timedelta(days=days)).date(),
            trigger=plan.config.trigger,
            not_known=self._not_known(),
            savings=self._savings(chosen),
            anchor=anchor_facts(plan, self._run, self._current_quality()),
            evidence=evidence(plan, self._run, context, self._day).model_copy(
                update={"floor": self._floor}
            ),
        )

    def _blocked(self) -> tuple[Reason, ...]:
        closed = {Status.BLOCKED, Status.TOO_SMALL}
        return self._plan.reasons if self._plan.status in closed else ()

    def _incumbent_cost(self) -> Measured:
        plan, run = self._plan, self._run
        if run is not None and run.board.scored(run.incumbent.name, run.design.order):
            return measure(run, run.incumbent, None)
        cost = None
        if plan.incumbent is not None and plan.incumbent.rates and plan.config.traffic:
            cost = cost_from_traffic(plan.config.traffic, plan.incumbent.rates)
        return Measured(cost=cost, pairs=(), clusters=())

    def _examine(self) -> list[Examined]:
        """Every option, cheapest first by what it is known to cost."""
        run = self._run
        if run is None:
            return [Examined(planned=planned) for planned in self._plan.options]
        standings = {standing.option: standing for standing in run.standings()}
        found = [
            self._end(run, examine(run, planned, standings[planned.name], self._today, self._bar))
            if planned.asked
            else Examined(planned=planned)
            for planned in self._plan.options
        ]
        return sorted(found, key=_by_cost)

    def _end(self, run: FeatureRun, examined: Examined) -> Examined:
        """What would decide an option that was given up, or is open after its last case."""
        standing = examined.standing
        if standing is None or standing.state not in {QualityState.OPEN, QualityState.UNLIKELY}:
            return examined
        total, of_new = (
            cases_to_decide(
                run.design, run.evidence(), standing, next_level=level(self._plan, standing.option)
            )
            for level in (next_level, first_level)
        )
        stopped = stop_facts(run, standing, total, self._context.unread)
        return replace(examined, cases_to_decide=total, new_cases_to_decide=of_new, stopped=stopped)

    def _chosen(self) -> Examined | None:
        names = {one.planned.name: one for one in self._examined}
        return names.get(self._decided.chosen) if self._decided.chosen else None

    def _lever(self, chosen: Examined | None) -> str:
        return "none" if chosen is None else lever_of(chosen.planned, self._plan)

    def _fails_bar(self) -> bool:
        run = self._run
        if run is None or not run.rungs:
            return False
        found = baseline(run.pairs(next(iter(run.rungs))).pairs)
        return found is not None and found.fails(self._plan.evalset.bar)

    def _current_quality(self) -> float | None:
        scores = self._current_scores()
        return round(100 * sum(scores) / len(scores), 6) if scores else None

    def _current_scores(self) -> list[float]:
        """Of every case that the incumbent was asked; none where labels are lacking."""
        run = self._run
        arm = run.board.arm(run.incumbent.name) if run else None
        if run is None or arm is None or arm.unlabelled:
            return []
        asked = [arm.score(case) for case in run.design.order if case in arm.scores]
        return [score for score in asked if score is not None]

    def _current_cost(self) -> OptionCost:
        incumbent = self._plan.incumbent
        if incumbent is None:
            return unknown_cost(None, "traffic")
        month = self._today.own_month
        if month is None:
            return planned_cost(self._plan, incumbent)
        quality = self._current_quality()
        share = None if quality is None else Decimal(str(quality)) / 100
        cost = replace(month, success_share=share)
        return replace(self._today, cost=cost).option_cost(incumbent)

    def _current_latency(self) -> LatencyFacts | None:
        run = self._run
        return None if run is None else run.latencies.get(run.incumbent.name)

    def _bridge(self, chosen: Examined | None) -> tuple[Bridge, ...]:
        today = self._today.own_month
        if chosen is None or chosen.measured is None or today is None:
            return ()
        return bridge_to(chosen.measured, today)

    def _savings(self, chosen: Examined | None) -> Savings | None:
        measured = chosen.measured if chosen else None
        today = self._today.own_month
        if measured is None or measured.cost is None or today is None:
            return None
        clustered = self._plan.evalset.cluster_key is not None
        interval = interval_to(
            measured, today, clustered=clustered, rng=generator(self._plan.sample.seed)
        )
        even = chosen.even if chosen else None
        return savings(today, measured.cost, interval, bar=self._bar, even=even)

    def _levers(self) -> tuple[Lever, ...]:
        incumbent, cost = self._plan.incumbent, self._today.own_month
        if incumbent is None or cost is None:
            return self._plan.levers
        return levers_of(self._plan, cost, [pair.incumbent for pair in self._today.pairs])

    def _not_known(self) -> tuple[str, ...]:
        plan = self._plan
        gaps: list[str] = []
        if plan.config.latency is None:
            gaps.append("time: the feature promises none, so none was measured")
        elif plan.quick:
            gaps.append("time: not measured in a quick review")
        else:
            seen = self._current_latency()
            measured = seen is not None and seen.n
            gaps.append(
                "time in production: it was measured from where this review ran"
                if measured
                else "time: it was not measured"
            )
        old = _old_prices(plan, self._context.price_days, self._day.date())
        if old:
            gaps.append(
                f"whether the price of {listed(old)} still holds: confirm it with `checked:` in "
                "models/, or update the catalogue (pip install -U genai-prices)"
            )
        run = self._run
        if run is not None and run.board.arm(run.incumbent.name).unlabelled:
            gaps.append(_level_gap(plan, self._floor))
        if plan.evalset.targets in {"model", "program"}:
            maker = plan.evalset.targets
            gaps.append(f"whether people agree with the targets: a {maker} made them")
        if plan.config.program is not None:
            gaps += translated(plan.incumbent, plan.options)
        same = sorted({o for judge in plan.judges for o in judge.shares_family_with})
        if same:
            gaps.append(f"whether the judge favours its own family: {', '.join(same)}")
        return tuple(gaps)


def _old_prices(plan: FeaturePlan, days: int | None, on: date) -> list[str]:
    """Models whose price is older than the policy allows, each with the day it last held."""
    rungs = [plan.incumbent, *plan.options] if plan.incumbent else []
    found: dict[str, str] = {}
    for rung in rungs:
        held = None if rung.rates is None else rung.rates.as_of
        if days is not None and held is not None and (on - held).days > days:
            found[rung.model] = f"{rung.model} (last confirmed {held.isoformat()})"
    return list(found.values())


def _proofs(run: FeatureRun | None) -> Mapping[str, ProofFacts]:
    """By option; a quick look decides nothing, and so proves nothing."""
    if run is None or run.design.exploratory:
        return {}
    return proof_facts(run.design, run.evidence())


def _level_gap(plan: FeaturePlan, floor: FloorFacts | None) -> str:
    """What is not known of the level where some cases have no label."""
    if floor is not None and floor.sampled:
        return f"how good either model is beyond the {floor.cases} random cases that are labelled"
    bare = None if floor is None else floor.unlabelled
    if bare is not None and floor is not None and floor.clears is not None:
        return f"how good either model is on the {plural(bare, 'case')} without a label"
    own = "how good either model is by itself: "
    command = f"rightsize label {plan.feature}"
    if bare is not None and floor is not None and bare <= LEVEL_CASES:
        few = f"; as few as {floor.fewest_labels} may" if floor.fewest_labels else ""
        return (
            f"{own}{plural(bare, 'case')} without a label, and it depends on them (level not "
            f"known; those labels would tell{few}: {command})"
        )
    cases = plan.sample.deciding
    lacking = expected_level_labels(plan) or min(LEVEL_CASES, len(cases))
    made = {label.case for label in plan.evalset.labels}
    given = any(case.target is not None and case.id not in made for case in cases)
    why = "not every case is labelled" if given else "only disagreements are labelled"
    return (
        f"{own}{why} (level not known; labels of {plural(lacking, 'random case')} would tell: "
        f"{command})"
    )


def _by_cost(one: Examined) -> tuple[bool, Decimal, str]:
    monthly = one.planned.monthly_usd
    if one.measured is not None and one.measured.cost is not None:
        monthly = one.measured.cost.monthly_after_discounts
    return (monthly is None, monthly or Decimal(0), one.planned.name)
