"""What one look at n binary cases decides, exactly.

The p-value that decides is summed over the trinomial of losses, gains and agreements, so power and
size carry no Monte-Carlo error.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from harness.stats import tango
from harness.stats.arrays import Floats
from harness.stats.sequential.rehearsal import Truth

_TAIL = 1e-10
_MOST_CASES = 20_000
_STEP = 10


def pass_rate(truth: Truth, n: int, margin: float, level: float) -> float:
    """P(the lower bound at `level` lies above -margin) on `n` cases; exact.

    >>> round(pass_rate(Truth(difference=0.0, discordance=0.08), 200, 0.05, 0.05), 2)
    0.77
    """
    disagreements, gains, chance = outcomes(truth, n)
    passes = tango.p_value(disagreements - gains, gains, n, margin) < level
    return float((chance * passes).sum())


def outcomes(truth: Truth, n: int) -> tuple[Floats, Floats, Floats]:
    """Disagreements, gains and their probability: all tables but a tail of 1e-10."""
    if not truth.possible:
        raise ValueError(f"no such candidate: {truth}")
    every = np.arange(n + 1, dtype=np.float64)
    likely = every[_binomial(every, float(n), truth.discordance) > _TAIL / (n + 1)]
    top = float(likely.max())
    disagreements, gains = np.meshgrid(likely, np.arange(top + 1), indexing="ij")
    share = truth.gains / truth.discordance if truth.discordance else 0.0
    chance = _binomial(disagreements, float(n), truth.discordance)
    chance = chance * _binomial(gains, disagreements, share)
    inside = gains <= disagreements
    return disagreements[inside], gains[inside], chance[inside]


def cases_needed(truth: Truth, margin: float, level: float, *, power: float = 0.8) -> int | None:
    """Fewest cases with that power, to the next ten; None when 20,000 are too few."""
    low, high = 0, 20
    while pass_rate(truth, high, margin, level) < power:
        low, high = high, 2 * high
        if high > _MOST_CASES:
            return None
    while high - low > _STEP:
        middle = (low + high) // (2 * _STEP) * _STEP
        if pass_rate(truth, middle, margin, level) < power:
            low = middle
        else:
            high = middle
    return high


def _binomial(k: Floats, n: Floats | float, share: float) -> Floats:
    """Probability of `k` out of `n`; 0 where k exceeds n."""
    size = np.broadcast_to(np.asarray(n, dtype=np.float64), k.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = (
            special.gammaln(size + 1)
            - special.gammaln(k + 1)
            - special.gammaln(np.maximum(size - k, 0) + 1)
            + special.xlogy(k, share)
            + special.xlog1py(size - k, -share)
        )
    return np.where(k <= size, np.exp(log), 0.0)
