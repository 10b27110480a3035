"""Queues whose share of prompt answers is known, simulated in virtual time.

Service is exponential (M/M/c) or constant (M/D/1), both in closed form; or of any spread on any
number of servers, by a long simulation (`simulated_goodput`). Sojourn-time tails: M/M/c from any
textbook (Erlang C plus the sum of two exponentials); M/D/1 by Crommelin's alternating series for
the waiting time, G. D. Crommelin (1932), evaluated in exact rational arithmetic.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from harness.ask.probe.probed_requests import ProbedRequest, RunShape, Slo, Starts, run_seconds
from harness.ask.probe.probing import ALONE, arrivals
from harness.ask.probe.search import CUT_SHARE, GoodShare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, kw_only=True)
class Queue:
    servers: int
    service_s: float
    limit_s: float
    """A request is good when it is answered so soon after its arrival."""
    constant: bool = False
    sigma: float | None = None
    """Of the logarithm of a lognormal service time; None: exponential, or constant."""

    def good_share(self, rate: float) -> float:
        assert self.sigma is None
        return self._constant(rate) if self.constant else self._exponential(rate)

    def goodput(self, share: float = 0.9) -> float:
        low, high = 0.0, self.servers / self.service_s
        for _ in range(60):
            middle = (low + high) / 2
            if self.good_share(middle) >= share:
                low = middle
            else:
                high = middle
        return low

    def simulated_goodput(self, requests: int, share: float = 0.9) -> float:
        """By bisection with the same random numbers at every rate."""
        low, high = 0.0, self.servers / self.service_s
        for _ in range(12):
            middle = (low + high) / 2
            if self.measure(middle, 1, requests=requests).good >= share:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    def measure(self, rate: float, seed: int, *, requests: int) -> GoodShare:
        """A run from an empty queue, without its first tenth."""
        shape = RunShape(at_once=0, warm_up=requests // 10, inside=0, counted=requests)
        good, _ = self.run(rate, shape, seed)
        return GoodShare(good=good)

    def run(self, rate: float, shape: RunShape, seed: int) -> tuple[float, int]:
        """Share of good requests among those that count, and how many were sent in all."""
        most = shape.at_once + shape.arriving + shape.inside
        times = iter(self.services(Random(2 * seed + 1), most))
        coming = arrivals(rate, shape.arriving, Random(2 * seed))
        free = [0.0] * self.servers
        early = _ends(free, (*[0.0] * shape.at_once, *coming[: shape.warm_up]), times)
        now = coming[shape.warm_up]
        lacking = max(shape.inside - sum(done > now for done in early), 0)
        _ends(free, [now] * lacking, times)
        counted = coming[shape.warm_up :]
        ends = _ends(free, counted, times)
        good = sum(done - at <= self.limit_s for at, done in zip(counted, ends, strict=True))
        return good / shape.counted, shape.at_once + shape.arriving + lacking

    def services(self, rng: Random, count: int) -> list[float]:
        if self.constant:
            return [self.service_s] * count
        if self.sigma is not None:
            mu = math.log(self.service_s) - self.sigma**2 / 2
            return [rng.lognormvariate(mu, self.sigma) for _ in range(count)]
        # No call of ours per request: coverage, where it is measured, makes them dear.
        draw, log, mean = rng.random, math.log, self.service_s
        return [-log(1 - draw()) * mean for _ in range(count)]

    def _exponential(self, rate: float) -> float:
        mu, c, t = 1 / self.service_s, self.servers, self.limit_s
        if rate >= c * mu:
            return 0.0
        load = rate / mu
        waits = _erlang_c(load, c)
        drain = c * mu - rate
        own = math.exp(-mu * t)
        if math.isclose(drain, mu):
            late = own * (1 + waits * mu * t)
        else:
            late = own + waits * mu / (mu - drain) * (math.exp(-drain * t) - own)
        return 1 - late

    def _constant(self, rate: float) -> float:
        """P(wait <= t) = (1 - r) sum_k (-x_k)^k / k! exp(x_k), x_k = rate (t - k D), k <= t / D."""
        wait = self.limit_s - self.service_s
        if rate * self.service_s >= 1 or wait < 0:
            return 0.0
        total = Fraction(0)
        for k in range(int(wait / self.service_s) + 1):
            x = Fraction(rate) * (Fraction(wait) - k * Fraction(self.service_s))
            # exp(x) as a series: floats would cancel to nothing.
            term, power, n = Fraction(0), Fraction(1), 0
            while n < 8 or power > Fraction(1, 10**25):
                term += power
                n += 1
                power = (power * x / n).limit_denominator(10**40)
            total += (-x) ** k / math.factorial(k) * term
        return float((1 - Fraction(rate) * Fraction(self.service_s)) * total)


def _ends(free: list[float], arriving: Sequence[float], times: Iterator[float]) -> list[float]:
    """When requests end, first come first served; `free`, when each server is, goes on."""
    ends: list[float] = []
    for at in arriving:
        done = max(at, free[0]) + next(times)
        heapq.heapreplace(free, done)
        ends.append(done)
    return ends


def _erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival waits."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(kw_only=True)
class VirtualProbe:
    """Measures a queue as `rightsize probe` measures a server, in no time."""

    queue: Queue
    seed: int
    requests: int
    """Fewest of a run."""
    repeats: int = 5
    seconds: float | None = None
    """Length of a run; None: as long as the probe chooses."""
    least_s: float = 0.0
    """Least length of a run whose `seconds` are not given."""
    runs: int = 0
    sent: int = 0
    lasted_s: float = 0.0
    starts: Starts = field(init=False)

    def __post_init__(self) -> None:
        slo = Slo(total_s=self.queue.limit_s)
        self.starts = Starts(slo=slo, good_share=0.9, repeats=self.repeats)
        rng = Random(f"{self.seed}/alone")
        times = self.queue.services(rng, ALONE)
        self.starts.alone.extend(ProbedRequest(due_s=0, first_token_s=t, total_s=t) for t in times)
        self.sent += ALONE
        self.lasted_s += sum(times)

    def measure(self, rate: float, repeat: int) -> GoodShare:
        seconds = self.seconds
        if seconds is None:
            seconds = run_seconds(self.starts.slo, self.starts.alone_s, self.least_s)
        part = 0.5 if repeat == self.repeats else 1.0
        count = max(self.requests, round(part * rate * seconds))
        shape = self.starts.shape(rate, repeat, count)
        good, sent = self.queue.run(rate, shape, 1000 * self.seed + repeat)
        self.runs += 1
        self.sent += sent
        self.lasted_s += shape.arriving / rate
        unsettled = self.starts.unsettled(shape.counted / rate)
        return GoodShare(good=good, cut=good < CUT_SHARE, unsettled=unsettled)
