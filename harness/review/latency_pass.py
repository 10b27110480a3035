"""The latency pass: live requests of one model at a declared concurrency, nothing else running."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING

from harness.latency import select_sample
from harness.record.parts import LatencyFacts
from harness.stats.quantiles import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.config.files import LatencyConfig
    from harness.latency import LatencySample
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.review.cascades import Cascade
    from harness.review.feature_run import FeatureRun
    from harness.trials import Outcome, Trial


MOST_ROUNDS = 8
"""How often lost samples (our own event loop was late) are made up for: where a machine is so busy
that it loses a third of them, less than one of 60 is lacking in the end."""


def latency_trials(plan: FeaturePlan, rung: Rung, start: int, stop: int) -> Iterator[Trial]:
    """Live requests `start` to `stop` of one model: the deciding cases in order, again and again.

    A case that is asked again is a repeat of its own, so that no answer comes from a journal.
    """
    cases = plan.sample.deciding
    for index, case in enumerate(islice(cycle(cases), start, stop), start):
        yield plan.asker.trial(rung, case, index // len(cases), "latency")


def lacking(plan: FeaturePlan, outcomes: Sequence[Outcome]) -> int:
    """Samples that are still to be made up for."""
    sample = select_sample(outcomes)
    return max(plan.latency_requests - len(sample.total_s), 0) if sample.lagged else 0


def latency_facts(
    config: LatencyConfig,
    rung: Rung,
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
    own = run.incumbent.option
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
        """The same call begun so much later."""
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
    """The time at a place, the same case's; where that is no sample, the next one that is."""
    turned = [*times[place % len(times) :], *times[: place % len(times)]] if times else []
    return next((timed for timed in turned if timed is not None), None)


def _facts(
    config: LatencyConfig, rung: Rung, sample: LatencySample, incumbent: LatencyFacts | None
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
    """All stated limits are met; None while one of them cannot be told and none is missed."""
    stated = [(limit, upper) for limit, upper in limits if limit is not None]
    if any(upper is not None and upper > limit for limit, upper in stated):
        return False
    if not stated or any(upper is None for _, upper in stated):
        return None
    return True
