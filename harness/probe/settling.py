"""How a run starts, so that a short one sees what an endless one would.

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
is right. What is still unknown of it goes into the interval: `harness.probe.search.START_WEIGHT`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean, pvariance
from typing import TYPE_CHECKING

from harness.stats.roots import falling_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.probe.samples import Sample, Slo

WARM_UP_LIMITS = 3
WARM_UP_ANSWERS = 8
"""A run counts after the longer of these: the requests in service are then as mixed as later."""
WARM_UP_SHARES = (0.1, 0.25)
"""Of a run's requests, the least and the most that do not count."""
LIMITS_PER_RUN = 12
"""A run lasts so many limits: a rate some per cent too high needs them to push a queue over."""
ANSWERS_PER_RUN = 30
"""And so many answers: until the requests in service are as mixed as later, and then some."""
LEAST_SECONDS = 60.0
"""And so long: the rate must show."""
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
    alone: list[Sample] = field(default_factory=list)
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
    """Length of a run where none is given: long beside its limits and its answers."""
    return max(least_s, LIMITS_PER_RUN * slowest_limit(slo), ANSWERS_PER_RUN * alone_s)


def slowest_limit(slo: Slo) -> float:
    """The longest time that an SLO allows, in seconds; 0 where it limits only gaps."""
    return max(slo.total_s or 0.0, slo.first_token_s or 0.0)


def mean_wait(alone: Sequence[Sample], slo: Slo, good_share: float) -> float:
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
    """Mean of the `number`-th of so many equally likely parts of an exponential of mean 1.

    >>> [round(part_mean(number, 5), 2) for number in range(5)]
    [0.11, 0.36, 0.7, 1.22, 2.61]
    """
    return parts * (_beyond(number / parts) - _beyond((number + 1) / parts))


def _beyond(quantile: float) -> float:
    """Integral of the exponential's quantile function from `quantile` to 1."""
    left = 1 - quantile
    return left * (1 - math.log(left)) if left > 0 else 0.0


def _slack(sample: Sample, slo: Slo) -> float | None:
    """How long the request could have waited; None where it was not good even so."""
    if not sample.meets(slo):
        return None
    pairs = ((slo.first_token_s, sample.first_token_s), (slo.total_s, sample.total_s))
    left = [limit - value for limit, value in pairs if limit is not None and value is not None]
    return min(left, default=0.0)
