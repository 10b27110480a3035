"""From paired differences to where a ladder stands: pilot, levels at looks, chances, walk.

The product calls it with one history, the benchmark with thousands; what was not asked is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np

from harness.stats.arrays import Bools, Floats, Ints, Moments, moments_at
from harness.stats.sequential.ladder import History, Walk, raw_shares, walk, weigh
from harness.stats.sequential.levels import TestRules, look_levels
from harness.stats.sequential.steering import (
    PassMark,
    Steering,
    expected_difference,
    predicted_chance,
)

_LEAST_WORTH = 0.1
"""An option weighs at least this share of its saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRules:
    """A ladder in numbers. Counts are of cases in order; `pilot` ends its last stage.

    `savings` are shares of the incumbent's cost, cheapest option first. `error_worth` is what it
    would cost if every answer were one more wrong one, in the same shares: then options come in
    the order of what is expected to be left of their saving. None: nobody stated it.
    """

    test: TestRules
    stages: tuple[int, ...]
    checks: tuple[int, ...]
    savings: tuple[float, ...]
    alpha: float
    steering: Steering
    error_worth: float | None = None

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
class HistoryStates:
    """Where every history stands; shapes (runs, options).

    `needed` is the count an option still has to be asked for in the pilot, 0 when none;
    `dropped` options ended there, after `piloted` cases, at the predicted chance `chances` and
    with the share `shares` of alpha, one of which was too small. The walk begins when nothing is
    needed. `levels` are those of each look, shape (runs, options, looks).
    """

    needed: Ints
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


def run(rules: LadderRules, seen: Seen) -> HistoryStates:
    """Take every history as far as it goes."""
    return take(rules, tables(rules, seen), seen)


def take(rules: LadderRules, found: Tables, seen: Seen) -> HistoryStates:
    """As `run`, from tables: `seen` tells only how far it was asked, vetoed and cleared."""
    alive, needed, piloted, chances = _pilot(rules, found, seen)
    nets = _nets(rules, found, alive.shape)
    shares, weights = _weights(rules, chances, alive, nets)
    alive &= weights > 0
    started: Bools = np.logical_not((needed > 0).any(axis=1))
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
        **_net_savings(rules, found, alive.shape),
    )
    return HistoryStates(
        needed=needed,
        dropped=~alive,
        piloted=piloted,
        chances=chances,
        shares=shares,
        weights=weights,
        levels=found.levels,
        walk=walk(history) if rules.error_worth is None else _walk_by_net(history, nets),
    )


def _pilot(rules: LadderRules, tables: Tables, seen: Seen) -> tuple[Bools, Ints, Ints, Floats]:
    """Who survives, what is needed, how far each was asked, and the last predicted chance.

    A veto before the first case, or before the pilot's end, drops an option. A later one leaves
    the weights as they are: they are frozen with the pilot. A pilot of all the cases drops nobody:
    nothing would be spared.
    """
    shape = seen.asked.shape
    alive = ~(seen.vetoed & (seen.asked == 0))
    needed = np.zeros(shape, dtype=np.int64)
    piloted = np.zeros(shape, dtype=np.int64)
    chances = np.ones(shape)
    if tables.pilot is None:
        return alive, needed, piloted, chances
    target = PassMark(margin=rules.test.margin, level=rules.alpha, n=rules.checks[-1] - rules.pilot)
    found = predicted_chance(tables.pilot, None, target, rules.steering.prior)
    for place, count in enumerate(rules.stages):
        short = alive & (needed == 0) & (seen.asked < count)
        needed[short & ~seen.vetoed] = count
        alive &= ~(short & seen.vetoed)
        reached = alive & (needed == 0)
        piloted[reached] = count
        chances[reached] = found[..., place][reached]
        if count < rules.checks[-1]:
            alive &= ~(reached & (chances < rules.steering.drop_below))
    return alive, needed, piloted, chances


def _weights(
    rules: LadderRules, chances: Floats, alive: Bools, nets: Floats
) -> tuple[Floats, Floats]:
    """Shares of alpha, and what they are when too small ones go; equal where there is no pilot."""
    if not rules.stages:
        equal = np.where(alive, 1.0 / alive.shape[1], 0.0)
        return equal, equal
    least = rules.steering.least_weight if rules.pilot < rules.checks[-1] else 0.0
    hopeful, savings = np.where(alive, chances, 0.0), np.asarray(rules.savings)
    # A pilot is small: what it expects to be lost never takes all of an option's weight.
    worth = np.maximum(nets, _LEAST_WORTH * savings)
    return raw_shares(hopeful, worth), weigh(hopeful, worth, least)


def _nets(rules: LadderRules, found: Tables, shape: tuple[int, ...]) -> Floats:
    """Shares of the incumbent's cost that are expected to be left, by the pilot alone."""
    savings: Floats = np.broadcast_to(np.asarray(rules.savings), shape)
    if rules.error_worth is None or found.pilot is None:
        return savings
    last = found.pilot.last()
    difference = expected_difference(last, rules.steering.prior)[..., 0]
    return savings - rules.error_worth * np.maximum(-difference, 0.0)


def _net_savings(
    rules: LadderRules, found: Tables, shape: tuple[int, ...]
) -> dict[str, Floats | None]:
    """What is left of each option's saving at every check, and at most: see `History`."""
    if rules.error_worth is None:
        return {"nets": None, "most": None}
    most: Floats = np.broadcast_to(np.asarray(rules.savings), shape)
    counted = found.counted
    mean = np.divide(
        counted.total, counted.n, out=np.full(counted.total.shape, -np.inf), where=counted.n > 0
    )
    return {"nets": most[..., None] - rules.error_worth * np.maximum(-mean, 0.0), "most": most}


def _walk_by_net(history: History, nets: Floats) -> Walk:
    """The walk with the options in the order of what is expected to be left, ties as they came."""
    order = np.argsort(-nets, axis=1, kind="stable")
    names = [field.name for field in fields(history)]
    found = walk(
        replace(history, **{name: _in_order(getattr(history, name), order) for name in names})
    )
    back = np.argsort(order, axis=1, kind="stable")
    restored = {field.name: _in_order(getattr(found, field.name), back) for field in fields(found)}
    for name in ("wants", "confirm"):
        place: Ints = getattr(found, name)
        named = np.take_along_axis(order, np.maximum(place, 0)[:, None], axis=1)[:, 0]
        restored[name] = np.where(place < 0, place, named)
    return replace(found, **restored)


def _in_order(values: object, order: Ints) -> object:
    """What stands by option, in another order; all else as it is."""
    if not isinstance(values, np.ndarray):
        return values
    array = cast("Floats", values)
    if array.ndim == 1:
        return array
    wanted = order if array.ndim == 2 else order[..., None]  # noqa: PLR2004  # options, checks
    return np.take_along_axis(array, wanted, axis=1)


def _spread(rules: LadderRules, levels: Floats) -> Floats:
    """Levels at looks, placed among the checks."""
    spread = np.full((*levels.shape[:2], len(rules.checks)), np.nan)
    places = [rules.checks.index(look) for look in rules.test.looks]
    spread[:, :, places] = levels
    return spread


def _chances(rules: LadderRules, tables: Tables, weights: Floats) -> Floats:
    """Predicted chance at every check, at a level between the option's own and the whole alpha."""
    level = rules.alpha * np.sqrt(np.maximum(weights, 1e-9))
    target = PassMark(
        margin=rules.test.margin, level=level[..., None], n=rules.checks[-1] - rules.pilot
    )
    counted = tables.counted
    every = counted if tables.pilot is None else counted.plus(tables.pilot.last())
    return predicted_chance(every, counted, target, rules.steering.prior)
