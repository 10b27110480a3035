"""What repeats show: variance between and within cases, and the noise floor of a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from harness.stats.arrays import Floats, Numbers

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Variances of a score: `between` cases, `within` a case over its repeats.

    Unbiased (one-way analysis of variance), so `between` may come out as 0 when repeats differ
    as much as cases do.
    """

    between: float
    within: float
    cases: int
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """An arm against itself: half of its repeats beside the other half, case by case.

    `disagreement` is the share of cases whose two repeats differ; `difference` the mean of one
    minus the other with its standard `error`: a swap cannot be told from noise below it.
    """

    disagreement: float
    difference: float
    error: float
    cases: int


def spread(scores: Numbers) -> Spread | None:
    """Between- and within-case variance of scores (cases, repeats); None without repeats.

    >>> found = spread([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    >>> round(found.within, 3), round(found.between, 3)
    (0.167, 0.167)
    """
    values = _complete(scores)
    cases, repeats = values.shape
    if cases < _FEWEST or repeats < _FEWEST:
        return None
    within = float(values.var(axis=1, ddof=1).mean())
    means = float(values.mean(axis=1).var(ddof=1))
    return Spread(
        between=max(means - within / repeats, 0.0), within=within, cases=cases, repeats=repeats
    )


def noise_floor(scores: Numbers) -> NoiseFloor | None:
    """A/A comparison of the first two repeats of one arm; None without repeats."""
    values = _complete(np.atleast_2d(np.asarray(scores, dtype=np.float64))[:, :_FEWEST])
    cases, repeats = values.shape
    if cases < _FEWEST or repeats < _FEWEST:
        return None
    differences = values[:, 1] - values[:, 0]
    return NoiseFloor(
        disagreement=float((differences != 0).mean()),
        difference=float(differences.mean()),
        error=float(differences.std(ddof=1) / np.sqrt(cases)),
        cases=cases,
    )


def _complete(scores: Numbers) -> Floats:
    """Cases all of whose repeats have a score."""
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    return values[~np.isnan(values).any(axis=1)]
