"""Queues whose share of prompt answers is known in closed form, simulated in virtual time.

Service is exponential (M/M/c) or constant (M/D/1). Sojourn-time tails: M/M/c from any textbook
(Erlang C plus the sum of two exponentials); M/D/1 by Crommelin's alternating series for the waiting
time, G. D. Crommelin (1932), evaluated in exact rational arithmetic.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from harness.probe.arrivals import arrivals
from harness.probe.probing import queue_at_start
from harness.probe.samples import Sample, Slo
from harness.probe.search import Share


@dataclass(frozen=True, kw_only=True)
class Queue:
    servers: int
    service_s: float
    limit_s: float
    """A request is good when it is answered so soon after its arrival."""
    constant: bool = False

    def good_share(self, rate: float) -> float:
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

    def measure(self, rate: float, repeat: int, *, requests: int, warm_up: float = 0.1) -> Share:
        """A run as the probe does it, with so many requests already there when it starts."""
        services = Random(2 * repeat + 1)
        alone = self._service(services)
        before = min(self._before(rate, alone), requests)
        due = (*[0.0] * before, *arrivals(rate, requests, Random(2 * repeat)))
        free = [0.0] * self.servers
        good = 0
        skipped = before + int(requests * warm_up)
        for number, at in enumerate(due):
            done = max(at, heapq.heappop(free)) + self._service(services)
            heapq.heappush(free, done)
            good += number >= skipped and done - at <= self.limit_s
        return Share(good=good / (len(due) - skipped))

    def _before(self, rate: float, alone_s: float) -> int:
        alone = Sample(due_s=0.0, first_token_s=alone_s, total_s=alone_s)
        return queue_at_start(rate, alone, Slo(total_s=self.limit_s))

    def _service(self, rng: Random) -> float:
        return self.service_s * (1.0 if self.constant else rng.expovariate(1.0))

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


def _erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival waits."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))
