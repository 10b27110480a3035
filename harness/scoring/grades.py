"""What judges said of answers, by digest: enough to score, and no text is held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

EVEN = 0.5
"""What an answer is worth that is neither better nor worse than today's."""


def answer_sha256(text: str) -> str:
    """Names an answer without holding it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class GradeBook:
    """Grades by measure, case and answer, as judges gave them. Grows as they come."""

    _grades: dict[tuple[str, str, str], float] = field(
        default_factory=dict[tuple[str, str, str], float]
    )

    def enter(self, measure: str, case_id: str, answer: str, worth: float) -> None:
        """Write a grade down."""
        self._grades[measure, case_id, answer_sha256(answer)] = worth

    def find(self, measure: str, case_id: str, answer: str) -> float | None:
        """An answer's grade; None where there is none."""
        return self.known(measure, case_id, answer_sha256(answer))

    def known(self, measure: str, case_id: str, sha256: str) -> float | None:
        """The grade of the answer with this digest; None where there is none."""
        return self._grades.get((measure, case_id, sha256))
