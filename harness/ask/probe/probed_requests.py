"""Requests of a probe and whether they were good, how a run starts, and its line of the result.

A short run must see what an endless one would, so its start matters.
A queue near saturation fills slowly: its relaxation time is about 8 q^2 / (1 + c^2) arrivals, where
q requests wait on average and c is the coefficient of variation of their service times (reflected
Brownian motion: W. Whitt, "Planning queueing simulations", Management Science 35 (1989) 1341-1366).
That is 30 requests for one server that is 70 % full, 1,500 for 16 that are 95 % full and 400,000
for 64 that are 99.6 % full: hours. A run that is shorter finds what it began with. From an empty
queue every rate looks good for as long as the run lasts, and from the mean queue too, because none
of its requests is late.

So the starts are drawn from the distribution that the queue will have (W. D. Kelton, "Random
initialization methods in simulation", IIE Transactions 21 (1989) 355-367). In heavy traffic a wait
is exponential (J. F. C. Kingman, 1961); at the rate that is looked for its mean is such that just
enough requests are good, given the times of requests that met an empty server. Each repeat starts
at the mean of its own part of that distribution, all parts equally likely. Where a run is long
beside the relaxation time a wrong start is forgotten within the warm-up; where it is not, the start
is right. What is still unknown of it goes into the interval:
`harness.ask.probe.search.START_WEIGHT`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, pvariance

from harness.ask.probe.metrics import GpuLoad, ServerLoad
from harness.stats.load import queued_percentile
from harness.stats.roots import falling_root
from harness.workspace.probe_file import (
    GpuEntry,
    PercentileEntry,
    RateEntry,
    ServerEntry,
    TimesEntry,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Limits in seconds that a good request meets, each of them; at least one is set."""

    first_token_s: float | None = None
    inter_token_s: float | None = None
    total_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that every request would meet."""
        if self.first_token_s is self.inter_token_s is self.total_s is None:
            raise ValueError("an SLO needs at least one limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedRequest:
    """How one request went. Times are seconds since it was due; None: it never came to that."""

    due_s: float
    """Since the start of the run."""
    first_token_s: float | None = None
    inter_token_s: float | None = None
    """Mean gap between tokens; None with fewer than two."""
    total_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    late_s: float = 0.0
    """How much after its due time the client sent it."""
    error: str | None = None
    """Class of the error; None when an answer came."""

    def meets(self, slo: Slo) -> bool:
        """Did an answer come within every limit? An error is a miss.

        A single token has no gap: it meets any limit on gaps.
        """
        if self.error is not None or self.total_s is None:
            return False
        within = [
            limit is None or (value is not None and value <= limit)
            for value, limit in (
                (self.first_token_s, slo.first_token_s),
                (self.total_s, slo.total_s),
            )
        ]
        gap_met = (
            slo.inter_token_s is None
            or self.inter_token_s is None
            or self.inter_token_s <= slo.inter_token_s
        )
        return all(within) and gap_met


WARM_UP_LIMITS = 3
WARM_UP_ANSWERS = 8
"""A run counts after the longer of these: the requests in service are then as mixed as later."""
WARM_UP_SHARES = (0.1, 0.25)
"""Of a run's requests, the least and the most that do not count."""
LIMITS_PER_RUN = 12
"""Least length of a run, in limits: a rate some per cent too high needs them to build a queue."""
ANSWERS_PER_RUN = 30
"""Least length in mean answers: the requests in service are then as mixed as later, and longer."""
LEAST_SECONDS = 60.0
"""Least length: the rate must show."""
LEAST_LOAD = 0.05
"""Share of the time in which a lone request is there, at the lowest rate that is tried."""
_LEAST_WAIT = 0.15
"""Smallest mean wait, as a share of what an empty server leaves of the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """How many requests a run sends, and when they count."""

    at_once: int
    """At the start, to fill the servers; not counted."""
    warm_up: int
    """That arrive before it counts."""
    inside: int
    """That are inside when it begins to count: what lacks is sent at once, and not counted."""
    counted: int

    @property
    def arriving(self) -> int:
        """That arrive at random times."""
        return self.warm_up + self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """With which queue the runs of a probe begin to count."""

    slo: Slo
    good_share: float
    repeats: int
    alone: list[ProbedRequest] = field(default_factory=list)
    """Requests that met an empty server, so far."""

    @property
    def alone_s(self) -> float:
        """Mean total time of a request that meets an empty server."""
        return fmean(sample.total_s for sample in self.alone if sample.total_s is not None)

    @property
    def mean_wait_s(self) -> float:
        """That the queue has at the goodput."""
        return mean_wait(self.alone, self.slo, self.good_share)

    @property
    def least_per_s(self) -> float:
        """Lowest rate that makes sense: requests hardly meet one another."""
        return LEAST_LOAD / self.alone_s

    def shape(self, rate: float, repeat: int, count: int) -> RunShape:
        """A run of `count` arrivals, by Little's law: those inside are the rate times their time.

        A repeat beyond the last, the rough search, starts with the mean wait.
        """
        part = part_mean(repeat, self.repeats) if repeat < self.repeats else 1.0
        inside_s = self.alone_s + part * self.mean_wait_s
        warm_up = self._warm_up(rate, count)
        return RunShape(
            at_once=min(round(rate * self.alone_s), count),
            warm_up=warm_up,
            inside=min(round(rate * inside_s), count),
            counted=count - warm_up,
        )

    def _warm_up(self, rate: float, count: int) -> int:
        least, most = (share * count for share in WARM_UP_SHARES)
        wanted_s = max(WARM_UP_LIMITS * slowest_limit(self.slo), WARM_UP_ANSWERS * self.alone_s)
        return round(min(max(rate * wanted_s, least), most))

    @property
    def unmixed_s(self) -> float:
        """What fresh requests take less, or more, to their end than those of a settled server.

        These have (1 + c^2) / 2 of a mean time to go, fresh ones the whole of it (renewal theory;
        c is the coefficient of variation of the times of requests that met an empty server).
        """
        times = [sample.total_s for sample in self.alone if sample.total_s is not None]
        return abs(pvariance(times) / self.alone_s - self.alone_s) / 2

    def unsettled(self, counted_s: float) -> float:
        """What a start may be off by over the time in which a run counted.

        The longer of the mean wait and `unmixed_s`; 0 for a run that ended before it counted.
        """
        return max(self.mean_wait_s, self.unmixed_s) / counted_s if counted_s else 0.0


def run_seconds(slo: Slo, alone_s: float, least_s: float = LEAST_SECONDS) -> float:
    """Default length of a run: long in comparison with its limits and its answers."""
    return max(least_s, LIMITS_PER_RUN * slowest_limit(slo), ANSWERS_PER_RUN * alone_s)


def slowest_limit(slo: Slo) -> float:
    """The longest time that an SLO allows, in seconds; 0 where it limits only gaps."""
    return max(slo.total_s or 0.0, slo.first_token_s or 0.0)


def mean_wait(alone: Sequence[ProbedRequest], slo: Slo, good_share: float) -> float:
    """Mean of the exponential wait, in seconds, at which `good_share` of the requests are good.

    `alone` met an empty server. What is left of the limits is what each could have waited; one
    that missed them alone misses them always.
    """
    slacks = [slack for sample in alone if (slack := _slack(sample, slo)) is not None]
    if not slacks:
        return 0.0
    allowed = (1 - good_share) * len(alone) - (len(alone) - len(slacks))

    def spare(mean: float) -> float:
        return allowed - (sum(math.exp(-slack / mean) for slack in slacks) if mean else 0.0)

    return max(falling_root(spare, 0.0, 10 * max(slacks)), _LEAST_WAIT * fmean(slacks))


def part_mean(number: int, parts: int) -> float:
    """Mean of one part of an exponential distribution with mean 1, cut into equally likely parts.

    `number` counts the parts from 0, the one with the smallest values.

    >>> [round(part_mean(number, 5), 2) for number in range(5)]
    [0.11, 0.36, 0.7, 1.22, 2.61]
    """
    return parts * (_beyond(number / parts) - _beyond((number + 1) / parts))


def _beyond(quantile: float) -> float:
    """Integral of the exponential's quantile function from `quantile` to 1."""
    left = 1 - quantile
    return left * (1 - math.log(left)) if left > 0 else 0.0


def _slack(sample: ProbedRequest, slo: Slo) -> float | None:
    """How long the request could have waited; None where it was not good even so."""
    if not sample.meets(slo):
        return None
    pairs = ((slo.first_token_s, sample.first_token_s), (slo.total_s, sample.total_s))
    left = [limit - value for limit, value in pairs if limit is not None and value is not None]
    return min(left, default=0.0)


WARM_UP_SHARE = 0.1
"""Of a run that another tool made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRun:
    """One run at one rate, as it was measured."""

    rate_per_s: float
    repeat: int
    samples: tuple[ProbedRequest, ...]
    cut: bool = False
    warm_up: int | None = None
    """Requests that do not count; None: a share of them."""
    even: bool = False
    """Requests came more evenly than at random: a queue that production has may be missing."""
    server: ServerLoad | None = None
    gpu: GpuLoad | None = None

    @property
    def settled(self) -> tuple[ProbedRequest, ...]:
        """Without the warm-up: an empty queue flatters the first requests."""
        share = int(len(self.samples) * WARM_UP_SHARE)
        return self.samples[share if self.warm_up is None else self.warm_up :]

    @property
    def counted_s(self) -> float:
        """From the first due time after the warm-up to the last."""
        settled = self.settled
        return settled[-1].due_s - settled[0].due_s if settled else 0.0


def good_share(run: RateRun, slo: Slo) -> float:
    """Share of good requests after the warm-up; of a run that was cut, of those it sent."""
    settled = run.settled
    return sum(sample.meets(slo) for sample in settled) / len(settled) if settled else 0.0


def rate_entry(run: RateRun, slo: Slo) -> RateEntry:
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
