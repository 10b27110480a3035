"""Simulates a design before the first call: the code that decides, on random answers.

Gives the chance of a downgrade and the share of the calls that is bought when every option is as
assumed, so the power includes the pilot, the looks, futility and lazy asking. Disagreements are
drawn as counts between the cases at which something is tested, which is all that a test of binary
scores sees, so the cost does not depend on the number of cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.stats import betting, gaffke, tango
from harness.stats.arrays import Bools, Floats, Ints, Moments
from harness.stats.sequential.design import Design, ProvenPart
from harness.stats.sequential.histories import HistoryStates, LadderRules, Seen, Tables, run, take
from harness.stats.sequential.levels import TestRules, holm, tango_levels
from harness.stats.sequential.state import rules_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A true candidate: its mean difference, and the share of cases on which it disagrees."""

    difference: float
    discordance: float

    @property
    def gains(self) -> float:
        """Share of the cases that only the candidate gets right."""
        return (self.discordance + self.difference) / 2

    @property
    def possible(self) -> bool:
        """Whether the difference is no larger than the disagreement."""
        return abs(self.difference) <= self.discordance <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Results of a simulation, as shares.

    `decided` is the share of runs in which some option passed, `calls` the mean share of all
    (1 + options) x n calls that was bought, `calls_most` its 95th percentile; `asked` is the mean
    share of the cases that each option was asked, `incumbent` that of the incumbent. `each` has the
    options' shares of every run, `passes` in how many of them each option passed.
    """

    decided: float
    calls: float
    calls_most: float
    runs: int
    asked: tuple[float, ...] = ()
    incumbent: float = 1.0
    each: tuple[tuple[float, ...], ...] = ()
    passes: tuple[float, ...] = ()


def rehearse(
    design: Design,
    truths: Sequence[Truth],
    rng: np.random.Generator,
    *,
    runs: int = 400,
    in_full: float = 0.0,
) -> Rehearsal:
    """Simulate a design on answers drawn from `truths`, one for each of its options.

    A proven part is drawn from the same truths, a second measure by itself. `in_full` is the share
    of the cases that are asked of an option that passed, wherever it did.

    Raises:
        ValueError: a truth is impossible, or their number is not that of the options.
    """
    if len(truths) != len(design.options) or not all(truth.possible for truth in truths):
        raise ValueError("rehearse needs one possible truth for each option")
    if design.kind != "ladder":
        return _at_once(design, truths, rng, runs)
    found = _clustered(design, truths, rng, runs)
    if found is None:
        found = _counted(design, truths, rng, runs)
    reached = found.walk.reached
    ends = np.array([0, *design.checks])
    asked = np.where(reached > 0, ends[reached], found.piloted)
    rest = np.rint(in_full * (len(design.order) - asked)).astype(np.int64)
    asked = asked + np.where(found.walk.accepted, rest, 0)
    return _summary(found.walk.accepted, asked, len(design.order))


def _summary(passed: Bools, asked: Ints, size: int) -> Rehearsal:
    """Shares, from who passed in each run and how many cases each was asked (runs, options)."""
    runs, options = asked.shape
    most = asked.max(axis=1)
    calls = (asked.sum(axis=1) + most) / ((1 + options) * size)
    return Rehearsal(
        decided=float(np.any(passed, axis=1).mean()),
        calls=float(calls.mean()),
        calls_most=float(np.quantile(calls, 0.95)),
        runs=runs,
        asked=tuple(float(share) for share in asked.mean(axis=0) / size),
        incumbent=float(most.mean() / size),
        each=tuple(tuple(float(share) for share in one / size) for one in asked),
        passes=tuple(float(share) for share in passed.mean(axis=0)),
    )


def _clustered(
    design: Design, truths: Sequence[Truth], rng: np.random.Generator, runs: int
) -> HistoryStates | None:
    """Case by case, where the test sees clusters; None where counts are enough."""
    if design.method != "cluster-t":
        return None
    shape, size = (runs, len(truths)), len(design.order)
    gains = np.array([truth.gains for truth in truths])[:, None]
    either = np.array([truth.discordance for truth in truths])[:, None]
    draws = rng.random((*shape, size))
    differences = np.where(draws < gains, 1.0, np.where(draws < either, -1.0, 0.0))
    labels = np.unique(np.array(design.clusters), return_inverse=True)[1]
    return run(rules_of(design), _seen(shape, size, differences, labels))


def _seen(shape: tuple[int, int], size: int, differences: Floats, labels: Ints | None) -> Seen:
    return Seen(
        differences=differences,
        asked=np.full(shape, size),
        vetoed=np.zeros(shape, dtype=np.bool_),
        cleared=np.ones(shape, dtype=np.bool_),
        clusters=labels,
    )


def _counted(
    design: Design, truths: Sequence[Truth], rng: np.random.Generator, runs: int
) -> HistoryStates:
    rules = rules_of(design)
    edges = tuple(sorted({*rules.stages, *rules.checks}))
    drawn = _draw(truths, edges, rng, runs)
    levels = _levels(rules.test, drawn.between(rules.pilot, rules.test.looks))
    for part in design.proven:
        inside = _part(part, drawn, truths, rng)
        test = rules.test.at_margin(part.margin / 100)
        levels = np.maximum(levels, _levels(test, inside.between(rules.pilot, test.looks)))
    return _take(rules, drawn, levels)


def _take(rules: LadderRules, drawn: _Drawn, levels: Floats) -> HistoryStates:
    shape = (drawn.gains.shape[0], drawn.gains.shape[1])
    found = Tables(
        pilot=drawn.between(0, rules.stages) if rules.stages else None,
        counted=drawn.between(rules.pilot, rules.checks),
        levels=levels,
    )
    return take(rules, found, _seen(shape, rules.checks[-1], np.empty((*shape, 0)), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Cumulative counts at `edges`: arrays (runs, options, edges); `n` may have no run axis."""

    edges: tuple[int, ...]
    n: Floats
    gains: Floats
    losses: Floats

    def between(self, start: int, ends: Sequence[int]) -> Moments:
        """Moments of the cases from `start` to each of `ends`, all of them edges."""
        places = [self.edges.index(end) for end in ends]
        n, gains, losses = (
            values[..., places] - (values[..., [self.edges.index(start)]] if start else 0.0)
            for values in (self.n, self.gains, self.losses)
        )
        n = np.broadcast_to(n, gains.shape)
        return Moments(n=n, total=gains - losses, squares=gains + losses)


def _draw(
    truths: Sequence[Truth], edges: tuple[int, ...], rng: np.random.Generator, runs: int
) -> _Drawn:
    widths = np.diff(np.array([0, *edges]))
    drawn = [
        rng.multinomial(np.broadcast_to(widths, (runs, len(widths))), _shares(truth))
        for truth in truths
    ]
    counts = np.cumsum(np.stack(drawn, axis=1), axis=2, dtype=np.float64)
    return _Drawn(
        edges=edges,
        n=np.array(edges, dtype=np.float64),
        gains=counts[..., 0],
        losses=counts[..., 1],
    )


def _shares(truth: Truth) -> tuple[float, float, float]:
    """Gains, losses, agreements."""
    losses = max(truth.discordance - truth.gains, 0.0)
    return max(truth.gains, 0.0), losses, 1.0 - truth.discordance


def _part(
    part: ProvenPart, drawn: _Drawn, truths: Sequence[Truth], rng: np.random.Generator
) -> _Drawn:
    """Counts of a part: its share of the counts drawn, or a second measure of its own."""
    places = np.array(part.positions)
    limits = [0, *drawn.edges]
    members = np.array([((places >= a) & (places < b)).sum() for a, b in pairwise(limits)])
    if part.measure is not None:
        return _draw(truths, drawn.edges, rng, drawn.gains.shape[0])
    widths = np.diff(np.array(limits))
    gains, losses = (
        np.diff(counts, axis=-1, prepend=0.0).astype(np.int64)
        for counts in (drawn.gains, drawn.losses)
    )
    good = rng.hypergeometric(gains, widths - gains, members)
    bad = rng.hypergeometric(losses, widths - gains - losses, members - good)
    return _Drawn(
        edges=drawn.edges,
        n=np.cumsum(members, dtype=np.float64),
        gains=np.cumsum(good, axis=-1, dtype=np.float64),
        losses=np.cumsum(bad, axis=-1, dtype=np.float64),
    )


def _levels(test: TestRules, found: Moments) -> Floats:
    """The smallest level at which each look passes; of an empty part none does."""
    if test.method == "tango":
        return np.nan_to_num(tango_levels(test, found), nan=1.0)
    if test.method == "gaffke":
        p = _by_weights(found, test.margin)
        looks = range(p.shape[-1])
        return np.stack([test.smallest(p[..., look], look) for look in looks], axis=-1)
    wealth = betting.log_wealth_of_counts(found.losses, found.gains, found.n, -test.margin)
    return np.exp(-np.maximum(wealth, 0.0))


def _by_weights(found: Moments, margin: float) -> Floats:
    """P-values of wholly lost and won cases by random weights."""
    counts = np.stack([found.losses, found.gains, found.n - found.losses - found.gains], axis=-1)
    return gaffke.p_of_counts(np.array([-1.0, 1.0, 0.0]), counts, margin)


def _at_once(
    design: Design, truths: Sequence[Truth], rng: np.random.Generator, runs: int
) -> Rehearsal:
    """Plain Holm and the fixed sequence: one test of all cases for each option."""
    size = len(design.order)
    found = _draw(truths, (size,), rng, runs).between(0, (size,))
    p = _p_values(design, found)[..., 0]
    if design.kind == "holm":
        asked = np.full(p.shape, size)
        passed = holm(p, design.alpha).passed & (p < np.array(design.limits))
        return _summary(passed, asked, size)
    dearest_first = np.flip(p < np.array(design.limits), axis=1)
    passed = np.logical_and.accumulate(dearest_first, axis=1)
    asked = np.concatenate([np.ones_like(passed[:, :1]), passed[:, :-1]], axis=1)
    return _summary(np.flip(passed, axis=1), np.flip(np.where(asked, size, 0), axis=1), size)


def _p_values(design: Design, found: Moments) -> Floats:
    margin = design.margin / 100
    if design.method == "gaffke":
        return _by_weights(found, margin)
    if design.method == "betting":
        wealth = betting.log_wealth_of_counts(found.losses, found.gains, found.n, -margin)
        return np.exp(-np.maximum(wealth, 0.0))
    return tango.p_value(found.losses, found.gains, found.n, margin)
