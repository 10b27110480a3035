"""What steers a ladder and never decides: prior, dropping, futility, weights.

Chosen on part A of the real outcomes (`tests/benchmarks/decision`): `steer` and `look_count` on
half of its ladders (every other flagship and task), then tried on the other half, which moved the
slope of `steer`. Any other value would keep the promise and cost more calls or savings.
"""

from __future__ import annotations

from dataclasses import dataclass

CASES_A_LOOK = 100
"""Independent cases that pay for another look."""
FEWEST_LOOKS = 2
_CASES_AT_ONE = 12_500
_LEAST_CHANCE, _MOST_CHANCE = 0.02, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed about a candidate before its first case; shares."""

    mean: float = -0.04
    deviation: float = 0.06
    discordance: float = 0.12
    """Expected mean square of a difference, worth `weight` cases."""
    weight: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Thresholds of predicted chance, and the shape of spending.

    `drop_below` ends an option in the pilot, `futile_below` later; an option whose share of
    alpha would be under `least_weight` is dropped, too. `spending` 1 is the O'Brien-Fleming
    type, a smaller one spends a little earlier.
    """

    prior: Prior = Prior()
    drop_below: float = 0.05
    futile_below: float = 0.05
    least_weight: float = 0.02
    spending: float = 0.8


def steer(cases: int) -> Steering:
    """Steering for that many independent cases: the fewer there are, the later one gives up.

    Few cases tell little, and asking the rest of them costs little: below 250 an option is given
    up at a predicted chance of 2 %, from 625 on at 5 %, in proportion between.
    """
    below = min(max(cases / _CASES_AT_ONE, _LEAST_CHANCE), _MOST_CHANCE)
    return Steering(drop_below=below, futile_below=below)


def look_count(cases: int, most: int) -> int:
    """Looks that so many independent cases carry, `most` at the most.

    Each look spends level, and saves calls only where there are calls to save.

    >>> look_count(100, 5), look_count(320, 5), look_count(2000, 5), look_count(2000, 1)
    (2, 3, 5, 1)
    """
    return min(max(cases // CASES_A_LOOK, FEWEST_LOOKS), most)
