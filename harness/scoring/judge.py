"""The scorer `judge`: a model grades open answers by a rubric.

The grades are asked for beforehand, like any other trial, and stand in a `GradeBook`; scoring looks
them up. How far the judge agrees with people is for the review to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.scoring.grades import GradeBook
from harness.scoring.judge_options import judge_options, rubric_sha256, rubric_text
from harness.scoring.scorer import plain

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.judge_options import JudgeOptions
    from harness.scoring.scorer import Scorer, Setting


class NotGradedError(UsageError):
    """An answer that the judge has given no grade."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"case {case.id!r}: the judge has not graded this answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Looks a judge's grades up. `measure` names them in the book: the scorer's options."""

    options: JudgeOptions
    rubric: str
    measure: str
    book: GradeBook
    closed: bool = False
    needs_target: bool = False

    @property
    def rubric_sha256(self) -> str:
        """Of the rubric, the requirement and the grades."""
        return rubric_sha256(self.options, self.rubric)

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(answer) or None

    def requirement(self, case: Case) -> str | None:
        """What this case's own answer must hold; None where nothing is stated."""
        key = self.options.requirement
        return None if key is None else case.meta(key) or None

    def applies(self, case: Case) -> bool:
        """Whether anything is asked of this case's answer."""
        return bool(self.rubric) or self.requirement(case) is not None

    def settled(self, case: Case, answer: str) -> float | None:
        """The score that needs no judge: nothing is required, or there is no answer."""
        if not self.applies(case):
            return 1.0
        return 0.0 if self.normalise(answer) is None else None

    def score(self, case: Case, answer: str) -> float:
        """The answer's grade; raises `NotGradedError` where the judge gave none."""
        settled = self.settled(case, answer)
        if settled is not None:
            return settled
        found = self.book.find(self.measure, case.id, answer)
        if found is None:
            raise NotGradedError(case)
        return found


def judge(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `Judge`."""
    return judge_of(spec, setting)


def judge_of(spec: ScorerSpec, setting: Setting) -> Judge:
    """Make a `Judge`, as its own type."""
    options = judge_options(spec)
    return Judge(
        options=options,
        rubric=rubric_text(options, setting),
        measure=spec.options,
        book=setting.grades if setting.grades is not None else GradeBook(),
    )
