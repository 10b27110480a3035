"""Predicted chance of passing: it steers what is asked, and never decides.

A normal prior of the difference, the cases seen so far, and the posterior predictive
distribution of the mean at the last look (D. J. Spiegelhalter, L. S. Freedman and
P. R. Blackburn, "Monitoring clinical trials: conditional or predictive power?", Controlled
Clinical Trials 7 (1986) 8-17).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from harness.stats.arrays import Floats, Numbers
    from harness.stats.moments import Moments
    from harness.stats.steering import Prior


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What has to be passed: the margin, the level of the last look, its number of cases."""

    margin: float
    level: Numbers
    n: Numbers


def predicted_chance(
    seen: Moments, counted: Moments | None, target: Target, prior: Prior
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
    """Mean square of one difference, as it is believed to be."""
    return _posterior(seen, prior)[0]
