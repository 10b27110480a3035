"""Why Student's t and BCa decide nothing here: what they do to rare total losses, exactly.

A candidate gains a little on every case and loses a few in whole, so that it is exactly at the
margin. Both intervals see the losses' number only, so their errors are binomial sums; BCa's
bootstrap distribution is a binomial as well (B. Efron, "Better bootstrap confidence intervals",
JASA 82 (1987) 171-185). A rule on n and on the number of non-zero differences cannot help: every
difference is non-zero.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from harness.stats import betting

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)
MARGINS = (0.02, 0.05, 0.1)
LEVELS = (0.05, 0.05 / 8)
RATES = np.arange(0.002, 0.03, 0.002)
"""How much likelier than the margin a total loss is; the worst one is shown."""


def run_all(out: Path) -> None:
    """Write one row for each size, margin and level; seconds."""
    if out.exists():
        return
    rows = [
        {"n": n, "margin": margin, "level": level, **worst_errors(n, margin, level)}
        for margin in MARGINS
        for level in LEVELS
        for n in SIZES
    ]
    out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def worst_errors(n: int, margin: float, level: float) -> dict[str, float]:
    """The largest error of each interval over the rates."""
    found = [errors(n, margin, margin + rate, level) for rate in RATES]
    return {name: max(item[name] for item in found) for name in found[0]}


def errors(n: int, margin: float, rate: float, level: float) -> dict[str, float]:
    """P(lower bound above -margin) when total losses come at `rate`; exact."""
    tiny = (rate - margin) / (1 - rate)
    losses = np.arange(n)
    chance = stats.binom.pmf(losses, n, rate)
    likely = chance > 1e-12
    losses, chance = losses[likely], chance[likely]
    passes = {
        "t": student_lower(losses, n, tiny, level) > -margin,
        "bca": np.array([bca_lower(int(k), n, tiny, level) > -margin for k in losses]),
        "betting": np.array(
            [betting.p_value(np.repeat([-1.0, tiny], [k, n - k]), margin) < level for k in losses]
        ),
    }
    return {name: float(chance[passed].sum()) for name, passed in passes.items()}


def student_lower(losses: np.ndarray, n: int, tiny: float, level: float) -> np.ndarray:
    """Paired t; without a loss its width is zero."""
    share = losses / n
    mean = tiny - share * (1 + tiny)
    deviation = (1 + tiny) * np.sqrt(share * (1 - share) * n / (n - 1))
    return mean - stats.t.isf(level, n - 1) * deviation / np.sqrt(n)


def bca_lower(losses: int, n: int, tiny: float, level: float) -> float:
    """Bias-corrected and accelerated bootstrap with infinitely many resamples."""
    if losses == 0:
        return tiny
    share = losses / n
    resampled = stats.binom(n, share)
    above = resampled.cdf(losses - 1) + resampled.pmf(losses) / 2
    correction = stats.norm.isf(above)
    skew = (1 - 2 * share) / np.sqrt(share * (1 - share) * n)
    acceleration, z = -skew / 6, stats.norm.ppf(level)
    shifted = correction + (correction + z) / (1 - acceleration * (correction + z))
    count = resampled.ppf(stats.norm.sf(shifted))
    return tiny - count / n * (1 + tiny)
