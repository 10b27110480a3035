"""What one option's pairs show at given levels, as the design's method sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from harness.comparison.samples import missing_as_zero, sample
from harness.stats.estimates import Estimate, estimate, p_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.comparison.pairs import Pair, Pairs
    from harness.decision.standing import Standing
    from harness.decision.step import Evidence
    from harness.stats.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An option's figures on one set of cases, shares; None where nothing can be estimated."""

    cases: tuple[int, int]
    """All of them rest on the cases from the first to before the second."""
    level: float
    tested: Estimate | None
    """At the level that decided."""
    best: float | None
    """At one-sided alpha, unadjusted."""
    worst_missing_as_zero: float | None


def shown(design: Design, pairs: Pairs, *, cases: tuple[int, int], level: float) -> Shown:
    """Bounds of an option on the cases from the first to before the second.

    A case that waits for its label ends them: left out, only differences would go.
    """
    start, stop = cases
    chosen = tuple(takewhile(lambda pair: not pair.unlabelled, pairs.pairs[start:stop]))
    tested = estimate(sample(chosen), design.method, level)
    unadjusted = estimate(sample(chosen), design.method, design.alpha)
    pessimist = estimate(missing_as_zero(chosen), design.method, level)
    return Shown(
        cases=(start, start + len(chosen)),
        level=level,
        tested=tested,
        best=None if unadjusted is None else unadjusted.upper,
        worst_missing_as_zero=None if pessimist is None else pessimist.lower,
    )


def on_all_cases(design: Design, pairs: Pairs) -> Shown:
    """As `shown`, on every case of the option, the pilot's too: harm is shown by all of them."""
    return shown(design, pairs, cases=(0, len(pairs.pairs)), level=design.alpha)


def resting_on_all(design: Design, standing: Standing, pairs: Pairs) -> Standing:
    """The same standing with the figures of every case, where harm to a part is shown by them."""
    found = on_all_cases(design, pairs)
    if found.tested is None:
        return standing
    return replace(
        standing,
        cases=found.cases,
        level=found.level,
        n=found.tested.n,
        difference=found.tested.value,
        worst=found.tested.lower,
        best=found.best,
        worst_missing_as_zero=found.worst_missing_as_zero,
    )


def option_p_value(design: Design, evidence: Evidence, option: str, count: int) -> float | None:
    """Largest p-value of the option and its proven parts on the cases before `count`."""
    found = [
        p_value(sample(pairs), design.method, margin)
        for pairs, margin, _ in parts_before(design, evidence, option, count, start=design.pilot)
    ]
    known = [value for value in found if value is not None]
    return max(known) if len(known) == len(found) else None


def parts_before(
    design: Design, evidence: Evidence, option: str, count: int, *, start: int = 0
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
    """All its cases show the option to be worse than the margin, at one-sided alpha, unadjusted."""
    best = on_all_cases(design, pairs).best
    return best is not None and best < -design.margin / 100


def incomplete(design: Design, pairs: Pairs) -> bool:
    """More trials of an arm are missing than a run may lack."""
    worst = max(pairs.current.share, pairs.candidate.share)
    return worst > design.largest_missing_share


def unlabelled(pairs: Pairs, count: int) -> tuple[str, ...]:
    """Cases before `count` whose disagreement has no label yet."""
    return tuple(pair.case_id for pair in pairs.until(count) if pair.unlabelled)
