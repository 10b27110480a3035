"""The latency pass: live requests of one model at a declared concurrency, nothing else running.

Only live calls of this pass are samples: an answer, or one still being made at the feature's
deadline (it took at least that long; leaving it out would flatter a slow model). A call during
which our own event loop was late is no sample, nor is one that the world prevented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import cycle, islice

from harness.ask.replay.governor import Governor, lane_of
from harness.conduct.finding.cascades import Cascade
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.vetoes import find_vetoes
from harness.conduct.reviewing.session import READING, ReviewSession
from harness.journal.trials import Attempt, FaultKind, Missing, Outcome, Trial
from harness.judge.decision.standing import Confirm
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.record.parts import LatencyFacts
from harness.stats.load import percentile
from harness.workspace.feature_file import LatencyConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySample:
    """Seconds of the live calls of one option, in the order of the calls.

    `first_token_s` is empty where answers were not streamed. `beyond_deadline` of `total_s` are
    lower bounds: their answers were still being made at the deadline. `lagged` calls were
    discarded, `failed` brought no answer.
    """

    total_s: tuple[float, ...]
    first_token_s: tuple[float, ...]
    inter_token_s: tuple[float, ...]
    beyond_deadline: int
    lagged: int
    failed: int
    measured_at: str | None
    """UTC of the last call; None without any."""


def select_sample(outcomes: Iterable[Outcome]) -> LatencySample:
    """The latency sample of one option's outcomes; other passes' outcomes are passed over."""
    attempts = [
        attempt
        for outcome in outcomes
        if outcome.trial.purpose == "latency"
        for attempt in outcome.attempts
    ]
    timed = [attempt for attempt in attempts if _is_timed(attempt)]
    kept = sorted((a for a in timed if not a.lagged), key=lambda a: (a.started_at, a.number))
    return LatencySample(
        total_s=tuple(a.total_s for a in kept if a.total_s is not None),
        first_token_s=tuple(a.first_token_s for a in kept if a.first_token_s is not None),
        inter_token_s=tuple(a.inter_token_s for a in kept if a.inter_token_s is not None),
        beyond_deadline=sum(a.error == FaultKind.DEADLINE_EXCEEDED for a in kept),
        lagged=len(timed) - len(kept),
        failed=len(attempts) - len(timed),
        measured_at=kept[-1].started_at if kept else None,
    )


def _is_timed(attempt: Attempt) -> bool:
    return attempt.total_s is not None and attempt.error in {None, FaultKind.DEADLINE_EXCEEDED}


MOST_ROUNDS = 8
"""How often lost samples (our own event loop was late) are made up for: where a machine is so busy
that it loses a third of them, less than one of 60 is lacking in the end."""


SILENT = 3
"""After so many live requests in a row without an answer a model's times are given up: nothing else
may run meanwhile, and 60 requests to a model that hangs would hold a review for hours."""


def latency_trials(
    plan: FeaturePlan, rung: PlannedOption, start: int, stop: int
) -> Iterator[Trial]:
    """Live requests `start` to `stop` of one model: the deciding cases in order, again and again.

    A case that is asked again is a repeat of its own, so that no answer comes from a journal.
    """
    cases = plan.sample.deciding
    for index, case in enumerate(islice(cycle(cases), start, stop), start):
        yield plan.asker.trial(rung, case, index // len(cases), "latency")


def lacking(plan: FeaturePlan, outcomes: Sequence[Outcome]) -> int:
    """How many more live requests are to replace samples that were discarded."""
    sample = select_sample(outcomes)
    return max(plan.latency_requests - len(sample.total_s), 0) if sample.lagged else 0


def latency_facts(
    config: LatencyConfig,
    rung: PlannedOption,
    outcomes: Iterable[Outcome],
    *,
    incumbent: LatencyFacts | None,
) -> LatencyFacts:
    """Percentiles with their bounds, and whether the stated limits are met.

    A limit is met when the percentile's upper bound (one-sided 5 %) meets it. `incumbent` is None
    for the incumbent itself.
    """
    return _facts(config, rung, select_sample(outcomes), incumbent)


def cascade_facts(
    config: LatencyConfig, cascade: Cascade, run: FeatureRun, incumbent: LatencyFacts | None
) -> LatencyFacts:
    """A cascade's times, from the live requests of both models on the same cases.

    An answer that stands took the cheap model's time; one that does not, both, one after the
    other. Nothing is shown before the check, so its first token comes with the last one.
    """
    own = run.incumbent.name
    today = [_timed(outcome) for outcome in run.live if outcome.trial.option == own]
    cheap = [outcome for outcome in run.live if outcome.trial.option == cascade.first]
    times: list[_Timed] = []
    for place, outcome in enumerate(cheap):
        first = _timed(outcome)
        again = _from(today, place)
        if first is not None and cascade.keeps(outcome):
            times.append(_Timed(total_s=first.total_s, token_s=first.total_s))
        elif first is not None and again is not None:
            times.append(again.after(first.total_s))
    mixture = replace(
        select_sample(cheap),
        total_s=tuple(timed.total_s for timed in times),
        first_token_s=tuple(timed.token_s for timed in times if timed.token_s is not None),
    )
    return _facts(config, cascade.rung, mixture, incumbent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """Seconds of one live call; `token_s` until its first token, None where none was streamed."""

    total_s: float
    token_s: float | None

    def after(self, waited_s: float) -> _Timed:
        """The same call with `waited_s` before it."""
        token = None if self.token_s is None else self.token_s + waited_s
        return _Timed(total_s=self.total_s + waited_s, token_s=token)


def _timed(outcome: Outcome) -> _Timed | None:
    """One outcome's time; None when it is no sample."""
    sample = select_sample([outcome])
    if not sample.total_s:
        return None
    token = sample.first_token_s[0] if sample.first_token_s else None
    return _Timed(total_s=sample.total_s[0], token_s=token)


def _from(times: Sequence[_Timed | None], place: int) -> _Timed | None:
    """The time of the call at a place; where that is no sample, of the next one that is."""
    turned = [*times[place % len(times) :], *times[: place % len(times)]] if times else []
    return next((timed for timed in turned if timed is not None), None)


def _facts(
    config: LatencyConfig,
    rung: PlannedOption,
    sample: LatencySample,
    incumbent: LatencyFacts | None,
) -> LatencyFacts:
    p50 = percentile(sample.total_s, 0.50)
    p95 = percentile(sample.total_s, 0.95)
    p99 = percentile(sample.total_s, 0.99)
    first = percentile(sample.first_token_s, 0.95)
    limits = (
        (config.p95_s, p95.upper if p95 else None),
        (config.ttft_p95_s, first.upper if first else None),
        (config.p99_s, p99.upper if p99 else None),
    )
    return LatencyFacts(
        n=len(sample.total_s),
        p50_s=p50.value if p50 else None,
        p50_lower_s=p50.lower if p50 else None,
        p50_upper_s=p50.upper if p50 else None,
        p95_s=p95.value if p95 else None,
        p95_lower_s=p95.lower if p95 else None,
        p95_upper_s=p95.upper if p95 else None,
        ttft_p95_s=first.value if first else None,
        ttft_p95_upper_s=first.upper if first else None,
        p99_s=p99.value if p99 else None,
        p99_upper_s=p99.upper if p99 else None,
        slo_p95_s=config.p95_s,
        slo_ttft_p95_s=config.ttft_p95_s,
        slo_p99_s=config.p99_s,
        met=_met(limits),
        incumbent_misses_too=incumbent is not None and incumbent.met is False,
        measured_at=datetime.fromisoformat(sample.measured_at) if sample.measured_at else None,
        region=rung.config.region,
        concurrency=config.concurrency,
    )


def _met(limits: tuple[tuple[float | None, float | None], ...]) -> bool | None:
    """Whether all stated limits are met; None: none is missed, and one cannot be told."""
    stated = [(limit, upper) for limit, upper in limits if limit is not None]
    if any(upper is not None and upper > limit for limit, upper in stated):
        return False
    if not stated or any(upper is None for _, upper in stated):
        return None
    return True


class LivePass:
    """The latency pass of a review. Each model of a feature is measured once.

    Whoever calls sees to it that nothing else runs.
    """

    def __init__(self, session: ReviewSession) -> None:
        self._session = session

    def measure_incumbents(self) -> None:
        """Measure today's model of each feature; called before anything else is asked."""
        for run in self._session.runs.values():
            measure = partial(self._latency, run, run.incumbent)
            self._session.engine.faults.attempt(run.plan.feature, READING, measure)

    def lacks_incumbent(self, run: FeatureRun) -> bool:
        """Whether today's model is still to be measured."""
        needed = run.plan.config.latency is not None and run.plan.latency_requests > 0
        return needed and run.incumbent.name not in run.latencies

    def measure_incumbent(self, run: FeatureRun) -> None:
        """Today's model of one feature, unless it was measured."""
        self._latency(run, run.incumbent)

    def is_needed(self, run: FeatureRun, step: Confirm) -> bool:
        """Whether an option of the step is still to be measured."""
        if run.plan.config.latency is None or run.plan.latency_requests == 0:
            return False
        return any(run.asks(option) not in run.latencies for option in step.options)

    def confirm(self, run: FeatureRun, step: Confirm) -> None:
        """Look for vetoes of the options that passed on quality."""
        standings = {item.option: item for item in run.standings()}
        self.measure_incumbent(run)
        for option in step.options:
            latency = self._option_latency(run, option)
            run.vetoes[option] = find_vetoes(run, standings[option], latency=latency)

    def answer(self, plan: FeaturePlan, rung: PlannedOption, concurrency: int) -> list[Outcome]:
        """Ask one model its live requests, and more in place of samples that were discarded."""
        governor = self._session.govern(concurrency)
        outcomes: list[Outcome] = []
        wanted = plan.latency_requests
        for _ in range(MOST_ROUNDS):
            start = len(outcomes)
            trials = latency_trials(plan, rung, start, start + wanted)
            with closing(self._session.replay(trials, governor)) as live:
                outcomes += self._while_answered(live, governor)
            wanted = lacking(plan, outcomes)
        return outcomes

    def _while_answered(self, live: Iterable[Outcome], governor: Governor) -> Iterator[Outcome]:
        """The outcomes; after `SILENT` in a row without an answer the model's lane is stopped."""
        silent = 0
        for outcome in live:
            silent = silent + 1 if isinstance(outcome, Missing) else 0
            lane = lane_of(outcome.trial)
            if silent == SILENT and isinstance(outcome, Missing) and not governor.stopped(lane):
                governor.stop(lane, outcome.reason)
                self._session.engine.progress.note(
                    f"{lane.model}: {silent} live requests in a row had no answer "
                    f"({outcome.reason}): its times are measured no further"
                )
            yield outcome

    def _option_latency(self, run: FeatureRun, option: str) -> LatencyFacts | None:
        """An option's times; a cascade's are its cheap model's, or both models' added up."""
        alone = self._latency(run, run.rungs[run.asks(option)])
        cascade, config = run.cascades.get(option), run.plan.config.latency
        if cascade is None or alone is None or config is None:
            return alone
        incumbent = run.latencies.get(run.incumbent.name)
        return cascade_facts(config, cascade, run, incumbent)

    def _latency(self, run: FeatureRun, rung: PlannedOption) -> LatencyFacts | None:
        config, plan = run.plan.config.latency, run.plan
        if config is None or plan.latency_requests == 0:
            return None
        if rung.name not in run.latencies:
            outcomes = self.answer(plan, rung, config.concurrency)
            run.live += outcomes
            incumbent = run.latencies.get(run.incumbent.name)
            run.latencies[rung.name] = latency_facts(config, rung, outcomes, incumbent=incumbent)
        return run.latencies[rung.name]
