"""How long a review will take: by lane, from the pace of earlier runs and the limits it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan.model import Forecast
from harness.plan.pricing import JUDGE_OUTPUT_TOKENS, likely_output
from harness.replay.governor import Lane, LaneLimits, guess_uses, lane_of, predict_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.replay.pace import Pace
    from harness.trials import Trial

SECONDS_PER_CALL = 0.5
SECONDS_PER_OUTPUT_TOKEN = 0.02
"""A middling hosted model: 50 tokens a second after half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one feature is expected to ask of one lane."""

    lane: Lane
    rung: Rung
    calls: float
    tokens: float
    """Of a call, before the lane's own mean is known."""
    call_s: float
    """Of a call, likewise: a middling hosted model's."""


def forecast(
    features: Iterable[FeaturePlan], paces: Mapping[Lane, Pace], *, share_of_rate_limit: float
) -> Forecast:
    """Predict a review's hours.

    A lane is as slow as its slowest limit: places, requests a minute, tokens a minute.
    """
    lanes: dict[Lane, list[Load]] = {}
    alone_s = 0.0
    for feature in features:
        if feature.money is not None:
            for load in _loads(feature):
                lanes.setdefault(load.lane, []).append(load)
            alone_s += _latency_s(feature, paces)
    busiest_s = max(
        (_lane_s(loads, paces.get(lane), share_of_rate_limit) for lane, loads in lanes.items()),
        default=0.0,
    )
    known = sum(lane in paces for lane in lanes)
    return Forecast(
        hours=(busiest_s + alone_s) / 3600,
        share_of_rate_limit=share_of_rate_limit,
        lanes=len(lanes),
        known=known,
    )


def _loads(plan: FeaturePlan) -> Iterator[Load]:
    """What is asked in the quality pass; batches take no lane's time."""
    answers = len(plan.sample.deciding) * plan.repeats
    rungs = _rungs(plan)
    case = plan.sample.deciding[0]
    for rung in rungs if plan.config.answers == "replayed" else ():
        if not rung.config.batch:
            trial = plan.asker.trial(rung, case, 0, "quality")
            yield _load(trial, rung, answers * _share(plan, rung), likely_output(plan.asker))
    for judge in plan.judges:
        rulings = 2 * (len(rungs) - 1) if judge.pairwise else len(rungs)
        share = plan.power.expected_share_of_calls if plan.power else 1.0
        trial = judge.sample(judge.reader(), case, "")
        yield _load(trial, judge.rung, answers * rulings * share, JUDGE_OUTPUT_TOKENS)


def _load(trial: Trial, rung: Rung, calls: float, output_tokens: float) -> Load:
    return Load(
        lane=lane_of(trial),
        rung=rung,
        calls=calls,
        tokens=guess_uses(trial).tokens,
        call_s=SECONDS_PER_CALL + SECONDS_PER_OUTPUT_TOKEN * output_tokens,
    )


def _lane_s(loads: list[Load], pace: Pace | None, share: float) -> float:
    config = loads[0].rung.config
    tries = pace.tries if pace else 1.0
    calls = sum(load.calls for load in loads) * tries
    granted = (
        (pace.requests_per_minute, pace.tokens_per_minute) if pace is not None else (None, None)
    )
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
    """Seconds of the latency pass: each model after the other, at its declared concurrency."""
    if plan.config.latency is None or plan.latency_requests == 0:
        return 0.0
    case, output = plan.sample.deciding[0], likely_output(plan.asker)
    loads = [
        _load(plan.asker.trial(rung, case, 0, "quality"), rung, plan.latency_requests, output)
        for rung in _rungs(plan)
    ]
    seconds = [
        load.calls * (paces[load.lane].call_s if load.lane in paces else load.call_s)
        for load in loads
    ]
    return sum(seconds) / plan.config.latency.concurrency


def _rungs(plan: FeaturePlan) -> list[Rung]:
    incumbent = [plan.incumbent] if plan.incumbent else []
    return [*incumbent, *plan.rungs]


def _share(plan: FeaturePlan, rung: Rung) -> float:
    if plan.power is None or rung.offline:
        return 1.0
    return plan.power.shares.get(rung.option, plan.power.expected_share_of_calls)
