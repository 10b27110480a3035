"""Estimates and p-values of one option's pairs, and how many cases it still needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from harness.judge.comparison.pairs import (
    Pair,
    Pairs,
    at_best,
    at_worst,
    bounded,
    missing_as_zero,
    sample,
)
from harness.judge.decision.standing import Figures, PairsSoFar, Standing
from harness.stats.arrays import Moments, moments_of
from harness.stats.estimates import estimate, harm_p_value, least_loss, p_value
from harness.stats.sequential.design import Design
from harness.stats.sequential.levels import TestRules, holm
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

    The value is that of the pairs that have one. Each bound has all that is absent against it, as
    in the test.
    """
    start, stop = cases
    chosen = pairs.pairs[start:stop]
    best = bounded(chosen, design.method, design.alpha)
    pessimist = estimate(missing_as_zero(chosen), design.method, level)
    return Figures(
        cases=(start, start + len(chosen)),
        level=level,
        tested=bounded(chosen, design.method, level),
        best=None if best is None else best.upper,
        worst_missing_as_zero=None if pessimist is None else pessimist.lower,
    )


def on_all_cases(design: Design, pairs: Pairs) -> Figures:
    """As `shown`, on every case of the option, pilot included; used to show harm to a part."""
    return shown(design, pairs, cases=(0, len(pairs.pairs)), level=design.alpha)


def resting_on_all(design: Design, standing: Standing, pairs: Pairs) -> Standing:
    """The same standing with the figures of every case, on which harm to a part was shown."""
    found = on_all_cases(design, pairs)
    return standing if found.tested is None else replace(standing, figures=found)


def option_p_value(
    design: Design, evidence: PairsSoFar, option: str, count: int, *, best: bool = False
) -> float | None:
    """Largest p-value of the option and its proven parts before `count`; None if one has none.

    All that is absent counts against the option; with `best`, in its favour.
    """
    fill = at_best if best else at_worst
    found = [
        p_value(fill(pairs), design.method, margin)
        for pairs, margin, _ in parts_before(design, evidence, option, count, start=design.pilot)
    ]
    known = [value for value in found if value is not None]
    return max(known) if len(known) == len(found) else None


def to_settle(
    design: Design, evidence: PairsSoFar, option: str, *, count: int, level: float
) -> int:
    """Fewest labels or answers that can settle the test of the cases before `count`; 0: none.

    It is settled once it passes, or fails, whatever the rest would say. They may all be needed.
    """
    parts = parts_before(design, evidence, option, count, start=design.pilot)
    lacking = (pair.case_id for pairs, _, _ in parts for pair in pairs if pair.reach is not None)
    absent = list(dict.fromkeys(lacking))

    def passes(favourable: int) -> bool:
        """With so many of them in its favour and the rest against it."""
        return _passes(design, evidence, option, frozenset(absent[:favourable]), (count, level))

    if not absent or passes(0) or not passes(len(absent)):
        return 0
    low, high = 0, len(absent)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return min(high, len(absent) - low)


def _passes(
    design: Design,
    evidence: PairsSoFar,
    option: str,
    favourable: frozenset[str],
    at: tuple[int, float],
) -> bool:
    count, level = at
    for pairs, margin, _ in parts_before(design, evidence, option, count, start=design.pilot):
        taken = [
            replace(pair, difference=pair.most, reach=None) if pair.case_id in favourable else pair
            for pair in pairs
        ]
        found = p_value(at_worst(taken), design.method, margin)
        if found is None or found >= level:
            return False
    return True


def parts_before(
    design: Design, evidence: PairsSoFar, option: str, count: int, *, start: int = 0
) -> Iterator[tuple[Sequence[Pair], float, float]]:
    """The whole and each proven part before `count`: pairs, margin, share of the cases."""
    pairs, size = evidence.pairs[option], max(len(design.order), 1)
    yield pairs.pairs[start:count], design.margin / 100, 1.0
    for part in design.proven:
        chosen = _at(evidence.under(option, part.measure), part.positions, start, count)
        yield chosen, part.margin / 100, len(part.positions) / size


def _at(source: Pairs, positions: tuple[int, ...], start: int, stop: int) -> list[Pair]:
    end = min(stop, len(source.pairs))
    return [source.pairs[index] for index in positions if start <= index < end]


class ShownHarm(NamedTuple):
    """A loss beyond the margin that is shown by the cases up to `end`, at a check's `level`."""

    end: int
    level: float


_HARM_SPENDING = 0.1
"""Nearly alike at each stop (Pocock): an option that does much harm is given up on few cases."""


def harms(design: Design, evidence: PairsSoFar, used: Mapping[str, int]) -> Mapping[str, ShownHarm]:
    """The options that are shown to be worse than the margin, by the cases that each has `used`.

    Tested are all its cases, the pilot's too, at the last stage or check that was reached, by
    boundaries over all of them: they hold whichever it is, and so at a stop that the data choose.
    All options share alpha (Holm), those that were not tested included: of all reviews at most that
    many say it of any option that is no worse. What is absent favours the option.
    """
    rules = harm_rules(design)
    ends = rules.looks
    reached = {
        option: sum(end <= used.get(option, 0) for end in ends) - 1 for option in design.options
    }
    smallest = [_harm(design, evidence, rules, name, check) for name, check in reached.items()]
    result = holm(smallest, design.alpha)
    return {
        name: ShownHarm(end=ends[check], level=_nominal(rules, float(level), check))
        for (name, check), passed, level in zip(
            reached.items(), result.passed, result.level, strict=True
        )
        if passed
    }


def harm_rules(design: Design) -> TestRules:
    """Where harm may be shown: wherever an option may be stopped, the last case included."""
    stops = (*design.stages, *(design.checks or design.looks))
    if not design.steering.futile_below:
        stops = design.looks[-1:]
    return TestRules(
        method=design.method,
        margin=design.margin / 100,
        start=0,
        looks=tuple(dict.fromkeys(stops)),
        spending=_HARM_SPENDING,
    )


def _harm(design: Design, evidence: PairsSoFar, rules: TestRules, option: str, check: int) -> float:
    """Smallest level at which a check shows harm; 1 where nothing is tested.

    It is the p-value at least, so that boundaries are needed for few options.
    """
    if check < 0 or option not in evidence.pairs:
        return 1.0
    chosen = evidence.pairs[option].pairs[: rules.looks[check]]
    found = harm_p_value(at_best(chosen), design.method, rules.margin)
    if found is None or found >= design.alpha:
        return 1.0
    return found if len(rules.looks) == 1 else float(rules.smallest(found, check))


def _nominal(rules: TestRules, level: float, check: int) -> float:
    return level if len(rules.looks) == 1 else rules.nominal(level, check)


def harmful(design: Design, pairs: Pairs, harm: ShownHarm, *, level: float) -> Figures:
    """Figures of an option that is shown to be worse: the upper bound is the one that showed it."""
    found = shown(design, pairs, cases=(0, harm.end), level=level)
    chosen = pairs.pairs[: harm.end]
    best = least_loss(at_best(chosen), design.method, harm.level)
    return replace(found, best=best, best_level=harm.level)


def incomplete(design: Design, pairs: Pairs) -> bool:
    """Whether more cases were left out than the design allows: both models failed on them.

    No filling bounds these. All other answers that are missing count at their worst in the test.
    Where not one case is known nothing can be told of it.
    """
    unknown = [pair for pair in pairs.pairs if pair.difference is None]
    left_out = sum(pair.reach is None for pair in unknown)
    nothing = len(unknown) == len(pairs.pairs) and any(pair.missing for pair in unknown)
    return nothing or left_out > design.largest_missing_share * len(pairs.pairs)


def unlabelled(pairs: Pairs, count: int) -> tuple[str, ...]:
    """Cases before `count` whose disagreement has no label yet."""
    return tuple(pair.case_id for pair in pairs.until(count) if pair.unlabelled)


_STEP = 10


def cases_to_decide(
    design: Design, evidence: PairsSoFar, standing: Standing, *, next_level: float = 1.0
) -> int | None:
    """Total cases, pilot included, at which a stopped or open option would be decided.

    `next_level` is the level of a test on more cases, as a share of this test's. None: over 20,000,
    nothing was seen, or no level is left. A proven part needs enough of its own cases to clear its
    own margin.
    """
    if standing.option not in evidence.pairs or next_level <= 0:
        return None
    size, stop = len(design.order), standing.stop
    end = size if stop is None else stop.seen
    level, totals = next_level * (standing.level or design.alpha), list[float]()
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
