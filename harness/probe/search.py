"""The highest arrival rate at which enough requests are good.

Rates rise until one is too high, then the bracket is halved (geometrically). This is repeated, each
repeat with a seed of its own; *within* a repeat every rate replays the same random numbers, so the
share of good requests hardly ever rises with the rate and the bisection finds that repeat's
crossing. The crossings are independent: their mean (of logarithms) is the goodput, and Student's t
over them its interval. Repeats, and not the requests of one run, carry the uncertainty, because
requests in a queue wait for one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import RightsizeError
from harness.stats.clusters import bounds, cluster_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Measure: TypeAlias = "Callable[[float, int], Share]"


class NoGoodputError(RightsizeError):
    """No rate that was tried is good enough, or none is too high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Share of good requests of one run. `cut` when it was ended early, hopelessly behind."""

    good: float
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """Fixed before the first request."""

    first_per_s: float = 1.0
    growth: float = 2.0
    tolerance: float = 0.05
    """Width of the last bracket, as a share of its lower end."""
    repeats: int = 5
    good_share: float = 0.9
    level: float = 0.05
    """Of each bound, one-sided."""
    least_per_s: float = 0.001
    most_per_s: float = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """Requests a second; bounds at the plan's one-sided level, None with a single repeat."""

    per_s: float
    lower_per_s: float | None
    upper_per_s: float | None
    crossings: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    rate: float
    share: Share


def find_goodput(measure: Measure, plan: SearchPlan) -> Goodput:
    """Search with `measure(rate, repeat)`.

    Raises:
        NoGoodputError: even the lowest rate is not good, or even the highest is.
    """
    crossings = [_crossing(measure, plan, 0, plan.first_per_s, plan.growth)]
    near = max(1 + 3 * plan.tolerance, 1.1)
    for repeat in range(1, plan.repeats):
        middle = math.exp(math.fsum(map(math.log, crossings)) / len(crossings))
        crossings.append(_crossing(measure, plan, repeat, middle, near))
    return _goodput(crossings, plan)


def _goodput(crossings: Sequence[float], plan: SearchPlan) -> Goodput:
    logs = [math.log(crossing) for crossing in crossings]
    lower = upper = None
    if len(logs) > 1:
        found = bounds(cluster_mean(logs, range(len(logs))), plan.level)
        lower, upper = math.exp(float(found.lower)), math.exp(float(found.upper))
    return Goodput(
        per_s=math.exp(math.fsum(logs) / len(logs)),
        lower_per_s=lower,
        upper_per_s=upper,
        crossings=tuple(crossings),
    )


def _crossing(measure: Measure, plan: SearchPlan, repeat: int, start: float, step: float) -> float:
    """Bracket the crossing of one repeat from `start`, then halve the bracket."""
    here = _Point(start, measure(start, repeat))
    if here.share.good >= plan.good_share:
        low, high = _climb(measure, plan, repeat, here, step)
    else:
        low, high = _descend(measure, plan, repeat, here, step)
    while high.rate > low.rate * (1 + plan.tolerance):
        rate = math.sqrt(low.rate * high.rate)
        middle = _Point(rate, measure(rate, repeat))
        if middle.share.good >= plan.good_share:
            low = middle
        else:
            high = middle
    return _between(low, high, plan.good_share)


def _climb(
    measure: Measure, plan: SearchPlan, repeat: int, low: _Point, step: float
) -> tuple[_Point, _Point]:
    while low.rate < plan.most_per_s:
        rate = low.rate * step
        point = _Point(rate, measure(rate, repeat))
        if point.share.good < plan.good_share:
            return low, point
        low = point
    raise NoGoodputError(
        f"still good at {low.rate:g} requests a second: the client is the limit, not the model"
    )


def _descend(
    measure: Measure, plan: SearchPlan, repeat: int, high: _Point, step: float
) -> tuple[_Point, _Point]:
    while high.rate > plan.least_per_s:
        rate = high.rate / step
        point = _Point(rate, measure(rate, repeat))
        if point.share.good >= plan.good_share:
            return point, high
        high = point
    raise NoGoodputError(
        f"only {high.share.good:.0%} of the requests are good at {high.rate:g} a second: "
        "this model does not meet the SLOs on this machine at any rate"
    )


def _between(low: _Point, high: _Point, good_share: float) -> float:
    """Where the straight line between two rates crosses; the middle where one was cut."""
    drop = low.share.good - high.share.good
    if high.share.cut or drop <= 0:
        return math.sqrt(low.rate * high.rate)
    return low.rate + (high.rate - low.rate) * (low.share.good - good_share) / drop
