"""The states of ladders from paired differences: pilot, levels at looks, predicted chances, walk.

Works on arrays of histories: the product passes one, the benchmarks thousands. NaN: not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np

from harness.stats.arrays import Bools, Floats, Ints, Moments, moments_at
from harness.stats.sequential.ladder_walk import (
    History,
    Walk,
    raw_shares,
    walk,
    weigh,
    within,
)
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

    `savings` are shares of the incumbent's cost, cheapest option first. `error_worth` is the cost
    of one more error in every answer, in the same shares: options are then ordered by expected net
    saving. None: the cost of an error is not stated. `limits` are the most of alpha that each
    option may be tested at; without, each may get all of it.
    """

    test: TestRules
    stages: tuple[int, ...]
    checks: tuple[int, ...]
    savings: tuple[float, ...]
    alpha: float
    steering: Steering
    error_worth: float | None = None
    limits: tuple[float, ...] = ()

    @property
    def most(self) -> Floats:
        """The limits, one for each option."""
        return np.asarray(self.limits or (self.alpha,) * len(self.savings), dtype=np.float64)

    @property
    def pilot(self) -> int:
        """Cases of the pilot: they steer and never decide."""
        return self.stages[-1] if self.stages else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Paired differences, and how many cases each option was asked.

    `differences` has shape (runs, options, cases), NaN where absent or not asked; `asked`
    (runs, options) counts cases. `parts` are differences of slices or second measures
    that must themselves pass, with their margins. `clusters` labels the cases. `bought`: the asked
    cases are already paid for, so stopping early does not save them.

    Where scores or labels are absent, `at_worst` and `at_best` have them put in against the
    candidate and in its favour: a look passes at the worst only, an option is given up at the best
    only. `waits` (runs, options): some of them are labels.
    """

    differences: Floats
    asked: Ints
    vetoed: Bools
    cleared: Bools
    parts: Sequence[tuple[Floats, float]] = ()
    clusters: Ints | None = None
    bought: bool = False
    at_worst: Filling | None = None
    at_best: Filling | None = None
    waits: Bools | None = None

    @property
    def known(self) -> Filling:
        """What is known, with nothing put in for what is absent."""
        return Filling(differences=self.differences, parts=self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Differences of the whole, and of each part with its margin."""

    differences: Floats
    parts: Sequence[tuple[Floats, float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStates:
    """Where every history stands; shapes (runs, options).

    `needed` is the count of cases that the pilot still has to reach, 0 once it is done. `dropped`
    options ended there after `piloted` cases: their predicted chance (`chances`) or their share of
    alpha (`shares`) was too small. The walk begins when no option needs pilot cases. `levels` are
    those of each look, shape (runs, options, looks), and `hopes` those at the best filling.
    """

    needed: Ints
    dropped: Bools
    piloted: Ints
    chances: Floats
    shares: Floats
    weights: Floats
    levels: Floats
    hopes: Floats
    walk: Walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The statistics that a ladder is decided on; last axes: stages, checks, looks.

    `pilot` are the moments at each stage, `counted` those of the cases after the pilot at each
    check, `levels` the smallest level at which each look passes. `best_pilot`, `best_counted` and
    `hopes` are the same where all that is absent favours the candidate; None: nothing is absent.
    """

    pilot: Moments | None
    counted: Moments
    levels: Floats
    best_pilot: Moments | None = None
    best_counted: Moments | None = None
    hopes: Floats | None = None


def tables(rules: LadderRules, seen: Seen) -> Tables:
    """Compute the statistics at every stage, check and look."""
    found = Tables(
        pilot=_piloted(rules, seen.differences),
        counted=moments_at(seen.differences, rules.pilot, rules.checks),
        levels=_levels(rules, seen.at_worst or seen.known, seen.clusters),
    )
    best = seen.at_best
    if best is None:
        return found
    return replace(
        found,
        best_pilot=_piloted(rules, best.differences),
        best_counted=moments_at(best.differences, rules.pilot, rules.checks),
        hopes=_levels(rules, best, seen.clusters),
    )


def _piloted(rules: LadderRules, differences: Floats) -> Moments | None:
    return moments_at(differences, 0, rules.stages) if rules.stages else None


def _levels(rules: LadderRules, tested: Filling, clusters: Ints | None) -> Floats:
    """The smallest level at which each look passes, of the whole and of every part."""
    levels = look_levels(rules.test, tested.differences, clusters)
    for part, margin in tested.parts:
        levels = np.maximum(levels, look_levels(rules.test.at_margin(margin), part, clusters))
    return levels


def run(rules: LadderRules, seen: Seen) -> HistoryStates:
    """Advance every history as far as its answers allow."""
    return take(rules, tables(rules, seen), seen)


def take(rules: LadderRules, found: Tables, seen: Seen) -> HistoryStates:
    """As `run`, from given statistics; of `seen` only `asked`, `vetoed` and `cleared` are used."""
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
        most_local=np.broadcast_to(rules.most, alive.shape),
        levels=_spread(rules, found.levels),
        chances=_chances(rules, found, weights),
        known=seen.asked[:, :, np.newaxis] >= counts,
        vetoed=seen.vetoed,
        cleared=seen.cleared,
        bought=seen.bought,
        hopes=None if found.hopes is None else _spread(rules, found.hopes),
        waits=seen.waits,
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
        hopes=found.levels if found.hopes is None else found.hopes,
        walk=walk(history) if rules.error_worth is None else _walk_by_net(history, nets),
    )


def _pilot(rules: LadderRules, tables: Tables, seen: Seen) -> tuple[Bools, Ints, Ints, Floats]:
    """Survivors, cases needed, cases reached, and the last predicted chance of each option.

    A veto before the pilot's end drops an option. A later veto does not change the weights, which
    are frozen with the pilot. A pilot of all the cases drops no option: it would save no calls.
    """
    shape = seen.asked.shape
    alive = ~(seen.vetoed & (seen.asked == 0))
    needed = np.zeros(shape, dtype=np.int64)
    piloted = np.zeros(shape, dtype=np.int64)
    chances = np.ones(shape)
    if tables.pilot is None:
        return alive, needed, piloted, chances
    target = PassMark(
        margin=rules.test.margin, level=rules.most[:, None], n=rules.checks[-1] - rules.pilot
    )
    seen_best = tables.pilot if tables.best_pilot is None else tables.best_pilot
    found = predicted_chance(seen_best, None, target, rules.steering.prior)
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
    """Shares of alpha before and after too small ones are removed; equal without a pilot."""
    most: Floats = np.broadcast_to(rules.most / rules.alpha, alive.shape)
    if not rules.stages:
        equal = np.where(alive, 1.0 / alive.shape[1], 0.0)
        return equal, within(equal, most)
    least = rules.steering.least_weight if rules.pilot < rules.checks[-1] else 0.0
    hopeful, savings = np.where(alive, chances, 0.0), np.asarray(rules.savings)
    # A pilot is small: its expected loss must not take all of an option's weight.
    worth = np.maximum(nets, _LEAST_WORTH * savings)
    return raw_shares(hopeful, worth), within(weigh(hopeful, worth, least), most)


def _nets(rules: LadderRules, found: Tables, shape: tuple[int, ...]) -> Floats:
    """Expected net savings by the pilot alone, as shares of the incumbent's cost."""
    savings: Floats = np.broadcast_to(np.asarray(rules.savings), shape)
    if rules.error_worth is None or found.pilot is None:
        return savings
    last = found.pilot.last()
    difference = expected_difference(last, rules.steering.prior)[..., 0]
    return savings - rules.error_worth * np.maximum(-difference, 0.0)


def _net_savings(
    rules: LadderRules, found: Tables, shape: tuple[int, ...]
) -> dict[str, Floats | None]:
    """Each option's net saving at every check, and its largest possible one: see `History`."""
    if rules.error_worth is None:
        return {"nets": None, "most": None}
    most: Floats = np.broadcast_to(np.asarray(rules.savings), shape)
    counted = found.counted
    known = counted.n > 0
    mean = np.divide(counted.total, counted.n, out=np.zeros(counted.total.shape), where=known)
    nets = most[..., None] - rules.error_worth * np.maximum(-mean, 0.0)
    return {"nets": np.where(known, nets, -np.inf), "most": most}


def _walk_by_net(history: History, nets: Floats) -> Walk:
    """The walk with the options ordered by expected net saving; ties keep their order."""
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
    """Reorder an array along its option axis; other values are returned unchanged."""
    if not isinstance(values, np.ndarray):
        return values
    array = cast("Floats", values)
    if array.ndim == 1:
        return array
    wanted = order if array.ndim == 2 else order[..., None]  # noqa: PLR2004  # options, checks
    return np.take_along_axis(array, wanted, axis=1)


def _spread(rules: LadderRules, levels: Floats) -> Floats:
    """The looks' levels at their places among the checks; NaN elsewhere."""
    spread = np.full((*levels.shape[:2], len(rules.checks)), np.nan)
    places = [rules.checks.index(look) for look in rules.test.looks]
    spread[:, :, places] = levels
    return spread


def _chances(rules: LadderRules, tables: Tables, weights: Floats) -> Floats:
    """Predicted chance at every check, with what is absent at its best.

    The level lies between the option's own and the whole alpha.
    """
    level = np.minimum(rules.alpha * np.sqrt(np.maximum(weights, 1e-9)), rules.most)
    target = PassMark(
        margin=rules.test.margin, level=level[..., None], n=rules.checks[-1] - rules.pilot
    )
    counted = tables.counted if tables.best_counted is None else tables.best_counted
    pilot = tables.pilot if tables.best_pilot is None else tables.best_pilot
    every = counted if pilot is None else counted.plus(pilot.last())
    return predicted_chance(every, counted, target, rules.steering.prior)
