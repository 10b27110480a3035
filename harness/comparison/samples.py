"""Pairs -> the sample that a test sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.stats.estimates import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.comparison.pairs import Pair


def sample(pairs: Sequence[Pair]) -> Sample:
    """Differences of the settled pairs; a pair with a missing arm is dropped."""
    settled = [pair for pair in pairs if pair.difference is not None]
    return Sample(
        differences=tuple(pair.difference for pair in settled if pair.difference is not None),
        clusters=labels([pair.cluster for pair in settled]),
    )


def missing_as_zero(pairs: Sequence[Pair]) -> Sample:
    """As `sample`, with a missing arm counted as a wrong answer."""
    asked = [pair for pair in pairs if not pair.unlabelled]
    return Sample(
        differences=tuple(
            (pair.candidate or 0.0) - (pair.current or 0.0)
            if pair.difference is None
            else pair.difference
            for pair in asked
        ),
        clusters=labels([pair.cluster for pair in asked]),
    )


def labels(names: Sequence[str]) -> tuple[int, ...]:
    """A number per distinct name, in order of appearance."""
    numbers: dict[str, int] = {}
    return tuple(numbers.setdefault(name, len(numbers)) for name in names)
