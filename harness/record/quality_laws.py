"""The laws of an option's quality: all its figures rest on the same cases."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.record.content import RecordContent
    from harness.record.parts import OptionRecord, Quality

_CLOSE = 1e-4
"""Points between two figures that are rounded to six digits and are one."""


def broken_in_quality(record: RecordContent) -> Iterator[str]:
    """A line for every law that some option's quality breaks."""
    for option in record.options:
        if option.quality is not None:
            for law in _LAWS:
                for line in law(option, option.quality):
                    yield f"{option.target.option}: {line}"


def alike(one: float, other: float) -> bool:
    """Two figures in points are one, but for their last digits."""
    return abs(one - other) <= _CLOSE


def _table(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Who was right sums to the cases, and gives the difference and both levels."""
    both, neither = quality.both_right, quality.neither_right
    lost, won, n = quality.only_current_right, quality.only_candidate_right, quality.n
    if lost is None or won is None:
        return
    if both is not None and neither is not None and both + lost + won + neither != n:
        yield f"{both} both, {lost} and {won} alone, {neither} neither right are not {n} cases"
    if lost + won + quality.agreed_without_label > n:
        yield f"{lost} + {won} differ, {quality.agreed_without_label} agree, of {n} cases"
    if n and not alike(100 * (won - lost) / n, quality.difference):
        yield f"{won} won and {lost} lost of {n} cases are not {quality.difference:+g} points"
    if n and both is not None:
        for alone, level in ((lost, quality.current), (won, quality.candidate)):
            if level is not None and not alike(100 * (both + alone) / n, level):
                yield f"{both + alone} right of {n} cases are not {level:g} of 100"


def _levels(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Candidate minus current is the difference."""
    current, candidate = quality.current, quality.candidate
    if (current is None) != (candidate is None):
        yield "one model's level is known and the other's is not"
    elif current is not None and candidate is not None:
        if quality.agreed_without_label:
            yield f"levels are told, but {quality.agreed_without_label} cases have no label"
        elif not alike(candidate - current, quality.difference):
            yield f"{candidate:g} less {current:g} is not {quality.difference:+g} points"


def _bounds(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """The difference lies between its bounds."""
    worst, best, difference = quality.worst, quality.best, quality.difference
    if worst > difference + _CLOSE or best < difference - _CLOSE:
        yield f"{difference:+g} points do not lie between {worst:+g} and {best:+g}"


def _missing(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """Where no answer is missing, missing ones cannot change the bound."""
    lost = option.missing
    nothing_lost = lost is not None and not (lost.current or lost.candidate)
    if nothing_lost and quality.missing_cases:
        yield f"{quality.missing_cases} cases lack an answer, but no trial does"
    worst = quality.worst_missing_as_zero
    complete = quality.missing_cases == 0 or (quality.missing_cases is None and nothing_lost)
    if complete and (worst is None or not alike(worst, quality.worst)):
        said = "not known" if worst is None else f"{worst:+g}"
        yield f"nothing is missing, but at worst is {quality.worst:+g} and, so counted, {said}"


def _parts(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Nothing that is counted among the cases exceeds them."""
    counted = {
        "clusters": quality.clusters,
        "cases that agree without a label": quality.agreed_without_label,
        "cases of the pilot": quality.pilot_cases,
        "cases at production's mix": quality.mix.n if quality.mix else None,
    }
    for what, count in counted.items():
        if count is not None and count > quality.n:
            yield f"{count} {what} of {quality.n} cases"
    pilot, deciding = quality.pilot_cases, quality.deciding_cases
    if pilot is not None and deciding is not None and pilot + deciding != quality.n:
        yield f"{pilot} cases of the pilot and {deciding} that decide are not {quality.n}"


def _looks(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Looks are counted from 1 and grow; the pilot alone is number 0."""
    looks = quality.looks
    numbers = [look.number for look in looks]
    start = 0 if numbers == [0] else 1
    if numbers != list(range(start, start + len(numbers))):
        yield f"looks are numbered {', '.join(map(str, numbers))}"
    planned = quality.looks_planned
    if planned is not None and numbers and max(numbers) > planned:
        yield f"look {max(numbers)} of {planned}"
    for before, after in pairwise(looks):
        if after.n < before.n:
            yield f"look {after.number} rests on {after.n} cases, the one before it on {before.n}"
    for look in looks:
        seen, worst = look.difference, look.worst
        if seen is not None and worst is not None and worst > seen + _CLOSE:
            yield f"look {look.number}: {seen:+g} lies under {worst:+g}"


_LAWS: tuple[Callable[[OptionRecord, Quality], Iterator[str]], ...] = (
    _table,
    _levels,
    _bounds,
    _missing,
    _parts,
    _looks,
)
