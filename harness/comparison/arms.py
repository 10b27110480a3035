"""What one option answered, scored: the half of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One option's scores by case id; a case that is not in `scores` was not asked yet.

    A tuple holds one score in [0, 1] per repeat; None is Missing (the world's fault). `failed`
    names cases with a Failed trial (the model's fault, score 0, which stands in `scores`).
    `unlabelled` names answered cases that no label can score yet: their repeats are None.
    `answers` are normalised answers, given only where equal answers make equal scores: then
    they settle cases without a label.
    """

    option: str
    scores: Mapping[str, tuple[float | None, ...]]
    failed: frozenset[str] = frozenset()
    unlabelled: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def score(self, case_id: str) -> float | None:
        """Mean over the repeats that have a score; None when none has."""
        present = [value for value in self.scores[case_id] if value is not None]
        return sum(present) / len(present) if present else None

    def missing(self, case_ids: tuple[str, ...]) -> int:
        """Trials without a score because of the world, among these cases."""
        return sum(
            sum(value is None for value in self.scores[case_id])
            for case_id in case_ids
            if case_id in self.scores and case_id not in self.unlabelled
        )

    def trials(self, case_ids: tuple[str, ...]) -> int:
        """Trials asked, among these cases."""
        return sum(len(self.scores.get(case_id, ())) for case_id in case_ids)
