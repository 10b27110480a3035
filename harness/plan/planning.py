"""Plans a review: which features are decided without a call, and what is asked for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

from evalsets.cases import EvalSet
from harness.errors import Faults, UsageError
from harness.journal.earlier import read_paces
from harness.journal.life import PastTest, tests_in
from harness.judge.scoring.catalogue import is_closed
from harness.judge.scoring.tools.schemas import read_tools
from harness.money.levers import best_without_test
from harness.money.monthly import MonthlyCost, cost_from_traffic
from harness.money.prices.rates import PriceMissingError
from harness.money.traffic import metered
from harness.plan.anchor import anchor_of, histories
from harness.plan.asking import Asker
from harness.plan.decisions.questions import labels_of
from harness.plan.designing import design_of, hashed, is_labelled, refusal
from harness.plan.expecting import (
    Expectation,
    assumed_of,
    differences_in,
    expectations,
    expected_labels,
    expected_level_labels,
)
from harness.plan.judging import plan_judges
from harness.plan.lives.identity import order_cycle
from harness.plan.lives.life import planned_test, recorded_tests, with_life
from harness.plan.model import TO_ASK, FeaturePlan, Plan, SelectedCases, Status
from harness.plan.planned_options import (
    PlannedOption,
    climb,
    plan_option,
    priced_options,
    projected,
)
from harness.plan.pricing import asked_rungs, forecast, levers_of, planned_loads, price
from harness.plan.programs import planned_program
from harness.plan.rehearsing import new_cases, power_of
from harness.plan.sampling import floor_note, hopeless, near_copies_of
from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace, candidate_names

LATENCY_REQUESTS = 60
"""Fewest live requests that bound a p95 (59), plus one."""
LATENCY_REQUESTS_P99 = 300
PLANNING = "it could not be planned"
QUICK_CASES = 6
"""Cases of each feature with `--quick`: the demo's six features shall take less than 90 seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a workspace to review; empty tuples mean all."""

    features: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    quick: bool = False
    max_spend_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHooks:
    """Callbacks of a plan in progress.

    `check_models` is called with the models that may be asked, before the slow part begins; it may
    raise to refuse them. `faults` contains the failure of one feature, so that the others are
    still planned.
    """

    check_models: Callable[[frozenset[str]], None] | None = None
    faults: Faults = field(default_factory=lambda: Faults(contains=False))


def plan_review(
    workspace: Workspace,
    *,
    cycle: str,
    on: date,
    wanted: Selection,
    hooks: PlanHooks | None = None,
) -> Plan:
    """Plan every wanted feature, highest spend first.

    Raises:
        UsageError: `wanted` names a feature or a model that the workspace does not have.
    """
    _refuse_unknown("--feature", wanted.features, workspace.features)
    _refuse_unknown("--model", wanted.models, workspace.models)
    workspace = metered(workspace)
    expected = expectations(workspace.root, cycle)
    tests = tests_in(journal_file(workspace.root))
    names = wanted.features or tuple(workspace.features)
    past = histories(workspace.root, cycle)
    planners = [
        _FeaturePlanner(
            workspace,
            name,
            workspace.evalsets[name],
            cycle,
            on,
            wanted,
            expected.get(name, assumed_of(workspace.features[name])),
            past.get(name, ()),
        )
        for name in sorted(set(names))
    ]
    plans = _worked_out(planners, tests, hooks or PlanHooks())
    plans.sort(key=lambda plan: (-(plan.monthly_usd or 0), plan.feature))
    cap = workspace.policy.max_spend_usd
    if wanted.max_spend_usd is not None:
        cap = min(cap, wanted.max_spend_usd)
    return Plan(
        cycle=cycle,
        features=tuple(plans),
        cap_usd=cap,
        tests=tests,
        loads=tuple(planned_loads(workspace, [one for one in plans if one.status in TO_ASK])),
        forecast=forecast(
            plans,
            read_paces(journal_file(workspace.root)),
            share_of_rate_limit=workspace.policy.share_of_rate_limit,
        ),
    )


def named_options(workspace: Workspace, plan: FeaturePlan, *, on: date) -> dict[str, PlannedOption]:
    """Every model that a feature names, by its option's name, also without a price or traffic.

    With `candidates: auto` these are all models of the workspace.
    """
    name, config = plan.feature, plan.config
    ladder = () if plan.incumbent is None else (plan.incumbent, *(o.first for o in plan.options))
    known = {rung.name: rung for rung in ladder}
    named = [config.incumbent, *candidate_names(workspace, name)]
    named += [cascade.first for cascade in config.cascades]
    lacking = [option for option in dict.fromkeys(named) if option not in known]
    return known | {option: plan_option(workspace, name, option, on=on) for option in lacking}


def _worked_out(
    planners: Sequence[_FeaturePlanner], tests: tuple[PastTest, ...], hooks: PlanHooks
) -> list[FeaturePlan]:
    """Plan the features, the quick part of all of them first; those that fail are left out.

    Features may share an error (`harness.plan.lives.life`): each takes its part before the next
    one is planned.
    """
    faults, opened = hooks.faults, list[tuple[_FeaturePlanner, FeaturePlan]]()
    for planner in planners:
        begin = partial(planner.opened, tests)
        plan = faults.attempt(planner.feature, PLANNING, begin)
        if plan is not None:
            opened.append((planner, plan))
            tests += planned_test(plan, tests) if _may_be_asked(plan) else ()
    if hooks.check_models is not None:
        hooks.check_models(
            frozenset(rung.model for _, plan in opened for rung in _may_be_asked(plan))
        )
    plans = [
        faults.attempt(planner.feature, PLANNING, partial(planner.ready, plan))
        if _is_open(plan)
        else plan
        for planner, plan in opened
    ]
    kept = [plan for plan in plans if plan is not None]
    if faults.found and not kept:
        raise faults.found[0].error
    return kept


def _is_open(plan: FeaturePlan) -> bool:
    """Whether nothing that is quickly known makes a feature's calls needless."""
    return not plan.reasons


def _may_be_asked(plan: FeaturePlan) -> tuple[PlannedOption, ...]:
    """The models that a feature may ask, by what is quickly known; in the end it may ask fewer."""
    labels_will_do = is_labelled(plan) or is_closed(plan.evalset.primary)
    return asked_rungs(plan) if _is_open(plan) and labels_will_do else ()


def _refuse_unknown(flag: str, names: tuple[str, ...], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"{flag} {name}: not in the workspace; known: {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class _FeaturePlanner:
    workspace: Workspace
    feature: str
    evalset: EvalSet
    cycle: str
    on: date
    wanted: Selection
    expected: Expectation
    past: tuple[DecisionRecord, ...]

    @property
    def config(self) -> FeatureConfig:
        return self.workspace.features[self.feature]

    def opened(self, tests: tuple[PastTest, ...]) -> FeaturePlan:
        """The quick part of a feature's plan; it ends at the first reason not to ask anything.

        `tests` are those before it: of earlier reviews, and of this one's features before it.
        """
        bare = self._bare(tests)
        try:
            ladder = climb(self.workspace, self.feature, on=self.on)
        except PriceMissingError as error:
            return _closed(bare, Status.BLOCKED, (Reason.PRICE_MISSING,), str(error))
        bare = replace(bare, incumbent=ladder.incumbent)
        if self.config.traffic is None:
            note = "no traffic: add `traffic:` to the feature, or `rightsize import traffic LOG`"
            return _closed(bare, Status.BLOCKED, (Reason.TRAFFIC_MISSING,), note)
        rates = projected(ladder.incumbent, self.config)
        monthly = cost_from_traffic(self.config.traffic, rates)
        every = priced_options(self.workspace, self.feature, ladder)
        options = self._wanted(every)
        whole = replace(
            bare,
            monthly_usd=monthly.monthly_after_discounts,
            options=options,
            left_out=tuple(one.name for one in every if one.asked and one not in options),
        )
        tests = (*recorded_tests(whole, self.past, tests), *tests)
        whole = with_life(whole, tests, self.workspace.policy.reviews_per_year)
        whole = self._with_levers(whole, monthly)
        return self._without_a_call(whole) or self._designed(whole)

    def _with_levers(self, plan: FeaturePlan, monthly: MonthlyCost) -> FeaturePlan:
        found = levers_of(plan, monthly)
        best = best_without_test(found)
        minimum = self.workspace.policy.minimum_saving_usd
        saved = Decimal(0) if best is None else plan.net_saving(best)
        worth = saved > 0 and saved >= minimum
        return replace(plan, levers=found, free_lever=best if worth else None)

    def _bare(self, tests: tuple[PastTest, ...]) -> FeaturePlan:
        config, policy = self.config, self.workspace.policy
        folder = self.workspace.evalset_folder(self.feature)
        stated = config.margin is not None
        request = config.request
        return FeaturePlan(
            feature=self.feature,
            cycle=self.cycle,
            config=config,
            status=Status.BLOCKED,
            reasons=(),
            note="",
            margin=config.margin if config.margin is not None else policy.risk[config.risk].margin,
            margin_source="feature" if stated else "policy",
            alpha=round(1 - policy.confidence, 6),
            confidence=policy.confidence,
            minimum_usd=policy.minimum_saving_usd,
            anchor=anchor_of(self.workspace, self.feature, self.past, cycle=self.cycle, on=self.on),
            procedure=policy.procedure,
            repeats=policy.procedure.repeats or self.evalset.repeats,
            latency_requests=self._latency_requests(),
            evalset=self.evalset,
            sample=self._sample(folder, tests),
            asker=Asker(
                feature=self.feature,
                config=config,
                folder=folder,
                schema=_read(folder / request.json_schema) if request.json_schema else None,
                tools=read_tools(_read(folder / request.tools)) if request.tools else (),
                program=planned_program(self.workspace, self.feature, on=self.on),
                labels=labels_of(self.evalset.primary),
            ),
            quick=self.wanted.quick,
            incumbent=None,
            monthly_usd=None,
            options=(),
            design=None,
            power=None,
            money=None,
            plan_sha256="",
            plan_json="",
            near=near_copies_of(self.evalset, self.workspace.root / "prompts" / self.feature),
        )

    def _sample(self, folder: Path, tests: tuple[PastTest, ...]) -> SelectedCases:
        quick = self.wanted.quick
        cycle = self.cycle if quick else order_cycle(tests, self.feature, self.cycle)
        at_most = QUICK_CASES if quick else None
        return SelectedCases.of(self.evalset, folder, cycle=cycle, at_most=at_most)

    def _latency_requests(self) -> int:
        latency = self.config.latency
        if latency is None or self.wanted.quick or self.config.answers == "imported":
            return 0
        if latency.p99_s is not None:
            return LATENCY_REQUESTS_P99
        stated = latency.p95_s is not None or latency.ttft_p95_s is not None
        return LATENCY_REQUESTS if stated else 0

    def _wanted(self, options: tuple[PlannedOption, ...]) -> tuple[PlannedOption, ...]:
        models = self.wanted.models
        return tuple(o for o in options if not models or o.model in models)

    def _without_a_call(self, plan: FeaturePlan) -> FeaturePlan | None:
        asked = [*plan.options, *(other for _, other in plan.others)]
        unpriced = [option for option in asked if option.excluded is Reason.PRICE_MISSING]
        if unpriced:
            return _closed(plan, Status.BLOCKED, (Reason.PRICE_MISSING,), unpriced[0].note)
        if not plan.options:
            note = "no permitted, capable model is cheaper at this token mix"
            return _closed(plan, Status.ANSWERED, (Reason.NO_CHEAPER_CANDIDATE,), note)
        if not plan.asked:
            reasons = tuple(dict.fromkeys(o.excluded for o in plan.options if o.excluded))
            spent = [o.note for o in plan.options if o.excluded is Reason.EVALSET_SPENT]
            if spent:
                return self._spent(plan, Reason.EVALSET_SPENT, spent[0])
            return _closed(plan, Status.ANSWERED, reasons, plan.options[0].note)
        return None

    def _designed(self, plan: FeaturePlan) -> FeaturePlan:
        judges = plan_judges(self.workspace, self.feature, self.evalset, plan.arms, on=self.on)
        blocked = [judge.blocked for judge in judges if judge.blocked]
        if blocked:
            return _closed(plan, Status.BLOCKED, (blocked[0][0],), blocked[0][1])
        plan = replace(plan, judges=judges)
        plan = replace(plan, design=design_of(plan))
        if self.wanted.quick:
            return plan
        refused = refusal(plan)
        if refused is not None:
            return self._spent(plan, Reason.SAMPLE_TOO_SMALL, refused)
        sample = plan.sample
        floor = hopeless(plan.evalset, sample.deciding, folder=sample.folder, margin=plan.margin)
        if floor is not None:
            why = floor_note(floor, plan.evalset.unit)
            return _closed(
                replace(plan, floor=floor), Status.TOO_SMALL, (Reason.EVALSET_CANNOT_TELL,), why
            )
        return plan

    def _spent(self, plan: FeaturePlan, reason: Reason, note: str) -> FeaturePlan:
        """The plan, closed because it has too few cases, with how many more would be enough."""
        fresh = new_cases(plan, self.expected)
        if fresh is None:
            return _closed(plan, Status.TOO_SMALL, (reason,), note)
        plan, enough = replace(plan, new_cases=fresh), f"about {fresh:,} of them"
        if plan.life is not None:
            plan = replace(plan, power=power_of(plan, self.expected))
            enough = f"about {fresh:,} new ones, in a set of their own,"
            if plan.cases_missing:
                enough = f"{plan.cases_missing:,} more, or {enough}"
        note = f"{note}; {enough} show an equal candidate in four reviews of five"
        return _closed(plan, Status.TOO_SMALL, (reason,), note)

    def ready(self, plan: FeaturePlan) -> FeaturePlan:
        """An open plan with its power and its costs; this is the slow part of planning."""
        power = power_of(plan, replace(self.expected, differences=differences_in(self.past)))
        plan = replace(plan, power=power, new_cases=new_cases(plan, self.expected))
        money = price(plan, plan.arms)
        labels = 0 if is_labelled(plan) else expected_labels(plan)
        if labels and not is_closed(plan.evalset.primary):
            return _closed(plan, Status.BLOCKED, (Reason.LABELS_MISSING,), _open(plan))
        status = Status.NEEDS_LABELS if labels else Status.READY
        level = 0 if is_labelled(plan) else expected_level_labels(plan)
        fixed = replace(
            plan, status=status, labels=labels, level_labels=level, money=money, note=power.note
        )
        return hashed(fixed)


def _open(plan: FeaturePlan) -> str:
    unlabelled = sum(case.target is None for case in plan.sample.deciding)
    return (
        f"{unlabelled} cases have no target, and labels of disagreements cannot stand in for them "
        f"under scorer {plan.evalset.primary.scorer!r}: write targets, or let a model judge"
    )


def _closed(
    plan: FeaturePlan, status: Status, reasons: tuple[Reason, ...], note: str
) -> FeaturePlan:
    return replace(plan, status=status, reasons=reasons, note=note)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")
