"""Errors without Monte-Carlo error: every table summed with its probability.

One look by the trinomial; several looks at one option by dynamic programming over (gains,
losses), with the efficacy boundaries alone: what futility and a pilot take away can only lower
the error. Graded differences of two values are counted by the number of losses.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import signal, special, stats

from harness.stats import gaffke, tango
from harness.stats.sequential.rehearsal import Truth
from harness.stats.sequential.sample_size import pass_rate

if TYPE_CHECKING:
    from harness.stats.sequential.levels import TestRules
    from tests.benchmarks.decision.cells import Cell

_DEVIATIONS = 9.0


def one_look(cell: Cell, alpha: float) -> float:
    """P(some option passes) by Holm: the smallest of independent p-values below alpha / K."""
    truth = Truth(
        difference=-cell.margin / 100, discordance=max(cell.discordance, cell.margin / 100)
    )
    single = pass_rate(truth, cell.n, cell.margin / 100, alpha / cell.options)
    return 1 - (1 - single) ** cell.options


def looks(cell: Cell, rules: TestRules, alpha: float) -> float:
    """P(one option crosses a boundary at some look)."""
    total = rules.looks[-1] - rules.start
    shape = (_reach(total, cell.rates[0]), _reach(total, cell.rates[1]))
    gains, losses = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    alive, error = np.zeros(shape), 0.0
    alive[0, 0] = 1.0
    for place, (low, high) in enumerate(pairwise((rules.start, *rules.looks))):
        step = _trinomial(gains, losses, high - low, cell.rates)
        alive = np.maximum(signal.fftconvolve(alive, step)[: shape[0], : shape[1]], 0)
        n = high - rules.start
        possible = gains + losses <= n
        p = tango.p_value(losses, np.where(possible, gains, 0), n, rules.margin)
        crossed = possible & (p < rules.nominal(alpha, place))
        error += float(alive[crossed].sum())
        alive[crossed] = 0.0
    return error


def graded(cell: Cell, alpha: float) -> float:
    """P(the bet against the margin wins at one look); differences of two values."""
    low, high = values_of(cell)
    counts = np.arange(cell.n + 1)
    share = loss_rate(cell)
    chance = stats.binom.pmf(counts, cell.n, share)
    likely = counts[chance > 1e-14]
    passes = [
        gaffke.p_value(np.repeat([low, high], [lost, cell.n - lost]), cell.margin / 100) < alpha
        for lost in likely
    ]
    return float(chance[likely][passes].sum())


def values_of(cell: Cell) -> tuple[float, float]:
    """The loss and what the other cases gain, so that the mean is minus the margin."""
    if cell.shape == "half losses":
        return -0.5, 0.0
    rare = cell.discordance
    return -1.0, (rare - cell.margin / 100) / (1 - rare)


def loss_rate(cell: Cell) -> float:
    return 2 * cell.margin / 100 if cell.shape == "half losses" else cell.discordance


def _reach(n: int, share: float) -> int:
    mean = n * share
    return int(min(n, mean + _DEVIATIONS * np.sqrt(mean) + 12)) + 1


def _trinomial(
    gains: np.ndarray, losses: np.ndarray, n: int, rates: tuple[float, float]
) -> np.ndarray:
    rest = np.maximum(n - gains - losses, 0)
    log = special.gammaln(n + 1) - sum(special.gammaln(k + 1) for k in (gains, losses, rest))
    log += special.xlogy(gains, rates[0]) + special.xlogy(losses, rates[1])
    log += special.xlogy(rest, 1 - sum(rates))
    return np.where(gains + losses <= n, np.exp(log), 0.0)
