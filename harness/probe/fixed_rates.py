"""Goodput from runs whose rates somebody else chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.probe.search import Goodput, NoGoodputError, SearchPlan
from harness.probe.settling import LIMITS_PER_RUN, slowest_limit
from harness.wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.probe.samples import Slo
    from harness.probe.summary import Run


def goodput_of_rates(points: Sequence[tuple[float, float]], plan: SearchPlan) -> Goodput:
    """Where the share of good requests falls below the plan's, between two rates.

    `points` are (rate, share of good requests). The lowest rate that is not good ends the search:
    a good one above it is luck. There is no interval: nothing was repeated. When every rate is
    good the highest is the answer, and no upper bound is known.

    Raises:
        NoGoodputError: not even the lowest rate is good.
    """
    good: tuple[float, float] | None = None
    for rate, share in sorted(points):
        if share < plan.good_share:
            return _result(_crossing(good, (rate, share), plan.good_share))
        good = (rate, share)
    if good is None:
        raise NoGoodputError("there is no run")
    return _result(good[0])


def doubts(runs: Sequence[Run], slo: Slo) -> tuple[str, ...]:
    """What makes such a goodput too high, a line each: short runs, and even arrivals."""
    lines: list[str] = []
    wanted_s = LIMITS_PER_RUN * slowest_limit(slo)
    short = [run for run in runs if run.counted_s < wanted_s]
    if short:
        lines.append(
            f"{len(short)} of {len(runs)} runs count less than {wanted_s:.3g} s "
            f"({LIMITS_PER_RUN} limits): a queue that has not filled yet makes a rate look good"
        )
    if any(run.even for run in runs):
        lines.append("requests arrived more evenly than at random: production's queue is longer")
    return tuple(lines)


def _crossing(good: tuple[float, float] | None, bad: tuple[float, float], share: float) -> float:
    if good is None:
        raise NoGoodputError(
            f"only {percent(bad[1])} of the requests are good at the lowest rate, {bad[0]:g} a "
            "second; measure lower ones"
        )
    return good[0] + (bad[0] - good[0]) * (good[1] - share) / (good[1] - bad[1])


def _result(per_s: float) -> Goodput:
    return Goodput(per_s=per_s, lower_per_s=None, upper_per_s=None)
