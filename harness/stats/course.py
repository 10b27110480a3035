"""From paired differences to where a ladder stands: pilot, levels at looks, chances, walk.

The product calls it with one history, the benchmark with thousands; what was not asked is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.chance import Target, predicted_chance
from harness.stats.ladder import History, Walk, raw_shares, walk, weigh
from harness.stats.levels import look_levels
from harness.stats.moments import Moments, moments_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stats.arrays import Bools, Floats, Ints
    from harness.stats.levels import TestRules
    from harness.stats.steering import Steering


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRules:
    """A ladder in numbers. Counts are of cases in order; `pilot` ends its last stage.

    `savings` are shares of the incumbent's cost, cheapest option first.
    """

    test: TestRules
    stages: tuple[int, ...]
    checks: tuple[int, ...]
    savings: tuple[float, ...]
    alpha: float
    steering: Steering

    @property
    def pilot(self) -> int:
        """Cases that steer and never decide."""
        return self.stages[-1] if self.stages else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Paired differences and how far they go.

    `differences` has shape (runs, options, cases), NaN where missing or not asked; `asked`
    (runs, options) counts settled cases. `parts` are differences of slices or second measures
    that must themselves pass, with their margins. `clusters` labels the cases. `bought`: what was
    asked was answered and paid for, so that giving up spares none of it.
    """

    differences: Floats
    asked: Ints
    vetoed: Bools
    cleared: Bools
    parts: Sequence[tuple[Floats, float]] = ()
    clusters: Ints | None = None
    bought: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where every history stands; shapes (runs, options).

    `lacking` is the count an option still has to be asked for in the pilot, 0 when none;
    `dropped` options ended there, after `piloted` cases, at the predicted chance `chances` and
    with the share `shares` of alpha, one of which was too small. The walk begins when nothing is
    lacking. `levels` are those of each look, shape (runs, options, looks).
    """

    lacking: Ints
    dropped: Bools
    piloted: Ints
    chances: Floats
    shares: Floats
    weights: Floats
    levels: Floats
    walk: Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All that a ladder looks at; last axes: stages, checks, looks.

    `pilot` are the moments at each stage, `counted` those of the cases after the pilot at each
    check, `levels` the smallest level at which each look passes.
    """

    pilot: Moments | None
    counted: Moments
    levels: Floats


def tables(rules: LadderRules, seen: Seen) -> Tables:
    """What the differences say at every stage, check and look."""
    levels = look_levels(rules.test, seen.differences, seen.clusters)
    for part, margin in seen.parts:
        levels = np.maximum(levels, look_levels(rules.test.at_margin(margin), part, seen.clusters))
    return Tables(
        pilot=moments_at(seen.differences, 0, rules.stages) if rules.stages else None,
        counted=moments_at(seen.differences, rules.pilot, rules.checks),
        levels=levels,
    )


def run(rules: LadderRules, seen: Seen) -> Course:
    """Take every history as far as it goes."""
    return take(rules, tables(rules, seen), seen)


def take(rules: LadderRules, found: Tables, seen: Seen) -> Course:
    """As `run`, from tables: `seen` tells only how far it was asked, vetoed and cleared."""
    alive, lacking, piloted, chances = _pilot(rules, found, seen)
    shares, weights = _weights(rules, chances, alive)
    alive &= weights > 0
    started: Bools = np.logical_not((lacking > 0).any(axis=1))
    counts: Ints = np.array(rules.checks, dtype=np.int64)
    history = History(
        alpha=rules.alpha,
        futility=rules.steering.futile_below,
        weights=np.where(started[:, None], weights, 0.0),
        levels=_spread(rules, found.levels),
        chances=_chances(rules, found, weights),
        known=seen.asked[:, :, np.newaxis] >= counts,
        vetoed=seen.vetoed,
        cleared=seen.cleared,
        bought=seen.bought,
    )
    return Course(
        lacking=lacking,
        dropped=~alive,
        piloted=piloted,
        chances=chances,
        shares=shares,
        weights=weights,
        levels=found.levels,
        walk=walk(history),
    )


def _pilot(rules: LadderRules, tables: Tables, seen: Seen) -> tuple[Bools, Ints, Ints, Floats]:
    """Who survives, what is lacking, how far each was asked, and the last predicted chance.

    A veto before the first case, or before the pilot's end, drops an option. A later one leaves
    the weights as they are: they are frozen with the pilot. A pilot of all the cases drops nobody:
    nothing would be spared.
    """
    shape = seen.asked.shape
    alive = ~(seen.vetoed & (seen.asked == 0))
    lacking = np.zeros(shape, dtype=np.int64)
    piloted = np.zeros(shape, dtype=np.int64)
    chances = np.ones(shape)
    if tables.pilot is None:
        return alive, lacking, piloted, chances
    target = Target(margin=rules.test.margin, level=rules.alpha, n=rules.checks[-1] - rules.pilot)
    found = predicted_chance(tables.pilot, None, target, rules.steering.prior)
    for place, count in enumerate(rules.stages):
        short = alive & (lacking == 0) & (seen.asked < count)
        lacking[short & ~seen.vetoed] = count
        alive &= ~(short & seen.vetoed)
        reached = alive & (lacking == 0)
        piloted[reached] = count
        chances[reached] = found[..., place][reached]
        if count < rules.checks[-1]:
            alive &= ~(reached & (chances < rules.steering.drop_below))
    return alive, lacking, piloted, chances


def _weights(rules: LadderRules, chances: Floats, alive: Bools) -> tuple[Floats, Floats]:
    """Shares of alpha, and what they are when too small ones go; equal where there is no pilot."""
    if not rules.stages:
        equal = np.where(alive, 1.0 / alive.shape[1], 0.0)
        return equal, equal
    least = rules.steering.least_weight if rules.pilot < rules.checks[-1] else 0.0
    left, savings = np.where(alive, chances, 0.0), np.asarray(rules.savings)
    return raw_shares(left, savings), weigh(left, savings, least)


def _spread(rules: LadderRules, levels: Floats) -> Floats:
    """Levels at looks, placed among the checks."""
    spread = np.full((*levels.shape[:2], len(rules.checks)), np.nan)
    places = [rules.checks.index(look) for look in rules.test.looks]
    spread[:, :, places] = levels
    return spread


def _chances(rules: LadderRules, tables: Tables, weights: Floats) -> Floats:
    """Predicted chance at every check, at a level between the option's own and the whole alpha."""
    level = rules.alpha * np.sqrt(np.maximum(weights, 1e-9))
    target = Target(
        margin=rules.test.margin, level=level[..., None], n=rules.checks[-1] - rules.pilot
    )
    counted = tables.counted
    every = counted if tables.pilot is None else counted.plus(tables.pilot.last())
    return predicted_chance(every, counted, target, rules.steering.prior)
