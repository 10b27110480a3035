"""Does the incumbent pass its own bar?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.comparison.samples import labels
from harness.stats.estimates import Sample, level_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.comparison.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The incumbent's own score, points; bounds at one-sided 5 %."""

    value: float
    lower: float
    upper: float
    n: int

    def fails(self, bar: float | None) -> bool:
        """Shown to be below its bar (points); without a bar it cannot fail."""
        return bar is not None and self.upper < bar


def baseline(pairs: Sequence[Pair], *, level: float = 0.05) -> Baseline | None:
    """Estimate the incumbent's score on the cases it was asked; None without a score.

    None, too, where labels are lacking: the labelled cases are those on which the models differ.
    """
    if any(pair.agreed or pair.unlabelled for pair in pairs):
        return None
    scored = [pair for pair in pairs if pair.current is not None]
    found = level_estimate(
        Sample(
            differences=tuple(pair.current for pair in scored if pair.current is not None),
            clusters=labels([pair.cluster for pair in scored]),
        ),
        level,
    )
    if found is None:
        return None
    return Baseline(
        value=100 * found.value, lower=100 * found.lower, upper=100 * found.upper, n=found.n
    )
