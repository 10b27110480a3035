"""The state of one history of a ladder, in plain values: what the product calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.arrays import Floats
from harness.stats.sequential.design import Design
from harness.stats.sequential.histories import (
    Filled,
    HistoryStates,
    LadderRules,
    Seen,
    Tested,
    run,
)
from harness.stats.sequential.levels import TestRules

Differences = tuple["float | None", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Differences over an option's cases in order, and over each proven part of the design.

    None: left out, or not in the part.
    """

    differences: Differences
    parts: tuple[Differences, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSeen:
    """One option's paired differences (None: absent) over its cases, in order.

    `parts` are those of each proven part of the design, over the same cases (None: not in it).
    `worst` and `best` are both with all that is absent against or for the option; None: nothing
    is absent. `waits`: some of it are labels.
    """

    differences: Differences
    parts: tuple[Differences, ...] = ()
    vetoed: bool = False
    cleared: bool = False
    worst: Filling | None = None
    best: Filling | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionState:
    """The state of one option.

    `needed` is the count of cases that it must still reach in the pilot (0: none), `piloted` the
    pilot cases it answered, `predicted` its chance by them (1 without a pilot); `local` its local
    level, `smallest` its sequential p-value, `levels` the smallest level at which each look passes
    (None: not reached), `hopes` the same with all that is absent in its favour, `reached` the count
    of cases that its walk has used. `last_chance` is the predicted chance at which it was dropped
    in the pilot or stopped later; `share` is the part of alpha that a dropped option would have
    had.
    """

    needed: int
    piloted: int
    predicted: float
    dropped: bool
    last_chance: float | None
    share: float | None
    weight: float
    local: float
    smallest: float
    levels: tuple[float | None, ...]
    hopes: tuple[float | None, ...]
    reached: int
    stopped: bool
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderState:
    """The state of a ladder, cheapest option first.

    `wants` is the option to be asked next, up to `until` cases; `confirm` the one that passed and
    whose vetoes are to be checked. Both are indexes of `options`, or None.
    """

    options: tuple[OptionState, ...]
    wants: int | None
    until: int
    confirm: int | None


def rules_of(design: Design) -> LadderRules:
    """The numbers of a design."""
    return LadderRules(
        test=TestRules(
            method=design.method,
            margin=design.margin / 100,
            start=design.pilot,
            looks=design.looks,
            spending=design.steering.spending,
        ),
        stages=design.stages,
        checks=design.checks,
        savings=tuple(max(saving, 1e-6) for saving in design.savings),
        alpha=design.alpha,
        steering=design.steering,
        error_worth=design.error_worth,
        limits=design.limits,
    )


def ladder_state(design: Design, seen: Sequence[OptionSeen]) -> LadderState:
    """Advance one history as far as its answers allow; `seen` is parallel to the options."""
    found = run(rules_of(design), _history(design, seen))
    walk = found.walk
    wants, confirm = int(walk.wants[0]), int(walk.confirm[0])
    ends = (0, *design.checks)
    return LadderState(
        options=tuple(_option(design, found, place, item) for place, item in enumerate(seen)),
        wants=wants if wants >= 0 else None,
        until=ends[min(int(walk.reached[0, wants]) + 1, len(design.checks))] if wants >= 0 else 0,
        confirm=confirm if confirm >= 0 else None,
    )


def _history(design: Design, seen: Sequence[OptionSeen]) -> Seen:
    known = _tested(design, [Filling(differences=s.differences, parts=s.parts) for s in seen])
    filled = None
    if any(item.worst is not None for item in seen):
        filled = Filled(
            worst=_tested(design, [_or_known(item.worst, item) for item in seen]),
            best=_tested(design, [_or_known(item.best, item) for item in seen]),
        )
    return Seen(
        differences=known.differences,
        asked=np.array([[len(item.differences) for item in seen]], dtype=np.int64),
        vetoed=np.array([[item.vetoed for item in seen]], dtype=np.bool_),
        cleared=np.array([[item.cleared for item in seen]], dtype=np.bool_),
        parts=known.parts,
        clusters=np.unique(np.array(design.clusters), return_inverse=True)[1],
        bought=True,
        filled=filled,
        waits=np.array([[item.waits for item in seen]], dtype=np.bool_),
    )


def _or_known(filling: Filling | None, item: OptionSeen) -> Filling:
    return filling or Filling(differences=item.differences, parts=item.parts)


def _tested(design: Design, rows: Sequence[Filling]) -> Tested:
    size = len(design.order)
    return Tested(
        differences=_matrix([row.differences for row in rows], size),
        parts=[
            (_matrix([row.parts[place] for row in rows], size), part.margin / 100)
            for place, part in enumerate(design.proven)
        ],
    )


def _option(design: Design, found: HistoryStates, place: int, item: OptionSeen) -> OptionState:
    walk, ends = found.walk, (0, *design.checks)
    dropped, stopped = bool(found.dropped[0, place]), bool(walk.stopped[0, place])
    chance = found.chances[0, place] if dropped else walk.last_chance[0, place]
    return OptionState(
        needed=int(found.needed[0, place]),
        piloted=int(found.piloted[0, place]),
        predicted=float(found.chances[0, place]),
        dropped=dropped,
        last_chance=float(chance) if dropped or stopped else None,
        share=float(found.shares[0, place]) if dropped else None,
        weight=float(found.weights[0, place]),
        local=float(walk.local[0, place]),
        smallest=float(walk.smallest[0, place]),
        levels=_known(found.levels[0, place], len(item.differences), design.looks),
        hopes=_known(found.hopes[0, place], len(item.differences), design.looks),
        reached=ends[int(walk.reached[0, place])],
        stopped=stopped,
        accepted=bool(walk.accepted[0, place]),
    )


def nominal_level(design: Design, local: float, look: int) -> float:
    """Level at which look `look` (from 0) tests an option whose local level is `local`."""
    return rules_of(design).test.nominal(local, look)


def _matrix(rows: Sequence[Differences], size: int) -> Floats:
    filled = np.full((1, len(rows), size), np.nan)
    for place, row in enumerate(rows):
        filled[0, place, : len(row)] = [np.nan if value is None else value for value in row]
    return filled


def _known(levels: Floats, asked: int, looks: tuple[int, ...]) -> tuple[float | None, ...]:
    return tuple(
        float(level) if end <= asked and not np.isnan(level) else None
        for level, end in zip(levels, looks, strict=True)
    )
