"""What steers a ladder and never decides: prior, dropping, futility, weights, cases needed.

The thresholds were chosen on part A of the real outcomes (`tests/benchmarks/decision`): `steer` and
`look_count` on half of its ladders (every other flagship and task), then tried on the other half,
which moved the slope of `steer`. Other values would keep the error rate and cost more calls or
savings.

The predicted chance of passing takes a normal prior of the difference, the cases seen so far, and
the posterior predictive distribution of the mean at the last look (D. J. Spiegelhalter, L. S.
Freedman and P. R. Blackburn, "Monitoring clinical trials: conditional or predictive power?",
Controlled Clinical Trials 7 (1986) 8-17).

`cases_to_show` works in the normal limit of the test with the variance of the predicted chance, so
that an option with a small chance at a number of cases needs more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from scipy import special

from harness.stats.arrays import Floats, Moments, Numbers

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
    """Steering for a number of independent cases: the fewer, the later an option is stopped.

    Few cases tell little, and asking the rest costs little: below 250 cases an option is stopped
    at a predicted chance of 2 %, from 625 on at 5 %, in proportion between.
    """
    below = min(max(cases / _CASES_AT_ONE, _LEAST_CHANCE), _MOST_CHANCE)
    return Steering(drop_below=below, futile_below=below)


def look_count(cases: int, most: int) -> int:
    """Number of looks for a number of independent cases, `most` at the most.

    Each look spends part of the level, and pays only if there are enough calls to save.

    >>> look_count(100, 5), look_count(320, 5), look_count(2000, 5), look_count(2000, 1)
    (2, 3, 5, 1)
    """
    return min(max(cases // CASES_A_LOOK, FEWEST_LOOKS), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassMark:
    """The test at the last look: its margin, level and number of cases."""

    margin: float
    level: Numbers
    n: Numbers


def predicted_chance(
    seen: Moments, counted: Moments | None, target: PassMark, prior: Prior
) -> Floats:
    """P(the last look passes) given all cases `seen`.

    `counted` are those among them that enter the test; None when none does (a pilot).
    """
    spread, precision = _posterior(seen, prior)
    mean = expected_difference(seen, prior)
    size = np.asarray(target.n, dtype=np.float64)
    done = np.zeros_like(mean) if counted is None else counted.n
    total = np.zeros_like(mean) if counted is None else counted.total
    rest = np.maximum(size - done, 0)
    z = -special.ndtri(np.asarray(target.level, dtype=np.float64))
    null = np.maximum(spread, target.margin * (1 - target.margin))
    needed = size * -target.margin + z * np.sqrt(size * null)
    expected = total + rest * mean
    deviation = np.sqrt(rest**2 / precision + rest * spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(expected == needed, 0.0, (expected - needed) / deviation)
    return np.asarray(special.ndtr(score))


def expected_difference(seen: Moments, prior: Prior) -> Floats:
    """Posterior mean of the difference."""
    spread, precision = _posterior(seen, prior)
    return (prior.mean / prior.deviation**2 + seen.total / spread) / precision


def _posterior(seen: Moments, prior: Prior) -> tuple[Floats, Floats]:
    """Mean square of one difference, and the precision of their mean."""
    spread = (seen.squares + prior.weight * prior.discordance) / (seen.n + prior.weight)
    return spread, 1 / prior.deviation**2 + seen.n / spread


def expected_square(seen: Moments, prior: Prior) -> Floats:
    """Posterior mean square of one difference."""
    return _posterior(seen, prior)[0]


POWER = 0.8
"""Wanted chance that the cases show it, if the assumption holds."""
MOST_CASES = 20_000
_STEP = 10
_LEAST_SPREAD = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An assumed candidate: mean and mean square of its differences; shares."""

    difference: float
    spread: float


def as_measured(seen: Moments) -> Taken:
    """As measured on at least one case; no better than equal."""
    return Taken(
        difference=min(float(seen.total / seen.n), 0.0),
        spread=max(float(seen.squares / seen.n), _LEAST_SPREAD),
    )


def as_believed(seen: Moments, prior: Prior, *, at_most: float) -> Taken:
    """The posterior after a few cases; no better than `at_most`."""
    mean = float(expected_difference(seen, prior))
    return Taken(difference=min(mean, at_most), spread=float(expected_square(seen, prior)))


def cases_to_show(
    taken: Taken, margin: float, level: float, *, inflation: float = 1.0
) -> int | None:
    """Cases needed for a power of 80 %, rounded up to ten; None: over 20,000, or never.

    `inflation` is the number of cases that are worth one independent case of binary scores.

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
    """Cases that were worth one independent case, from the width of a bound on `n` cases.

    >>> inflation_of(0.04, Taken(difference=0.0, spread=0.08), 200, 0.05) > 1.4
    True
    """
    z = -float(special.ndtri(level))
    return max(half_width**2 * n / (z**2 * taken.spread), 1.0)
