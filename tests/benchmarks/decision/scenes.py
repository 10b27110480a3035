"""Draws of histories in which every option stands at the margin, and whether the code errs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import clusters, tango
from harness.stats.arrays import Moments
from harness.stats.sequential.histories import Seen, Tables, run, take
from harness.stats.sequential.levels import holm, tango_levels
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision.cells import CLUSTER
from tests.benchmarks.decision.exact import loss_rate, values_of

if TYPE_CHECKING:
    from harness.stats.sequential.design import Design
    from harness.stats.sequential.histories import LadderRules
    from tests.benchmarks.decision.cells import Cell

SHARED = 0.6
"""Share of the disagreements that all options of a correlated ladder have in common."""


def errs(cell: Cell, design: Design, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Whether any option was accepted, in each run."""
    if cell.scene == "one look":
        gains, losses = _counts(cell, rng, runs, cell.n)
        p = tango.p_value(losses, gains, cell.n, cell.margin / 100)
        return holm(p, design.alpha).passed.any(axis=1)
    if cell.scene == "clustered, one look":
        p = clusters.robust_p(_clustered(cell, rng, runs), _labels(cell), cell.margin / 100)
        return (p < design.alpha).any(axis=1)
    return _ladder(cell, design, rng, runs)


def _ladder(cell: Cell, design: Design, rng: np.random.Generator, runs: int) -> np.ndarray:
    rules = rules_of(design)
    nothing = np.zeros((runs, cell.options), dtype=np.bool_)
    asked = np.full((runs, cell.options), cell.n)
    if cell.scene == "ladder":
        seen = Seen(differences=np.empty(0), asked=asked, vetoed=nothing, cleared=~nothing)
        return take(rules, _segments(cell, rules, rng, runs), seen).walk.accepted.any(axis=1)
    draw = _graded if cell.scene == "graded" else _clustered
    seen = Seen(
        differences=draw(cell, rng, runs),
        asked=asked,
        vetoed=nothing,
        cleared=~nothing,
        clusters=_labels(cell),
    )
    return run(rules, seen).walk.accepted.any(axis=1)


def _labels(cell: Cell) -> np.ndarray:
    return np.arange(cell.n) // CLUSTER


def _counts(
    cell: Cell, rng: np.random.Generator, runs: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gains and losses of every option on `size` cases; shapes (runs, options)."""
    gain, loss = cell.rates
    common = SHARED if cell.correlated else 0.0
    free = 1 - common * (gain + loss)
    shared = rng.multinomial(size, [common * gain, common * loss, free], runs)
    rest = shared[:, 2][:, None]
    won = rng.binomial(rest, (1 - common) * gain / free, (runs, cell.options))
    lost = rng.binomial(rest - won, (1 - common) * loss / (free - (1 - common) * gain))
    return won + shared[:, [0]], lost + shared[:, [1]]


def _segments(cell: Cell, rules: LadderRules, rng: np.random.Generator, runs: int) -> Tables:
    """Gains and losses between the counts that the procedure looks at, drawn as totals."""
    ends = (*rules.stages, *rules.checks)
    drawn = [_counts(cell, rng, runs, int(size)) for size in np.diff((0, *ends))]
    gains, losses = (np.stack([pair[k] for pair in drawn], axis=-1) for k in (0, 1))
    return _tables(rules, gains, losses)


def _tables(rules: LadderRules, gains: np.ndarray, losses: np.ndarray) -> Tables:
    stages = len(rules.stages)
    ends = np.array((*rules.stages, *rules.checks), dtype=np.float64)
    total, squares = np.cumsum(gains - losses, axis=-1), np.cumsum(gains + losses, axis=-1)

    def part(chosen: slice, start: int | None) -> Moments:
        first = 0 if start is None else start
        before = (0.0, 0, 0) if start is None else (
            ends[first], total[..., [first]], squares[..., [first]]
        )  # fmt: skip
        return Moments(
            n=np.broadcast_to(ends[chosen] - before[0], total[..., chosen].shape),
            total=(total[..., chosen] - before[1]).astype(np.float64),
            squares=(squares[..., chosen] - before[2]).astype(np.float64),
        )

    counted = part(slice(stages, None), stages - 1)
    looks = [rules.checks.index(look) for look in rules.test.looks]
    at_looks = Moments(
        n=counted.n[..., looks],
        total=counted.total[..., looks],
        squares=counted.squares[..., looks],
    )
    return Tables(
        pilot=part(slice(0, stages), None),
        counted=counted,
        levels=tango_levels(rules.test, at_looks),
    )


def _graded(cell: Cell, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Rare total losses among tiny gains (which fool Student's t), and milder mixtures."""
    shape = (runs, cell.options, cell.n)
    worse = cell.margin / 100
    if cell.shape == "small losses":
        return -2 * worse * rng.random(shape)
    if cell.shape == "two-sided":
        sizes = rng.choice([0.25, 0.5, 1.0], shape)
        up = (cell.discordance - worse / sizes.mean()) / 2
        draws = rng.random(shape)
        signs = np.where(draws < up, 1.0, np.where(draws < cell.discordance, -1.0, 0.0))
        return signs * sizes
    low, high = values_of(cell)
    return np.where(rng.random(shape) < loss_rate(cell), low, high)


def _clustered(cell: Cell, rng: np.random.Generator, runs: int) -> np.ndarray:
    """Clusters of five; a case repeats its cluster's outcome with the square root of `within`."""
    gain, loss = cell.rates
    groups = math.ceil(cell.n / CLUSTER)

    def outcomes(size: int) -> np.ndarray:
        draws = rng.random((runs, 1, size))
        return np.where(draws < gain, 1.0, np.where(draws < gain + loss, -1.0, 0.0))

    own, theirs = outcomes(cell.n), np.repeat(outcomes(groups), CLUSTER, axis=-1)[..., : cell.n]
    follows = rng.random((runs, 1, cell.n)) < math.sqrt(cell.within)
    return np.where(follows, theirs, own)
