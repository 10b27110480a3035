"""From the requests of a run to one line of the result file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.config.probe_file import (
    GpuEntry,
    PercentileEntry,
    RateEntry,
    ServerEntry,
    TimesEntry,
)
from harness.stats.quantiles import queued_percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.probe.gpu_meter import GpuLoad
    from harness.probe.metrics import ServerLoad
    from harness.probe.samples import Sample, Slo

WARM_UP_SHARE = 0.1
"""Of a run that another tool made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run at one rate, as it was measured."""

    rate_per_s: float
    repeat: int
    samples: tuple[Sample, ...]
    cut: bool = False
    warm_up: int | None = None
    """Requests that do not count; None: a share of them."""
    even: bool = False
    """Requests came more evenly than at random: a queue that production has may be missing."""
    server: ServerLoad | None = None
    gpu: GpuLoad | None = None

    @property
    def settled(self) -> tuple[Sample, ...]:
        """Without the warm-up: an empty queue flatters the first requests."""
        share = int(len(self.samples) * WARM_UP_SHARE)
        return self.samples[share if self.warm_up is None else self.warm_up :]

    @property
    def counted_s(self) -> float:
        """From the first due time after the warm-up to the last."""
        settled = self.settled
        return settled[-1].due_s - settled[0].due_s if settled else 0.0


def good_share(run: Run, slo: Slo) -> float:
    """Share of good requests after the warm-up; of a run that was cut, of those it sent."""
    settled = run.settled
    return sum(sample.meets(slo) for sample in settled) / len(settled) if settled else 0.0


def rate_entry(run: Run, slo: Slo) -> RateEntry:
    """Summarise a run."""
    settled = run.settled
    seconds = run.counted_s
    tokens = [sample.output_tokens for sample in settled if sample.output_tokens is not None]
    errors = Counter(sample.error for sample in settled if sample.error is not None)
    return RateEntry(
        rate_per_s=run.rate_per_s,
        repeat=run.repeat,
        requests=len(settled),
        good_share=good_share(run, slo),
        errors=dict(sorted(errors.items())),
        cut=run.cut,
        seconds=seconds,
        first_token_s=_times([sample.first_token_s for sample in settled]),
        inter_token_s=_times([sample.inter_token_s for sample in settled]),
        total_s=_times([sample.total_s for sample in settled]),
        output_tokens_per_s=sum(tokens) / seconds if tokens and seconds else None,
        client_late_s=max((sample.late_s for sample in settled), default=0.0),
        server=_server(run.server),
        gpu=None if run.gpu is None else GpuEntry(**asdict(run.gpu)),
    )


def mean_of(values: Sequence[int | None]) -> float | None:
    """Mean of what was reported, None when nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _server(load: ServerLoad | None) -> ServerEntry:
    if load is None:
        return ServerEntry()
    return ServerEntry(
        most_running=load.most_running,
        most_waiting=load.most_waiting,
        most_kv_cache=load.most_kv_cache,
        prefix_hit_share=load.prefix_hit_share,
    )


def _times(values: Sequence[float | None]) -> TimesEntry:
    known = [value for value in values if value is not None]
    return TimesEntry(p50=_entry(known, 0.5), p95=_entry(known, 0.95), p99=_entry(known, 0.99))


def _entry(values: Sequence[float], share: float) -> PercentileEntry | None:
    found = queued_percentile(values, share)
    if found is None:
        return None
    return PercentileEntry(value=found.value, lower=found.lower, upper=found.upper, n=found.n)
