"""A plan as lines of text: what is asked of whom, what it costs, and what can be saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from harness.cli.show import duration
from harness.money.amounts import exact, plain
from harness.money.portfolio.overview import growing
from harness.plan.decisions.questions import decides, unheard_line
from harness.plan.expecting import minutes
from harness.plan.model import FeaturePlan, Forecast, Plan, Status
from harness.plan.planned_options import PlannedOption
from harness.plan.sampling import copies_line, near_copies_line
from harness.record.base import Reason
from harness.record.life import LifeFacts
from harness.wording import percent, plural, usd

_A_YEAR = 12
_CALLED = {
    "caching": "prompt caching",
    "effort": "lower effort",
    "shorter-output": "a shorter answer",
}


def bound_line(plan: Plan) -> Iterator[str]:
    """The most that other models can save over the portfolio; nothing where none is asked."""
    most = sum((feature.saving_bound_usd for feature in plan.features), Decimal(0))
    if most:
        yield f"Other models can save at most {usd(most)} a month, known before any call"


def option_money(option: PlannedOption, today: Decimal | None) -> str:
    """What an option costs a month at today's tokens, and what it can save at most of today's."""
    if option.monthly_usd is None:
        return "no price"
    cost = f"{usd(option.monthly_usd)} a month"
    if option.saving_bound_usd is None:
        return cost
    most = f"{cost} at today's tokens, saves at most {usd(option.saving_bound_usd)}"
    least = None if today is None else today - option.saving_bound_usd
    if least is None or least >= option.monthly_usd or not option.saving_bound_usd:
        return most
    return f"{most} (with so few tokens that it costs {usd(least)})"


def lever_lines(plan: FeaturePlan) -> Iterator[str]:
    """What the incumbent could save by itself, each with what it needs."""
    for lever in plan.levers:
        name = _CALLED.get(lever.kind, lever.kind)
        if lever.possible:
            yield f"    {name}: saves {usd(plan.net_saving(lever))} a month; {lever.needs}"
        else:
            yield f"    {name}: not possible; {lever.needs}"
    if len(plan.levers) > 1:
        yield "    (one of these: they exclude each other)"


def growth_line(plan: FeaturePlan) -> Iterator[str]:
    """What today's model costs in the next year, where the volume is expected to change."""
    traffic = plan.config.traffic
    if traffic is None or plan.monthly_usd is None or not traffic.growth_per_month:
        return
    growth = exact(traffic.growth_per_month)
    year = growing(plan.monthly_usd, per_month=growth, months=_A_YEAR)
    yield f"    next year at {plain(growth * 100):+f} % requests a month: {usd(year)}"


_ASKED = (Status.READY, Status.NEEDS_LABELS)
LIKELY = 0.5
"""A chance under which a feature is named: it is likelier to stay undecided."""


def plan_lines(plan: Plan, *, details: bool) -> Iterator[str]:
    """The summary of `workspace.md`'s kind, and with `details` a paragraph per feature."""
    rungs = (feature.incumbent for feature in plan.features)
    net = any(rung is not None and rung.rates and rung.rates.discount for rung in rungs)
    after = " after discounts" if net else ""
    yield f"{plural(len(plan.features), 'feature')}, {_spend(plan, after)}"
    yield from _counts(plan)
    yield from bound_line(plan)
    free = [p.net_saving(p.free_lever) for p in plan.features if p.free_lever]
    if free:
        yield (
            f"Free of quality risk on {plural(len(free), 'feature')}: batch or caching, "
            f"{usd(sum(free, Decimal(0)))} a month"
        )
    yield from _tested(plan)
    yield from _alike(plan)
    yield from _unheard(plan)
    yield from _short_of_cases(ready=plan.to_ask)
    yield from _level_not_known(plan.having(Status.READY))
    if details:
        for feature in plan.features:
            yield from feature_lines(feature)
    batched = _asked_in_batches(plan)
    if batched:
        yield (
            f"In batches, at the batch price: {', '.join(batched)}.  "
            "Each look waits for its batches, up to a day"
        )
    calls = _time(plan.forecast) if plan.forecast.lanes else f"No {'live ' if batched else ''}calls"
    yield (
        f"Cost {usd(plan.expected_usd)} expected, {usd(plan.worst_usd)} at worst, "
        f"cap {usd(plan.cap_usd)}.  {calls}"
    )
    if plan.loads:
        expected = sum((load.expected_usd for load in plan.loads), Decimal(0))
        worst = sum((load.worst_usd for load in plan.loads), Decimal(0))
        yield (
            f"Of it for loading {', '.join(load.model for load in plan.loads)} on GPUs: "
            f"{usd(expected)} expected, {usd(worst)} at worst"
        )


def _spend(plan: Plan, after: str) -> str:
    """`USD 61,400 a month, 39 of 40 known`; the count only where some are not."""
    known = [p.monthly_usd for p in plan.features if p.monthly_usd is not None]
    if not known:
        return "spend not known"
    some = (
        f", {len(known)} of {len(plan.features)} known" if len(known) < len(plan.features) else ""
    )
    return f"{usd(sum(known, Decimal(0)))} a month{after}{some}"


def _time(forecast: Forecast) -> str:
    """`Time 1 h 50 at half of your rate limits, at the pace of earlier runs`."""
    share = forecast.share_of_rate_limit
    words = {1.0: "all", 0.5: "half", 0.25: "a quarter"}
    limits = f"at {words.get(share, percent(share))} of your rate limits"
    if forecast.known == forecast.lanes:
        basis = "at the pace of earlier runs"
    elif forecast.known:
        basis = f"at the pace of earlier runs for {forecast.known} of {forecast.lanes} models"
    else:
        basis = "roughly: no earlier run tells"
    return f"Time {duration(forecast.hours)} {limits}, {basis}"


def _asked_in_batches(plan: Plan) -> list[str]:
    rungs = [
        rung
        for feature in plan.to_ask
        for rung in (feature.incumbent, *feature.asked)
        if rung is not None and feature.config.answers == "replayed"
    ]
    return sorted({rung.model for rung in rungs if rung.config.batch})


def _counts(plan: Plan) -> Iterator[str]:
    answered, ready = plan.having(Status.ANSWERED), plan.having(Status.READY)
    labels, small = plan.having(Status.NEEDS_LABELS), plan.having(Status.TOO_SMALL)
    blocked = plan.having(Status.BLOCKED)
    if answered:
        yield _row(len(answered), "decided without a call", _why_answered(answered))
    if ready:
        share = _share_of_savings(plan, ready)
        yield _row(len(ready), "ready", f"{share} of what can be saved" if share else "")
    if labels:
        yield _row(len(labels), "need labels", _labelling(labels))
    if small:
        notes = "; ".join(f"{p.feature}: {', '.join(p.reasons)}: {p.note}" for p in small)
        yield _row(len(small), "cannot be decided", notes)
    if blocked:
        names = "; ".join(f"{p.feature}: {', '.join(p.reasons)}" for p in blocked)
        yield _row(len(blocked), "blocked", names)


def _tested(plan: Plan) -> Iterator[str]:
    """Which test of cases that were tested before a review would be, and who may take none."""
    for feature in (*plan.to_ask, *plan.having(Status.TOO_SMALL)):
        if not feature.ahead or feature.life is None:
            continue
        yield f"      {feature.feature}: {_takes(feature.life)}"
        for one in feature.lives:
            yield f"      {feature.feature}: {one.option}: {_takes(one.life)}"
        for one in feature.options:
            if one.excluded is Reason.EVALSET_SPENT:
                what = f"{one.name}: {one.excluded}, not asked: {one.note}"
                yield f"      {feature.feature}: {what}{_of_new(feature)}"


def _of_new(plan: FeaturePlan) -> str:
    if plan.new_cases is None:
        return ""
    return f"; about {plan.new_cases:,} of them show an equal candidate in four reviews of five"


def _takes(life: LifeFacts) -> str:
    if life.again:
        return f"{life.note}; it takes nothing more"
    return f"{life.note} after it, which takes {life.level:.2g} %"


def _alike(plan: Plan) -> Iterator[str]:
    """Eval sets with copies and near-copies, which are worth less than their rows."""
    for feature in plan.features:
        for line in (copies_line(feature.evalset), near_copies_line(feature.near)):
            if line is not None:
                yield f"      {feature.feature}: {line}"


def _unheard(plan: Plan) -> Iterator[str]:
    """What a feature states of its requests and its decision models are asked without."""
    for feature in plan.features:
        deciding = [rung.name for rung in feature.arms if decides(rung.config)]
        line = unheard_line(feature.config, deciding)
        if line is not None:
            yield f"      {feature.feature}: {line}"


def _short_of_cases(ready: Sequence[FeaturePlan]) -> Iterator[str]:
    """Features that will more likely than not stay undecided, and what would change that."""
    for plan in ready:
        power = plan.power
        if power is not None and power.chance is not None and power.chance < LIKELY:
            yield (
                f"      {plan.feature}: an equal candidate passes with a chance of "
                f"{percent(power.chance)} on {len(plan.sample.deciding)} {plan.evalset.unit}; "
                f"{_remedy(plan)}"
            )


def _level_not_known(ready: Sequence[FeaturePlan]) -> Iterator[str]:
    """Features that can be decided, and whose level of quality no label tells yet."""
    for plan in ready:
        if plan.level_labels:
            yield (
                f"      {plan.feature}: level not known; label "
                f"{plural(plan.level_labels, 'random case')}, {minutes(plan.level_labels)} min "
                "(`rightsize label`)"
            )


def _remedy(plan: FeaturePlan) -> str:
    """What the missing cases are and cost, or what margin these can tell."""
    power, missing = plan.power, plan.cases_missing
    if power is None:
        return ""
    added = max(plan.added_levels.values(), default=0.0)
    if missing is None and not added:
        what = "no added case changes that: the error that tests on these share is used up"
    elif missing is None:
        what = "no number of cases up to 20,000 is enough"
    else:
        price = plan.missing_usd
        cost = "" if price is None else f", about {usd(price)} a review"
        level = f", tested with these at {100 * added:.2g} %," if plan.ahead else ""
        what = f"{missing:,} more{level} make it 80 %{cost}"
    if plan.new_cases is not None:
        what = f"{what}; about {plan.new_cases:,} new ones make it 80 %, in a set of their own"
    if power.smallest_margin is None:
        return what
    return f"{what}; or a limit of {power.smallest_margin:g} points"


def _labelling(waiting: Sequence[FeaturePlan]) -> str:
    """How many labels each, and how long that takes a person."""
    counts = [plan.labels for plan in waiting]
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    most = f"{minutes(max(counts))} min" + (" each" if len(counts) > 1 else "")
    level = max(plan.level_labels for plan in waiting)
    random = f", and {level} random cases each for the level of quality" if level else ""
    random = random if len(waiting) > 1 else random.replace(" each", "")
    return f"label the disagreements: about {each}, {most}{random} (`rightsize label`)"


def _row(count: int, what: str, why: str) -> str:
    return f"{count:4}  {what:<22} {why}".rstrip()


def _why_answered(answered: Sequence[FeaturePlan]) -> str:
    reasons = [plan.reasons[0] for plan in answered if plan.reasons]
    words = {
        Reason.SAVINGS_BELOW_MINIMUM: "cannot save the minimum",
        Reason.NO_CHEAPER_CANDIDATE: "have no cheaper permitted model",
        Reason.DATA_NOT_PERMITTED: "have no candidate that may see their data",
        Reason.CAPABILITY_GAP: "have no candidate that can do it",
        Reason.CAPACITY_BOUGHT: "run on capacity that is paid until its term ends",
    }
    distinct = dict.fromkeys(reasons)
    return ", ".join(f"{reasons.count(r)} {words.get(r, r.value)}" for r in distinct)


def _share_of_savings(plan: Plan, ready: Sequence[FeaturePlan]) -> str:
    whole = sum((p.saving_bound_usd for p in plan.features), Decimal(0))
    part = sum((p.saving_bound_usd for p in ready), Decimal(0))
    return percent(part / whole) if whole else ""


def feature_lines(plan: FeaturePlan) -> Iterator[str]:
    """What happens to one feature."""
    today = f", {usd(plan.monthly_usd)} a month" if plan.monthly_usd is not None else ""
    yield f"{plan.feature}: {plan.status.value}{today}"
    if plan.note:
        yield f"    {plan.note}"
    if plan.labels:
        waiting = plural(plan.labels, "disagreement")
        yield f"    about {waiting} to label, {minutes(plan.labels)} min"
    if plan.level_labels:
        drawn = plural(plan.level_labels, "random case")
        yield (
            f"    {drawn} to label for the level of quality, {minutes(plan.level_labels)} min; "
            "without them the documents say that it is not known"
        )
    for option in plan.options:
        cost = option_money(option, plan.monthly_usd)
        what = "asked" if option.asked and plan.status in _ASKED else "not asked"
        why = f" ({option.excluded}: {option.note})" if option.excluded else ""
        yield f"    {option.name}: {cost}, {what}{why}"
    yield from lever_lines(plan)
    yield from growth_line(plan)
    if plan.power is not None and plan.cases_missing != 0:
        yield f"    short of cases: {_remedy(plan)}"
    if plan.money is not None:
        yield (
            f"    {plan.money.expected_calls} of {plan.money.calls} calls expected, "
            f"{usd(plan.money.expected_usd)}, {usd(plan.money.worst_usd)} at worst; "
            f"margin {plan.margin:g} points on "
            f"{len(plan.sample.deciding)} {plan.evalset.unit}"
        )
