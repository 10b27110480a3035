"""Searches the highest arrival rate at which enough requests are good.

1. Roughly, in one repeat with the same arrivals at every rate: the rate rises until it is too high,
   then the bracket is halved (geometrically).
2. Two rates around that crossing are measured in every other repeat, each with its own arrivals and
   its own start. The share of good requests is pooled over the repeats; where it crosses the wanted
   share is the goodput.
3. Rates are added until that crossing, and each one with a repeat left out (jackknife), lies
   between two neighbouring rates, so that it can be interpolated.

`harness.stats.load` says why the share is pooled and how the interval is made: its uncertainty
comes from the repeats, since requests of one run wait for one another. The repeat of step 1 is not
pooled: a lucky run must not both choose the rates and count.

Runs are shorter than a big queue's memory: `probed_requests` says how they start, and the interval
is widened by what that start may have left (`START_WEIGHT`). How often the bounds miss:
`tests/benchmarks/probe/results.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.errors import RightsizeError
from harness.stats.load import Crossing, Outside, find_crossing
from harness.wording import percent

Measure: TypeAlias = "Callable[[float, int], GoodShare]"


ROUGH = 0.25
"""Width of the bracket that the repeats start from."""
GUESS = 0.1
"""A bracket is halved while its width times its fall, both in logarithms, is more."""
START_WEIGHT = 1.5
"""How much of what a run's start may be off by goes into each bound; found by simulation."""
CUT_SHARE = 0.5
"""A run is cut once half of all its requests are misses."""


class NoGoodputError(RightsizeError):
    """No rate that was tried is good enough, or none is too high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodShare:
    """Share of good requests of one run. `cut` when it was ended early, hopelessly behind."""

    good: float
    cut: bool = False
    unsettled: float = 0.0
    """What its start may be off by, over the counted time: the rate shifts by that share."""


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
    share: GoodShare


def find_goodput(measure: Measure, plan: SearchPlan) -> Goodput:
    """Search with `measure(rate, repeat)`.

    Raises:
        NoGoodputError: even the lowest rate is not good, or even the highest is.
    """
    if plan.repeats == 1:
        single = _crossing(measure, plan, 0, plan.tolerance)
        return Goodput(per_s=single, lower_per_s=None, upper_per_s=None)
    roughly = _crossing(measure, plan, plan.rough_repeat, ROUGH)
    return _pooled(measure, plan, roughly)


def _pooled(measure: Measure, plan: SearchPlan, roughly: float) -> Goodput:
    """Measure every repeat at rates around `roughly`, and at more until they hold the crossing."""
    runs: dict[float, list[GoodShare]] = {}
    reach = plan.step
    coming = [roughly / math.sqrt(plan.step), roughly * math.sqrt(plan.step)]
    while True:
        for rate in coming:
            runs[rate] = [measure(rate, repeat) for repeat in range(plan.repeats)]
        rates = sorted(runs)
        shares = [[_share(share) for share in runs[rate]] for rate in rates]
        found = find_crossing(rates, shares, at=plan.good_share, level=plan.level)
        if isinstance(found, Outside):
            rate = rates[0] / reach if found.below else rates[-1] * reach
            reach *= plan.step
            _check_reach(plan, found, rate)
        elif _is_guess(found):
            rate = math.sqrt(found.between[0] * found.between[1])
        else:
            return _with_start(found, runs[found.between[0]])
        coming = [rate]


def _is_guess(found: Crossing) -> bool:
    low, high = found.between
    return math.log(high / low) * found.drop > GUESS


def _with_start(found: Crossing, runs: Sequence[GoodShare]) -> Goodput:
    """The crossing, its interval widened by what the runs' start leaves unknown."""
    factor = math.exp(START_WEIGHT * max(share.unsettled for share in runs))
    return Goodput(
        per_s=found.value,
        lower_per_s=None if found.lower is None else found.lower / factor,
        upper_per_s=None if found.upper is None else found.upper * factor,
    )


def _share(share: GoodShare) -> float:
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
        f"only {percent(high.share.good)} of the requests are good at {high.rate:g} a second: "
        "this model does not meet the SLOs on this machine at any rate"
    )


def _between(low: _Point, high: _Point, good_share: float) -> float:
    """Where the straight line between two rates crosses; the middle where one was cut."""
    drop = low.share.good - high.share.good
    if high.share.cut or drop <= 0:
        return math.sqrt(low.rate * high.rate)
    return low.rate + (high.rate - low.rate) * (low.share.good - good_share) / drop
