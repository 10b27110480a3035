"""How often a model is right when it says how sure it is.

One number, the sharpness, maps what a model says to how often it is right: on the scale of log odds
it is multiplied (temperature scaling, Guo et al. 2017, "On calibration of modern neural networks",
with sharpness = 1 / temperature). It is fitted by the likelihood of the answers seen, under a prior
that takes the model at its word, so that a few answers move it a little and no number of right ones
moves it without end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

PRIOR_SD = 0.5
"""Of the logarithm of the sharpness: 2 in 3 models lie within a factor of 1.65 of their word."""
_NEAREST = 1e-6
"""Nothing is taken to be surer than this."""
_WIDEST = 3.0
_PLACES = 4


def log_odds(probability: float) -> float:
    """Of a probability, kept away from 0 and 1."""
    kept = min(max(probability, _NEAREST), 1 - _NEAREST)
    return math.log(kept / (1 - kept))


def chance_of(odds: float) -> float:
    """The probability that has these log odds.

    >>> round(chance_of(log_odds(0.9)), 6)
    0.9
    """
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


def sharpness(said: Sequence[float], right: Sequence[float]) -> float:
    """The factor on the log odds of what was said that fits how right the answers were.

    Above 1 the model is surer than it says, below 1 less sure. `right` are scores in [0, 1].
    """
    odds = [log_odds(one) for one in said]

    def loss(log_factor: float) -> float:
        factor = math.exp(log_factor)
        fit = sum(
            _softplus(factor * one) - score * factor * one
            for one, score in zip(odds, right, strict=True)
        )
        return fit + log_factor**2 / (2 * PRIOR_SD**2)

    if not odds:
        return 1.0
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  # heavy, and only for what is sure

    found = minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded")
    return math.exp(float(found.x))


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


def least_said(wanted: float, factor: float) -> float:
    """The least probability that a model must tell for its answer to be right that often.

    It is rounded up to four places, so that rounding keeps no further answer, and never 0.

    >>> least_said(0.9, 1.0), least_said(0.9, 0.5), least_said(0.9, 2.0), least_said(0.05, 0.2)
    (0.9, 0.9879, 0.75, 0.0001)
    """
    exact = chance_of(log_odds(wanted) / factor)
    rounded = math.ceil(round(exact * 10**_PLACES, 6)) / 10**_PLACES
    return min(max(rounded, 10.0**-_PLACES), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidBin:
    """Answers that were given about equally sure; means in [0, 1]."""

    low: float
    high: float
    n: int
    said: float
    right: float
    squared_error: float
    """Mean squared difference of what was said and how right it was: the bin's Brier score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A calibration curve, and what it sums up to."""

    bins: tuple[SaidBin, ...]
    brier: float
    """Mean squared error (Brier 1950): 0 is best, always saying one half has 0.25."""
    gap: float
    """Mean difference between said and right, by bin (expected calibration error)."""


EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Ends of the bins; each holds its lower end, the last one both."""


def curve(said: Sequence[float], right: Sequence[float]) -> Curve | None:
    """The calibration curve of answers; None without any."""
    pairs = list(zip(said, right, strict=True))
    if not pairs:
        return None
    bins = [
        _bin(low, high, kept)
        for low, high in pairwise(EDGES)
        if (kept := [pair for pair in pairs if _within(pair[0], low, high)])
    ]
    count = len(pairs)
    return Curve(
        bins=tuple(bins),
        brier=sum(one.squared_error * one.n for one in bins) / count,
        gap=sum(abs(one.said - one.right) * one.n for one in bins) / count,
    )


def _within(value: float, low: float, high: float) -> bool:
    return low <= value < high or value == high == EDGES[-1]


def _bin(low: float, high: float, pairs: Sequence[tuple[float, float]]) -> SaidBin:
    count = len(pairs)
    return SaidBin(
        low=low,
        high=high,
        n=count,
        said=math.fsum(said for said, _ in pairs) / count,
        right=math.fsum(right for _, right in pairs) / count,
        squared_error=math.fsum((said - right) ** 2 for said, right in pairs) / count,
    )
