"""Estimates and p-values of one option's pairs, and how many cases it still needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from math import ceil
from typing import NamedTuple

from harness.judge.comparison.pairs import Pair, Pairs, missing_as_zero, sample
from harness.judge.decision.standing import Figures, PairsSoFar, Standing
from harness.stats.arrays import Moments, moments_of
from harness.stats.estimates import estimate, p_value
from harness.stats.sequential.design import Design
from harness.stats.sequential.steering import (
    MOST_CASES,
    Taken,
    as_believed,
    as_measured,
    cases_to_show,
    inflation_of,
)


def shown(design: Design, pairs: Pairs, *, cases: tuple[int, int], level: float) -> Figures:
    """Figures of an option on `cases`, from the first to before the second.

    They end before the first case without its label: skipping such cases would drop disagreements
    only.
    """
    start, stop = cases
    chosen = tuple(takewhile(lambda pair: not pair.unlabelled, pairs.pairs[start:stop]))
    tested = estimate(sample(chosen), design.method, level)
    unadjusted = estimate(sample(chosen), design.method, design.alpha)
    pessimist = estimate(missing_as_zero(chosen), design.method, level)
    return Figures(
        cases=(start, start + len(chosen)),
        level=level,
        tested=tested,
        best=None if unadjusted is None else unadjusted.upper,
        worst_missing_as_zero=None if pessimist is None else pessimist.lower,
    )


def on_all_cases(design: Design, pairs: Pairs) -> Figures:
    """As `shown`, on every case of the option, pilot included; used to show harm."""
    return shown(design, pairs, cases=(0, len(pairs.pairs)), level=design.alpha)


def resting_on_all(design: Design, standing: Standing, pairs: Pairs) -> Standing:
    """The same standing with the figures of every case, on which harm to a part was shown."""
    found = on_all_cases(design, pairs)
    return standing if found.tested is None else replace(standing, figures=found)


def option_p_value(design: Design, evidence: PairsSoFar, option: str, count: int) -> float | None:
    """Largest p-value of the option and its proven parts before `count`; None if one has none."""
    found = [
        p_value(sample(pairs), design.method, margin)
        for pairs, margin, _ in parts_before(design, evidence, option, count, start=design.pilot)
    ]
    known = [value for value in found if value is not None]
    return max(known) if len(known) == len(found) else None


def parts_before(
    design: Design, evidence: PairsSoFar, option: str, count: int, *, start: int = 0
) -> Iterator[tuple[Sequence[Pair], float, float]]:
    """The whole and each proven part before `count`: pairs, margin, share of the cases."""
    pairs, size = evidence.pairs[option], max(len(design.order), 1)
    yield pairs.pairs[start:count], design.margin / 100, 1.0
    for part in design.proven:
        source = pairs if part.measure is None else evidence.measures[option][part.measure]
        chosen = _at(source, part.positions, start, count)
        yield chosen, part.margin / 100, len(part.positions) / size


def _at(source: Pairs, positions: tuple[int, ...], start: int, stop: int) -> list[Pair]:
    end = min(stop, len(source.pairs))
    return [source.pairs[index] for index in positions if start <= index < end]


def inferior(design: Design, pairs: Pairs) -> bool:
    """Whether all its cases show a loss beyond the margin, at one-sided alpha, unadjusted."""
    best = on_all_cases(design, pairs).best
    return best is not None and best < -design.margin / 100


def incomplete(design: Design, pairs: Pairs) -> bool:
    """Whether more trials of an arm are missing than the design allows."""
    worst = max(pairs.incumbent.share, pairs.candidate.share)
    return worst > design.largest_missing_share


def unlabelled(pairs: Pairs, count: int) -> tuple[str, ...]:
    """Cases before `count` whose disagreement has no label yet."""
    return tuple(pair.case_id for pair in pairs.until(count) if pair.unlabelled)


_STEP = 10


def cases_to_decide(design: Design, evidence: PairsSoFar, standing: Standing) -> int | None:
    """Total cases, pilot included, at which a stopped or open option would be decided.

    None: over 20,000, or nothing was seen. A proven part needs enough of its own cases to clear
    its own margin.
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
    """What is to be shown: a loss below `margin`, at `level`."""

    margin: float
    level: float


def _taken(design: Design, pairs: Sequence[Pair], *, stopped: bool) -> Taken | None:
    """The assumed candidate: as measured on the cases that its figures rest on.

    An option that was stopped early has few cases: the posterior is used if it is worse.
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
