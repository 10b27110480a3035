"""How far two labellers agree beyond chance: Cohen's kappa, with an interval."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.stats import beta, norm

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement of two labellers on the same `n` cases; 1 is perfect, 0 is chance.

    `value`, `lower` and `upper` are None where chance alone agrees always (one label only).
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
    z = float(norm.isf((1 - confidence) / 2))
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

    >>> round(share_lower(55, 60), 3)
    0.833
    """
    if not 0 <= agreed <= n or n == 0:
        raise ValueError(f"need 0 <= agreed <= n and n > 0, got {agreed} of {n}")
    return float(beta.ppf(1 - confidence, agreed, n - agreed + 1)) if agreed else 0.0


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
