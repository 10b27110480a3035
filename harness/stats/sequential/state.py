"""The state of one history of a ladder, in plain values: what the product calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from harness.stats.arrays import Floats
from harness.stats.sequential.design import Design
from harness.stats.sequential.histories import Filling, HistoryStates, LadderRules, Seen, run
from harness.stats.sequential.levels import TestRules

Rows: TypeAlias = tuple[tuple[float | None, ...], ...]
"""An option's paired differences over its cases in order: of the whole, then of each proven part of
the design. None: absent, left out, or not in the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderSeen:
    """What has been seen of each option of a ladder, cheapest first.

    `at_worst` and `at_best` are `known` with all that is absent against or for the option; None:
    nothing is absent. `waits`: some of it are labels.
    """

    known: tuple[Rows, ...]
    vetoed: tuple[bool, ...]
    cleared: tuple[bool, ...]
    waits: tuple[bool, ...]
    at_worst: tuple[Rows, ...] | None = None
    at_best: tuple[Rows, ...] | None = None

    @property
    def asked(self) -> tuple[int, ...]:
        """How many cases each option was asked."""
        return tuple(len(whole) for whole, *_ in self.known)


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


def ladder_state(design: Design, seen: LadderSeen) -> LadderState:
    """Advance one history as far as its answers allow."""
    found = run(rules_of(design), _history(design, seen))
    walk = found.walk
    wants, confirm = int(walk.wants[0]), int(walk.confirm[0])
    ends = (0, *design.checks)
    return LadderState(
        options=tuple(
            _option(design, found, place, asked) for place, asked in enumerate(seen.asked)
        ),
        wants=wants if wants >= 0 else None,
        until=ends[min(int(walk.reached[0, wants]) + 1, len(design.checks))] if wants >= 0 else 0,
        confirm=confirm if confirm >= 0 else None,
    )


def _history(design: Design, seen: LadderSeen) -> Seen:
    known = _filling(design, seen.known)
    return Seen(
        differences=known.differences,
        asked=np.array([seen.asked], dtype=np.int64),
        vetoed=np.array([seen.vetoed], dtype=np.bool_),
        cleared=np.array([seen.cleared], dtype=np.bool_),
        parts=known.parts,
        clusters=np.unique(np.array(design.clusters), return_inverse=True)[1],
        bought=True,
        at_worst=None if seen.at_worst is None else _filling(design, seen.at_worst),
        at_best=None if seen.at_best is None else _filling(design, seen.at_best),
        waits=np.array([seen.waits], dtype=np.bool_),
    )


def _filling(design: Design, options: Sequence[Rows]) -> Filling:
    whole, *parts = (
        _matrix([rows[place] for rows in options], len(design.order))
        for place in range(1 + len(design.proven))
    )
    margins = [part.margin / 100 for part in design.proven]
    return Filling(differences=whole, parts=list(zip(parts, margins, strict=True)))


def _option(design: Design, found: HistoryStates, place: int, asked: int) -> OptionState:
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
        levels=_known(found.levels[0, place], asked, design.looks),
        hopes=_known(found.hopes[0, place], asked, design.looks),
        reached=ends[int(walk.reached[0, place])],
        stopped=stopped,
        accepted=bool(walk.accepted[0, place]),
    )


def nominal_level(design: Design, local: float, look: int) -> float:
    """Level at which look `look` (from 0) tests an option whose local level is `local`."""
    return rules_of(design).test.nominal(local, look)


def _matrix(rows: Sequence[Sequence[float | None]], size: int) -> Floats:
    filled = np.full((1, len(rows), size), np.nan)
    for place, row in enumerate(rows):
        filled[0, place, : len(row)] = [np.nan if value is None else value for value in row]
    return filled


def _known(levels: Floats, asked: int, looks: tuple[int, ...]) -> tuple[float | None, ...]:
    return tuple(
        float(level) if end <= asked and not np.isnan(level) else None
        for level, end in zip(levels, looks, strict=True)
    )
