"""The latency pass: live requests of one model at a declared concurrency, nothing else running."""

from __future__ import annotations

from datetime import datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING

from harness.latency import select_sample
from harness.record.parts import LatencyFacts
from harness.stats.quantiles import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.config.files import LatencyConfig
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.trials import Outcome, Trial


MOST_ROUNDS = 3
"""How often lost samples (our own event loop was late) are made up for."""


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
    sample = select_sample(outcomes)
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
