"""One labeller's sitting: the questions open to this person, and where the verdicts go.

A verdict becomes a line of `labels.jsonl`, appended with who gave it and when.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from evalsets.cases import Label
from evalsets.labels import read_labels, with_labels
from harness.bring.labelling.questions import (
    Answers,
    Question,
    first_look,
    level_questions,
    questions,
    read_answers,
)
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.model import FeaturePlan

Verdict: TypeAlias = Literal["a", "b", "both", "neither", "skip"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Appends labels. It knows which model gave an answer, which `skip` needs, but never shows it.

    `clock` gives the moment as UTC, ISO 8601.
    """

    path: Path
    answers: Answers
    by: str
    clock: Callable[[], str]

    def record(self, question: Question, verdict: Verdict) -> None:
        """Append one verdict.

        A `skip` counts against the candidate: the incumbent's answer stands as the right one. Of an
        answer that both gave it counts as wrong: nobody could say that it is right.

        Raises:
            UsageError: the verdict calls a malformed reply right.
        """
        line = self._line(question, verdict)
        self._append(question, {**line, "verdict": verdict})

    def withdraw(self, question: Question) -> None:
        """Take back every label of the question's case."""
        self._append(question, {"answer": None, "withdrawn": True})

    def _line(self, question: Question, verdict: Verdict) -> dict[str, Any]:
        match verdict:
            case "a" | "b":
                return {"answer": _valid(question.a if verdict == "a" else question.b)}
            case "both":
                right = dict.fromkeys((_valid(question.a), _valid(question.b)))
                return {"answer": list(right)}
            case "neither":
                return {"answer": None}
            case "skip":
                return self._skipped(question)

    def _skipped(self, question: Question) -> dict[str, Any]:
        if question.is_single:
            return {"answer": None}
        return {"answer": self.answers.incumbent[question.case_id]}

    def _append(self, question: Question, line: dict[str, Any]) -> None:
        both = dict.fromkeys((question.a, question.b))
        shown = [answer for answer in both if answer is not None]
        whole = {
            "case": question.case_id,
            **line,
            "shown": shown,
            "by": self.by,
            "at": self.clock(),
        }
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(whole, ensure_ascii=False) + "\n")


def _valid(answer: str | None) -> str:
    if answer is None:
        raise UsageError(
            "a reply without a valid answer cannot be right; say neither, or the other"
        )
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Open questions of all looks, and the recorder for them.

    `level` are those of the random cases by which the level of quality is known; some of them may
    be among `asked`.
    """

    asked: tuple[Question, ...]
    recorder: Recorder
    level: tuple[Question, ...] = ()

    @property
    def now(self) -> tuple[Question, ...]:
        """The questions of the earliest open look."""
        return tuple(first_look(self.asked))

    def wanted(self, *, all_looks: bool) -> tuple[Question, ...]:
        """What a person is asked in one go: disagreements, then the other random cases."""
        return tuple(dict.fromkeys((*(self.asked if all_looks else self.now), *self.level)))

    @property
    def open(self) -> tuple[Question, ...]:
        """Every open question."""
        return self.wanted(all_looks=True)


def sit(
    plan: FeaturePlan, journal: Journal, *, by: str, clock: Callable[[], str], second: bool = False
) -> Sitting:
    """Open a sitting for `by`.

    With `second`, the labels of others do not settle a case: a second person labels blind to the
    first one's labels, too.

    Raises:
        UsageError: the scorer's answers are open, or nothing was replayed.
    """
    answers = read_answers(plan, journal)
    path = plan.sample.folder / plan.evalset.labels_file
    if second:
        plan = _only(plan, labels_of(plan), by)
    asked = tuple(questions(plan, answers, by=by))
    recorder = Recorder(path=path, answers=answers, by=by, clock=clock)
    level = tuple(level_questions(plan, answers, by=by))
    return Sitting(asked=asked, recorder=recorder, level=level)


def labels_of(plan: FeaturePlan) -> tuple[Label, ...]:
    """Every label of the feature, in the file's order."""
    path = plan.sample.folder / plan.evalset.labels_file
    if not path.is_file():
        return ()
    case_of = {case.id: case.id for case in plan.evalset.cases} | dict(plan.evalset.copies)
    labels, _ = read_labels(path.read_text("utf-8"), file=path.name, case_ids=case_of)
    return tuple(replace(label, case=case_of[label.case]) for label in labels)


def _only(plan: FeaturePlan, labels: tuple[Label, ...], by: str) -> FeaturePlan:
    """The plan with one person's labels alone; only cases without a target are ever labelled."""
    labelled = {label.case for label in labels}
    bare = [
        replace(case, target=None, also_right=(), ruled_out=()) if case.id in labelled else case
        for case in plan.sample.deciding
    ]
    own = with_labels(bare, (label for label in labels if label.by == by))
    return replace(plan, sample=replace(plan.sample, deciding=own))
