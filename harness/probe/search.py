"""The highest arrival rate at which enough requests are good.

First roughly: rates rise until one is too high, then the bracket is halved (geometrically), in one
repeat, whose arrivals are the same at every rate. Then a few rates around that crossing are
measured in every repeat, each with arrivals of its own, and the crossing of the share *pooled* over
the repeats is the goodput; more rates are added until it, and that of the others without any one
repeat, lies between two of them. `harness.stats.crossing` says why pooled, and whence the interval.
Repeats, and not the requests of one run, carry the uncertainty, because requests in a queue wait
for one another.

Runs of 1,000 requests bound a queue of one or two servers at their level; one of 16 that is 95 %
full takes longer to settle than such a run lasts: found 1 % too high (3 % at 400 requests, 7 % at
120), its lower bound misses in 18 % (`tests/benchmarks/probe/results.md`). Longer runs bring the
rate nearer (`rightsize probe --seconds`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import RightsizeError
from harness.stats.crossing import Crossing, Outside, find_crossing

if TYPE_CHECKING:
    from collections.abc import Callable

    Measure: TypeAlias = "Callable[[float, int], Share]"


ROUGH = 0.25
"""Width of the bracket that the repeats start from."""
CUT_SHARE = 0.5
"""A run is cut once half of all its requests are misses."""


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
    """Width of the last bracket of a single repeat, as a share of its lower end."""
    step: float = 1.15
    """Between the rates that every repeat measures."""
    repeats: int = 5
    """With one there is no interval."""
    good_share: float = 0.9
    level: float = 0.05
    """Of each bound, one-sided."""
    least_per_s: float = 0.001
    most_per_s: float = 10_000.0

    @property
    def rough_repeat(self) -> int:
        """Number of the repeat that finds where the others measure."""
        return self.repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """Requests a second; bounds at the plan's one-sided level, None with a single repeat."""

    per_s: float
    lower_per_s: float | None
    upper_per_s: float | None


@dataclass(frozen=True, slots=True)
class _Point:
    rate: float
    share: Share


def find_goodput(measure: Measure, plan: SearchPlan) -> Goodput:
    """Search with `measure(rate, repeat)`.

    Raises:
        NoGoodputError: even the lowest rate is not good, or even the highest is.
    """
    if plan.repeats == 1:
        single = _crossing(measure, plan, 0, plan.tolerance)
        return Goodput(per_s=single, lower_per_s=None, upper_per_s=None)
    roughly = _crossing(measure, plan, plan.rough_repeat, ROUGH)
    found = _pooled(measure, plan, roughly)
    return Goodput(per_s=found.value, lower_per_s=found.lower, upper_per_s=found.upper)


def _pooled(measure: Measure, plan: SearchPlan, roughly: float) -> Crossing:
    """Measure every repeat at rates around `roughly`, and at more until they hold the crossing."""
    repeats = range(plan.repeats)

    def at(rate: float) -> list[float]:
        return [_share(measure(rate, repeat)) for repeat in repeats]

    shares = {rate: at(rate) for rate in (roughly / plan.step, roughly, roughly * plan.step)}
    while True:
        rates = sorted(shares)
        found = find_crossing(
            rates, [shares[rate] for rate in rates], at=plan.good_share, level=plan.level
        )
        if isinstance(found, Crossing):
            return found
        rate = rates[0] / plan.step if found.below else rates[-1] * plan.step
        _check_reach(plan, found, rate)
        shares[rate] = at(rate)


def _share(share: Share) -> float:
    """What was good; of a run that was cut, at most what its end says."""
    return min(share.good, CUT_SHARE) if share.cut else share.good


def _check_reach(plan: SearchPlan, found: Outside, rate: float) -> None:
    if found.below and rate < plan.least_per_s:
        raise NoGoodputError(f"not good at {rate:g} requests a second, and that is the least tried")
    if not found.below and rate > plan.most_per_s:
        raise NoGoodputError(
            f"still good at {rate:g} requests a second: the client is the limit, not the model"
        )


def _crossing(measure: Measure, plan: SearchPlan, repeat: int, tolerance: float) -> float:
    """Bracket the crossing of one repeat, then halve the bracket."""
    start = plan.first_per_s
    here = _Point(start, measure(start, repeat))
    if here.share.good >= plan.good_share:
        low, high = _climb(measure, plan, repeat, here, plan.growth)
    else:
        low, high = _descend(measure, plan, repeat, here, plan.growth)
    while high.rate > low.rate * (1 + tolerance):
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
