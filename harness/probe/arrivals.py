"""When requests are due: a Poisson process, reproducible."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def arrivals(rate_per_s: float, count: int, rng: Random) -> tuple[float, ...]:
    """Due times of `count` requests, in seconds since the start.

    With the same random numbers, twice the rate is the same pattern in half the time.
    """
    due = 0.0
    times: list[float] = []
    for _ in range(count):
        due += rng.expovariate(1.0) / rate_per_s
        times.append(due)
    return tuple(times)
