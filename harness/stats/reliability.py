"""How far repeats and labellers agree: Cohen's kappa, score variance, and an arm against itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.stats.arrays import Floats, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement of two labellers on the same `n` cases; 1 is perfect, 0 is chance.

    `value`, `lower` and `upper` are None if there is only one label: chance then always agrees.
    """

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    agreed: int
    confidence: float


def cohen_kappa(first: Sequence[str], second: Sequence[str], *, confidence: float = 0.95) -> Kappa:
    """Cohen's kappa of two parallel lists of labels, two-sided interval, clipped to [-1, 1].

    The standard error is that of Fleiss, Cohen and Everitt (1969), for a kappa that is not 0.
    With perfect agreement it is 0; the lower end then comes from the rule of three: 3/n of the
    cases could still differ.

    Raises:
        ValueError: the lists are empty or differ in length.

    >>> found = cohen_kappa(["a"] * 10 + ["b"] * 10, ["a"] * 9 + ["b"] * 11)
    >>> round(found.value, 3), found.agreed
    (0.9, 19)
    """
    n = len(first)
    if n == 0 or len(second) != n:
        raise ValueError(f"need two lists of one length, got {n} and {len(second)}")
    joint = Counter(zip(first, second, strict=True))
    rows, columns = Counter(first), Counter(second)
    agreed = sum(count for (one, other), count in joint.items() if one == other)
    by_chance = sum(rows[label] * columns[label] for label in rows) / n**2
    if by_chance == 1:
        return Kappa(value=None, lower=None, upper=None, n=n, agreed=agreed, confidence=confidence)
    observed = agreed / n
    value = (observed - by_chance) / (1 - by_chance)
    z = float(-special.ndtri((1 - confidence) / 2))
    half = z * _standard_error(joint, (rows, columns), (observed, by_chance), n)
    lower = 1 - 3 / n / (1 - by_chance) if agreed == n else value - half
    return Kappa(
        value=value,
        lower=max(lower, -1.0),
        upper=min(value + half, 1.0),
        n=n,
        agreed=agreed,
        confidence=confidence,
    )


def share_lower(agreed: int, n: int, *, confidence: float = 0.95) -> float:
    """One-sided lower bound of a share by Clopper and Pearson (1934): never below its level.

    Raises:
        ValueError: `n` is 0, or `agreed` is not between 0 and `n`.

    >>> round(share_lower(55, 60), 3)
    0.833
    """
    if not 0 <= agreed <= n or n == 0:
        raise ValueError(f"need 0 <= agreed <= n and n > 0, got {agreed} of {n}")
    return float(special.betaincinv(agreed, n - agreed + 1, 1 - confidence)) if agreed else 0.0


def _standard_error(
    joint: Counter[tuple[str, str]],
    margins: tuple[Counter[str], Counter[str]],
    shares: tuple[float, float],
    n: int,
) -> float:
    (rows, columns), (observed, chance) = margins, shares
    kappa = (observed - chance) / (1 - chance)
    same = sum(
        joint[label, label] / n * (1 - (rows[label] + columns[label]) / n * (1 - kappa)) ** 2
        for label in set(rows) | set(columns)
    )
    other = (1 - kappa) ** 2 * sum(
        count / n * ((columns[one] + rows[two]) / n) ** 2
        for (one, two), count in joint.items()
        if one != two
    )
    variance = same + other - (kappa - chance * (1 - kappa)) ** 2
    return math.sqrt(max(variance, 0.0) / n) / (1 - chance)


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
    mean: float
    """Over all answers."""
    every: float | None
    """Share of the cases on which every repeat is right (pass^k, k the repeats); None: graded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """Two repeats of one arm compared case by case.

    `disagreement` is the share of cases whose two repeats differ; `difference` is the mean of the
    second minus the first, with its standard `error`: a smaller effect is noise.
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
    graded = bool(((values != 0) & (values != 1)).any())
    return Spread(
        between=max(means - within / repeats, 0.0),
        within=within,
        cases=cases,
        repeats=repeats,
        mean=float(values.mean()),
        every=None if graded else float((values == 1).all(axis=1).mean()),
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
    """The cases whose repeats all have a score."""
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    return values[~np.isnan(values).any(axis=1)]
