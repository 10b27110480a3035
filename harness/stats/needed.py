"""How many cases it takes to show a candidate within the margin, taken as it was seen.

In the normal limit of the test, with the very variance that the predicted chance takes, so that
an option whose chance is small on so many cases needs more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

from scipy import special

from harness.stats.chance import expected_difference, expected_square

if TYPE_CHECKING:
    from harness.stats.moments import Moments
    from harness.stats.steering import Prior

POWER = 0.8
"""Chance that the cases then show it, if it is as it was taken to be."""
MOST_CASES = 20_000
_STEP = 10
_LEAST_SPREAD = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a candidate is taken to be: mean difference and mean square of one; shares."""

    difference: float
    spread: float


def as_measured(seen: Moments) -> Taken:
    """As it was on the cases seen, of which there are some; no better than equal."""
    return Taken(
        difference=min(float(seen.total / seen.n), 0.0),
        spread=max(float(seen.squares / seen.n), _LEAST_SPREAD),
    )


def as_believed(seen: Moments, prior: Prior, *, at_most: float) -> Taken:
    """As it is believed to be after a few cases; no better than `at_most`."""
    mean = float(expected_difference(seen, prior))
    return Taken(difference=min(mean, at_most), spread=float(expected_square(seen, prior)))


def cases_to_show(
    taken: Taken, margin: float, level: float, *, inflation: float = 1.0
) -> int | None:
    """Cases, to the next ten, for four chances in five; None: beyond 20,000, or no number.

    `inflation` says how many cases are worth one independent case of binary scores.

    >>> cases_to_show(Taken(difference=0.0, spread=0.08), 0.05, 0.05)
    200
    """
    room = taken.difference + margin
    if room <= 0:
        return None
    null = max(taken.spread, margin * (1 - margin))
    z, power = -float(special.ndtri(level)), float(special.ndtri(POWER))
    needed = inflation * ((z * sqrt(null) + power * sqrt(taken.spread)) / room) ** 2
    return None if needed > MOST_CASES else _STEP * ceil(needed / _STEP)


def inflation_of(half_width: float, taken: Taken, n: int, level: float) -> float:
    """Cases that were worth one independent case, by the bound that a test reached on `n` of them.

    >>> inflation_of(0.04, Taken(difference=0.0, spread=0.08), 200, 0.05) > 1.4
    True
    """
    z = -float(special.ndtri(level))
    return max(half_width**2 * n / (z**2 * taken.spread), 1.0)
