"""Who said what last: people's labels and grades, and how far two labellers agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.stats.agreement import cohen_kappa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalsets.cases import Grade, Label
    from harness.stats.agreement import Kappa

FEWEST_GRADES = 30
"""Fewest grades by people that a judge is held against."""


def standing_grades(grades: Iterable[Grade], *, rubric_sha256: str) -> tuple[Grade, ...]:
    """The last grade of every answer by this rubric; a withdrawn one leaves the answer ungraded."""
    last: dict[tuple[str, str], Grade] = {}
    for grade in grades:
        if grade.rubric_sha256 != rubric_sha256:
            continue
        if grade.withdrawn:
            last.pop((grade.case, grade.answer_sha256), None)
        else:
            last[grade.case, grade.answer_sha256] = grade
    return tuple(last.values())


def two_labellers(labels: Iterable[Label]) -> tuple[tuple[str, str], Kappa] | None:
    """The two who labelled the most cases together, and their kappa; None when no two did."""
    last: dict[tuple[str, str], str] = {}
    for each in labels:
        if each.withdrawn:
            last.pop((each.by, each.case), None)
        else:
            last[each.by, each.case] = " | ".join(sorted(each.answers))
    people = sorted({by for by, _ in last})
    shared = Counter(
        {
            (one, other): len(_cases(last, one) & _cases(last, other))
            for place, one in enumerate(people)
            for other in people[place + 1 :]
        }
    )
    if not shared or not max(shared.values()):
        return None
    (one, other), _ = shared.most_common(1)[0]
    cases = sorted(_cases(last, one) & _cases(last, other))
    kappa = cohen_kappa([last[one, c] for c in cases], [last[other, c] for c in cases])
    return (one, other), kappa


def _cases(last: dict[tuple[str, str], str], by: str) -> set[str]:
    return {case for name, case in last if name == by}
