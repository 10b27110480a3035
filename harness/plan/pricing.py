"""What a review costs and how long it takes, expected and at worst: calls, model loads and hours.

Hours are worked out per lane, from the pace of earlier runs and the share of the rate limits that
a review may use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from evalsets.cases import Case
from harness.ask.replay.governor import guess_uses, lane_of, predict_s
from harness.ask.replay.throttle import LaneLimits
from harness.journal.earlier import Pace
from harness.journal.trials import Lane, Trial
from harness.money.amounts import rounded
from harness.money.levers import levers, observe
from harness.money.monthly import MonthlyCost
from harness.money.prices.attempts import attempt_cost, gpu_time_cost
from harness.money.prices.model_catalogue import facts
from harness.money.workload import USD_PLACES
from harness.plan.asking import BYTES_PER_TOKEN, Asker, likely_input, most_input, most_usd
from harness.plan.judging import OPTION as JUDGED_BY
from harness.plan.judging import PlannedJudge
from harness.plan.model import CallsOf, FeaturePlan, Forecast, Money, PlannedLoad
from harness.plan.planned_options import PlannedOption
from harness.plan.programs import run_cost
from harness.record.base import Reason
from harness.record.money import Lever
from harness.stats.sequential.foresight import AskedShare
from harness.workspace.model_file import ModelConfig, ServeConfig
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.workspace import Workspace
from providers.completion import TokenUsage

LONGEST_TOKEN = 8
"""Bytes of a long token; bounds an answer that a judge will read."""
JUDGE_OUTPUT_TOKENS = 60
"""A grade and two sentences of reason."""


def price(plan: FeaturePlan, rungs: Sequence[PlannedOption]) -> Money:
    """USD of asking `rungs` every case and repeat, of their judges, and of the latency pass if any.

    A model that is asked offline answers every case, however early the test stops. Batches are
    expected to cost the batch price; at worst they expire and the model is asked live. Where no
    power was worked out, every case is expected to be asked. The worst case counts the reservation
    of every trial once; a retried attempt is charged too, under the same cap.
    """
    asked, judged = _asking(plan, rungs), _judging(plan, rungs)
    return Money(
        expected_usd=asked.expected_usd + judged.expected_usd,
        worst_usd=asked.worst_usd + judged.worst_usd,
        calls=asked.calls + judged.calls,
        expected_calls=asked.expected_calls + judged.expected_calls,
        judge_usd=judged.expected_usd,
        each={**asked.each, **judged.each},
        equal_usd=asked.equal_usd + judged.equal_usd,
    )


def _asking(plan: FeaturePlan, rungs: Sequence[PlannedOption]) -> Money:
    if plan.config.answers == "imported":
        return Money.nothing()
    asker, cases = plan.asker, plan.sample.deciding
    trials = len(cases) * plan.repeats
    expected, equal, worst, calls = Decimal(0), Decimal(0), Decimal(0), 0
    means, each = _mean_costs(asker, rungs, cases), dict[str, CallsOf]()
    for rung in rungs:
        live, bulk, bound = means[rung.name]
        likely, tuned = _shares(plan, rung), plan.sample.tune if rung.name in plan.tuned else 0
        once = tuned + round(plan.latency_requests * likely.passes)
        expected += bulk * trials * _exact(likely.expected) + live * once
        equal += bulk * trials * _exact(likely.equal) + live * (plan.latency_requests + tuned)
        asked = trials + plan.latency_requests + tuned
        worst += bound * asked
        calls += asked
        often = round(trials * likely.expected) + once
        each[rung.name] = CallsOf(calls=often, batch_usd=bulk, live_usd=live)
    return Money(
        expected_usd=expected,
        worst_usd=worst,
        calls=calls,
        expected_calls=sum(one.calls for one in each.values()),
        each=each,
        equal_usd=equal,
    )


def _shares(plan: FeaturePlan, rung: PlannedOption) -> AskedShare:
    """The share of a model's cases that is asked; all of them offline or without a power figure."""
    found = plan.power.shares.get(rung.name, AskedShare()) if plan.power else AskedShare()
    return AskedShare(passes=found.passes) if rung.offline else found


def _exact(share: float) -> Decimal:
    return Decimal(str(round(share, 4)))


def _judging(plan: FeaturePlan, rungs: Sequence[PlannedOption]) -> Money:
    """USD of grading: one ruling per answer, or two per candidate's answer if compared."""
    cases = plan.sample.deciding
    expected, equal, worst, calls = Decimal(0), Decimal(0), Decimal(0), 0
    power, each = plan.power, dict[str, CallsOf]()
    share, if_equal = (power.expected_share_of_calls, power.equal_share) if power else (1.0, 1.0)
    for judge in plan.judges:
        rulings = 2 * (len(rungs) - 1) if judge.pairwise else len(rungs)
        asked = len(cases) * plan.repeats * rulings
        likely, bound = _mean_ruling(plan, judge)
        expected += likely * asked * _exact(share)
        equal += likely * asked * _exact(if_equal)
        worst += bound * asked
        calls += asked
        name = f"{JUDGED_BY}{judge.rung.name}"
        found = CallsOf(calls=round(asked * share), batch_usd=likely, live_usd=likely)
        each[name] = each[name] + found if name in each else found
    return Money(
        expected_usd=expected,
        worst_usd=worst,
        calls=calls,
        expected_calls=round(calls * share),
        each=each,
        equal_usd=equal,
    )


def _mean_ruling(plan: FeaturePlan, judge: PlannedJudge) -> tuple[Decimal, Decimal]:
    """Expected and largest USD of one ruling, averaged over all cases."""
    reader, rates = judge.reader(), judge.rung.priced()
    usual = "x" * (BYTES_PER_TOKEN * likely_output(plan.asker))
    longest = "x" * (LONGEST_TOKEN * plan.config.request.max_output_tokens)
    output = min(JUDGE_OUTPUT_TOKENS, judge.options.max_output_tokens)
    likely, bound = Decimal(0), Decimal(0)
    for case in filter(reader.applies, plan.sample.deciding):
        sent = likely_input(judge.rung, judge.sample(reader, case, usual).request)
        usage = TokenUsage(input_tokens=sent, output_tokens=output)
        likely += attempt_cost(usage, rates)
        bound += judge.sample(reader, case, longest).reserve_usd
    count = max(len(plan.sample.deciding), 1)
    return likely / count, bound / count


def likely_output(asker: Asker) -> int:
    """Expected tokens of an answer: the traffic's mean, at most the limit."""
    traffic = asker.config.traffic
    most = asker.config.request.max_output_tokens
    return most if traffic is None else min(round(traffic.output_tokens), most)


def _mean_costs(
    asker: Asker, rungs: Sequence[PlannedOption], cases: Sequence[Case]
) -> Mapping[str, tuple[Decimal, Decimal, Decimal]]:
    """By option, USD of one call averaged over the cases: expected live, expected bulk, largest."""
    if asker.program is not None:
        runs = {rung.name: run_cost(asker.program, rung, asker.config.traffic) for rung in rungs}
        return {name: (likely, likely, bound) for name, (likely, bound) in runs.items()}
    sizes = {rung.name: Counter[tuple[int, int, int]]() for rung in rungs}
    for case in cases:
        for rung in rungs:
            request = asker.request(rung, case, "quality")
            sent, most = likely_input(rung, request), most_input(rung, request)
            sizes[rung.name][sent, most, request.max_output_tokens] += 1
    return {rung.name: _mean_cost(rung, likely_output(asker), sizes[rung.name]) for rung in rungs}


def _mean_cost(
    rung: PlannedOption, output: int, sizes: Counter[tuple[int, int, int]]
) -> tuple[Decimal, Decimal, Decimal]:
    """USD of one call, in the order of `_mean_costs`, over requests counted by their tokens."""
    rates, sums = rung.priced(), [Decimal(0)] * 3
    for (sent, most, longest), count in sizes.items():
        usage = TokenUsage(input_tokens=sent, output_tokens=output)
        live = attempt_cost(usage, rates)
        bulk = attempt_cost(usage, rates, batch=True) if rung.config.batch else live
        for at, usd in enumerate((live, bulk, most_usd(rung, most, longest))):
            sums[at] += usd * count
    total = max(sizes.total(), 1)
    return sums[0] / total, sums[1] / total, sums[2] / total


def planned_loads(workspace: Workspace, features: Iterable[FeaturePlan]) -> Iterator[PlannedLoad]:
    """The loads of every GPU model that the features may ask.

    A load is expected to take as long as the model's probe measured, else the longest allowed
    time; at worst the longest allowed time.
    """
    features = tuple(features)
    asked = [rung for feature in features for rung in asked_rungs(feature)]
    judges = {judge.rung.model for feature in features for judge in feature.judges}
    for model in sorted({rung.model for rung in asked}):
        config, policy = workspace.models[model], workspace.policy
        serve, own = config.serve, [rung for rung in asked if rung.model == model]
        if serve is None:
            continue
        processes = serve.offline.replicas if serve.offline else 0
        # At worst the server is loaded for the remaining trials too, and again as a judge.
        servers = 2 if model in judges else 1
        worst_s = servers * longest_load_s(serve)
        worst_s += processes * longest_load_s(serve, offline=True)
        expected = load_usd(config, policy, _likely_s(own, serve) * (processes or 1))
        worst = load_usd(config, policy, worst_s)
        if expected is not None and worst is not None:
            yield PlannedLoad(model=model, gpus=serve.gpus, expected_usd=expected, worst_usd=worst)


def load_usd(config: ModelConfig, policy: PolicyConfig, seconds: float) -> Decimal | None:
    """USD of a model's GPUs for a time; None if loading it costs nothing."""
    gpus = config.serve.gpus if config.serve else 0
    if config.gpu is None or not gpus:
        return None
    return rounded(gpu_time_cost(seconds, gpus, policy.gpus[config.gpu]), USD_PLACES)


def longest_load_s(serve: ServeConfig, *, offline: bool = False) -> float:
    """The longest time that one load is charged for, seconds.

    A server that is not ready within `ready_s` is stopped, and so is an offline engine that reports
    when it is ready (vLLM). Other offline engines are charged for the whole run, up to `ttl_s`.
    """
    return serve.ttl_s if offline and serve.engine != "vllm" else serve.ready_s


def asked_rungs(feature: FeaturePlan) -> tuple[PlannedOption, ...]:
    """The models that a feature's plan may ask, judges included."""
    replayed = feature.config.answers == "replayed"
    others = tuple(other for _, other in feature.others)
    return (*(feature.arms if replayed else ()), *others, *(judge.rung for judge in feature.judges))


def _likely_s(rungs: Iterable[PlannedOption], serve: ServeConfig) -> float:
    seen = [
        float(rung.rates.hosting.load_s)
        for rung in rungs
        if rung.rates is not None
        and rung.rates.hosting is not None
        and rung.rates.hosting.load_s is not None
    ]
    most_s = longest_load_s(serve, offline=serve.offline is not None)
    return min(max(seen, default=serve.ready_s), most_s)


SECONDS_PER_CALL = 0.5
SECONDS_PER_OUTPUT_TOKEN = 0.02
"""An average hosted model: 50 tokens a second after half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDemand:
    """Expected calls of one feature on one lane."""

    lane: Lane
    rung: PlannedOption
    calls: float
    tokens: float
    """Per call; used until earlier runs tell the lane's own mean."""
    call_s: float
    """Seconds per call of an average hosted model; used likewise."""


def forecast(
    features: Iterable[FeaturePlan], paces: Mapping[Lane, Pace], *, share_of_rate_limit: float
) -> Forecast:
    """Predict a review's hours.

    A lane is as slow as its tightest limit: concurrency, requests or tokens a minute.
    """
    lanes, alone_s = dict[Lane, list[LaneDemand]](), 0.0
    for feature in features:
        if feature.money is not None:
            for load in _loads(feature):
                lanes.setdefault(load.lane, []).append(load)
            alone_s += _latency_s(feature, paces)
    busiest_s = max(
        (_lane_s(loads, paces.get(lane), share_of_rate_limit) for lane, loads in lanes.items()),
        default=0.0,
    )
    return Forecast(
        hours=(busiest_s + alone_s) / 3600,
        share_of_rate_limit=share_of_rate_limit,
        lanes=len(lanes),
        known=sum(lane in paces for lane in lanes),
    )


def _loads(plan: FeaturePlan) -> Iterator[LaneDemand]:
    """Demand of the quality pass; batches take no lane's time."""
    answers, rungs = len(plan.sample.deciding) * plan.repeats, plan.arms
    case = plan.sample.deciding[0]
    for rung in rungs if plan.config.answers == "replayed" else ():
        if not rung.config.batch:
            trial = plan.asker.trial(rung, case, 0, "quality")
            yield _load(
                trial, rung, answers * _shares(plan, rung).expected, likely_output(plan.asker)
            )
    for judge in plan.judges:
        rulings = 2 * (len(rungs) - 1) if judge.pairwise else len(rungs)
        share = plan.power.expected_share_of_calls if plan.power else 1.0
        trial = judge.sample(judge.reader(), case, "")
        yield _load(trial, judge.rung, answers * rulings * share, JUDGE_OUTPUT_TOKENS)


def _load(trial: Trial, rung: PlannedOption, calls: float, output_tokens: float) -> LaneDemand:
    return LaneDemand(
        lane=lane_of(trial),
        rung=rung,
        calls=calls,
        tokens=guess_uses(trial).tokens,
        call_s=SECONDS_PER_CALL + SECONDS_PER_OUTPUT_TOKEN * output_tokens,
    )


def _lane_s(loads: list[LaneDemand], pace: Pace | None, share: float) -> float:
    config, tries = loads[0].rung.config, pace.tries if pace else 1.0
    calls = sum(load.calls for load in loads) * tries
    granted = (pace.requests_per_minute, pace.tokens_per_minute) if pace else (None, None)
    tokens = sum(load.calls * (pace.tokens if pace else load.tokens) for load in loads)
    busy_s = sum(load.calls * (pace.call_s if pace else load.call_s) for load in loads) * tries
    return predict_s(
        LaneLimits(
            max_concurrency=config.max_concurrency,
            requests_per_minute=granted[0] or config.requests_per_minute,
            tokens_per_minute=granted[1] or config.tokens_per_minute,
        ),
        calls=calls,
        tokens=tokens,
        busy_s=busy_s,
        share=share,
    )


def _latency_s(plan: FeaturePlan, paces: Mapping[Lane, Pace]) -> float:
    """Seconds of the latency pass: one model after the other, at the declared concurrency."""
    if plan.config.latency is None or plan.latency_requests == 0:
        return 0.0
    case, output, seconds = plan.sample.deciding[0], likely_output(plan.asker), 0.0
    for rung in plan.arms:
        requests = plan.latency_requests * _shares(plan, rung).passes
        load = _load(plan.asker.trial(rung, case, 0, "quality"), rung, requests, output)
        pace = paces.get(load.lane)
        seconds += load.calls * (pace.call_s if pace else load.call_s)
    return seconds / plan.config.latency.concurrency


_PROMPTS = 20
"""Number of requests from which the shared beginning of the prompts is read."""


def levers_of(
    plan: FeaturePlan, cost: MonthlyCost, usages: Sequence[TokenUsage] = ()
) -> tuple[Lever, ...]:
    """List the incumbent's levers at its own month.

    Args:
        plan: the feature, its incumbent and its cases.
        cost: what the incumbent costs: at the stated traffic before a call, measured after one.
        usages: those of the incumbent's answers, if it was asked; they tell how much of its output
            is reasoning.
    """
    incumbent = plan.incumbent
    if incumbent is None or plan.config.program is not None:
        return ()
    if any(option.excluded is Reason.CAPACITY_BOUGHT for option in plan.options):
        return ()  # Fewer or cheaper tokens save nothing on units that are paid.
    prompts = _prompts(plan)
    typical = TokenUsage(
        input_tokens=_tokens(prompts, most=round(cost.workload.input_tokens)),
        output_tokens=round(cost.workload.output_tokens),
    )
    seen = observe(prompts, [typical] * len(prompts))
    reasoning = observe((), usages).reasoning_share
    return levers(
        plan.config,
        incumbent.config,
        cost,
        facts(incumbent.model, incumbent.config),
        replace(seen, reasoning_share=reasoning),
    )


def _tokens(prompts: Sequence[str], *, most: int) -> int:
    """Input tokens of a prompt, at most production's mean."""
    size = sum(len(prompt.encode()) for prompt in prompts) // max(len(prompts), 1)
    return min(most, size // BYTES_PER_TOKEN + 1)


def _prompts(plan: FeaturePlan) -> list[str]:
    """The texts of the first requests, as they would be sent."""
    incumbent = plan.incumbent
    if incumbent is None:
        return []
    requests = (
        plan.asker.request(incumbent, case, "quality") for case in plan.sample.deciding[:_PROMPTS]
    )
    return ["".join(message.text for message in request.messages) for request in requests]
