"""How many cases would show an option within the margin, if it is as it was seen."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from harness.comparison.samples import sample
from harness.decision.bounds import parts_before
from harness.stats.estimates import estimate
from harness.stats.moments import moments_of
from harness.stats.needed import MOST_CASES, as_believed, as_measured, cases_to_show, inflation_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.comparison.pairs import Pair
    from harness.decision.standing import Standing
    from harness.decision.step import Evidence
    from harness.stats.design import Design
    from harness.stats.moments import Moments
    from harness.stats.needed import Taken

_STEP = 10


def cases_to_decide(design: Design, evidence: Evidence, standing: Standing) -> int | None:
    """Cases in all, the pilot's too, of an option that was given up or is open after its last.

    None: of no number up to 20,000 is it likely, or nothing was seen. A proven part needs as many
    of its own as bring it over its own margin.
    """
    if standing.option not in evidence.pairs:
        return None
    size, stop = len(design.order), standing.stop
    end = size if stop is None else stop.seen
    level, totals = standing.level or design.alpha, list[float]()
    for pairs, margin, share in parts_before(design, evidence, standing.option, end, start=0):
        taken = _taken(design, pairs, stopped=stop is not None)
        found = None if taken is None else _needed(design, pairs, taken, Aim(margin, level))
        if found is None or not share:
            return None
        totals.append(found / share)
    whole = max(totals) * size / max(size - design.pilot, 1)
    total = max(_STEP * ceil(whole / _STEP), end + _STEP)
    return None if total > MOST_CASES else total


class Aim(NamedTuple):
    """What has to be shown: a loss below `margin`, at `level`."""

    margin: float
    level: float


def _taken(design: Design, pairs: Sequence[Pair], *, stopped: bool) -> Taken | None:
    """What the option is taken to be: as it was measured on the cases that its figures rest on.

    Of one that was given up early little was seen: what is believed beforehand counts, as it did
    for its chance, where that is less.
    """
    every = _moments(pairs)
    deciding = frozenset(design.order[design.pilot :])
    counted = _moments([pair for pair in pairs if pair.case_id in deciding])
    measured = counted if counted.n else every
    if not measured.n:
        return None
    found = as_measured(measured)
    return as_believed(every, design.steering.prior, at_most=found.difference) if stopped else found


def _moments(pairs: Sequence[Pair]) -> Moments:
    return moments_of(sample(pairs).differences)


def _needed(design: Design, pairs: Sequence[Pair], taken: Taken, aim: Aim) -> int | None:
    """Cases of one part after the pilot."""
    inflation = 1.0
    if design.method != "tango":
        found = estimate(sample(pairs), design.method, aim.level)
        if found is None:
            return None
        inflation = inflation_of(found.value - found.lower, taken, found.n, aim.level)
    return cases_to_show(taken, aim.margin, aim.level, inflation=inflation)
