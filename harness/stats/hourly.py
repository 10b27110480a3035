"""Hours that stand out of a week: held against the same hours of the weeks before.

The expected week is the mean of the earlier weeks hour by hour, the largest left out, steadied by
the shares of the hours of a day, at the level that the latest week and the growth between weeks
give. What is over it is divided by the spread
that the earlier weeks show at such a level (it grows with the square root of the level, as counts
do) and added up: an alarm is a sum (CUSUM, E. S. Page, Biometrika 41, 1954) above its limit, and
its first bad hour is where that sum left zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

HOURS_A_WEEK = 168
FEWEST_WEEKS = 3
MOST_WEEKS = 6
"""Earlier weeks that a week is held against."""
_LIMIT = 12.0
_SLACK = 1.0
_MOST = 20.0
"""What one hour can add: one alone is an alarm."""
_LEVEL = 0.1
"""A week may lie so much above the expected level without any alarm, or twice what weeks do."""
_GROWTH = (0.9, 1.15)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Hours of the week from `first` to `last`, what they came to and what was expected."""

    first: int
    last: int
    seen: float
    expected: float


def alarms(now: Sequence[float], past: Sequence[Sequence[float]]) -> tuple[Alarm, ...]:
    """What stands out above the expected, in order.

    Args:
        now: up to 168 values from Monday 0:00 on.
        past: the weeks before, oldest first, 168 values each; under three, nothing is known.
    """
    if len(past) < FEWEST_WEEKS or not now:
        return ()
    weeks = np.asarray(past[-MOST_WEEKS:], dtype=float)
    count = len(weeks)
    usual = _usual(weeks)
    levels = _levels(weeks, usual)
    steps = np.clip(levels[1:] / levels[:-1], *_GROWTH)
    level = levels[-1] * float(np.median(steps))
    wobble = float(np.std(np.log(levels[1:] / levels[:-1])))
    least = 0.25 * usual.mean()
    fitted = levels[:, None] * usual
    spread = _spread(np.abs(weeks - fitted) / np.sqrt(fitted + least)) * count / (count - 1)
    seen = np.asarray(now, dtype=float)
    expected = level * usual[: len(seen)]
    bound = expected * (1 + max(_LEVEL, 2 * min(wobble, 1.0)))
    over = (seen - bound) / (spread * np.sqrt(bound + least))
    return tuple(_runs(np.minimum(over, _MOST), seen, expected))


def _usual(weeks: np.ndarray) -> np.ndarray:
    """Half each hour's mean, the largest left out, half its day's median by the shares of hours.

    The second half is of use where calls are few: most hours have none.
    """
    own = (weeks.sum(axis=0) - weeks.max(axis=0)) / (len(weeks) - 1)
    days = weeks.reshape(len(weeks), 7, 24)
    whole = float(days.sum())
    if not whole:
        return np.full(HOURS_A_WEEK, 1e-9)
    shares = days.sum(axis=(0, 1)) / whole
    shared = np.outer(np.median(days.sum(axis=2), axis=0), shares).ravel()
    found = (own + shared) / 2
    return found if found.any() else np.full(HOURS_A_WEEK, weeks.mean())


def _spread(off: np.ndarray) -> float:
    """By the 95th percentile, and by the mean square of all but the largest fiftieth."""
    most = np.sort(off, axis=None)[: -max(off.size // 50, 1)]
    return max(float(np.quantile(off, 0.95)) / 1.96, float(np.sqrt(np.mean(most**2))), 1e-9)


def _levels(weeks: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Each week over the usual one: the median of its days, so that a bad day changes nothing."""
    days = usual.reshape(7, 24).sum(axis=1)
    some = days > 0
    ratios = weeks.reshape(len(weeks), 7, 24).sum(axis=2)[:, some] / days[some]
    return np.maximum(np.median(ratios, axis=1), 0.05)


def _runs(over: np.ndarray, seen: np.ndarray, expected: np.ndarray) -> Iterator[Alarm]:
    """Each run of the sum from zero to its peak, where that is above the limit."""
    total, start, peak, top = 0.0, 0, 0, 0.0
    for at, value in enumerate([*over.tolist(), -np.inf]):
        start = at if total == 0 else start
        total = max(0.0, total + value - _SLACK)
        if total > top:
            top, peak = total, at
        if total == 0 or total < top - _LIMIT:
            if top > _LIMIT:
                hours = slice(start, peak + 1)
                yield Alarm(start, peak, float(seen[hours].sum()), float(expected[hours].sum()))
            total, top = 0.0, 0.0
