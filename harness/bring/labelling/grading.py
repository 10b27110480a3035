"""People grade open answers by the judge's rubric, blind; the judge is then measured against them.

A person sees the task, the rubric and one answer (with the incumbent's where the judge compares),
never which model gave it nor what the judge said. A digest draws the answers: nobody picks them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsets.cases import Case
from harness.bring.labelling.sheets import Console, FilledSheet, SheetForm, SheetRow, printable
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.journal.trials import Answered
from harness.judge.scoring.judge import Judge, shown_input
from harness.judge.scoring.replies import opened, whole
from harness.judge.scoring.scorer import answer_sha256
from harness.plan.judging import PlannedJudge
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption

WANTED = 60
"""Grades that usually suffice to show that a good judge is reliable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ungraded:
    """One answer to be graded, without its model; `incumbent` is set where two are compared."""

    case_id: str
    task: str
    wanted: str
    answer: str
    incumbent: str | None
    choices: tuple[str, ...]
    rubric_sha256: str

    @property
    def digest(self) -> str:
        """Identifies this question: a changed row of a sheet no longer matches."""
        whole = (self.case_id, self.answer, self.incumbent, self.rubric_sha256)
        return hashlib.sha256(repr(whole).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRecorder:
    """Appends grades; `clock` gives the moment as UTC, ISO 8601."""

    path: Path
    by: str
    clock: Callable[[], str]

    def record(self, asked: Ungraded, grade: str) -> None:
        """Append one grade."""
        self._append(asked, grade, {})

    def withdraw(self, asked: Ungraded) -> None:
        """Take an answer's grade back."""
        self._append(asked, "", {"withdrawn": True})

    def _append(self, asked: Ungraded, grade: str, more: Mapping[str, object]) -> None:
        line = {
            "case": asked.case_id,
            "answer_sha256": answer_sha256(asked.answer),
            "grade": grade,
            "rubric_sha256": asked.rubric_sha256,
            "by": self.by,
            "at": self.clock(),
            **more,
        }
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def ungraded(plan: FeaturePlan, journal: Journal, *, by: str, second: bool) -> list[Ungraded]:
    """The next answers to grade, in the order of their digests; graded ones are left out.

    With `second`, another person's grades do not count: both grade the same answers.

    Raises:
        UsageError: nothing was replayed yet.
    """
    judge = plan.judges[0]
    reader = judge.reader()
    found = {each.digest: each for each in _answers(plan, journal, judge, reader)}
    if not found:
        raise UsageError(f"{plan.feature}: no answers to grade yet; `rightsize review` asks first")
    ordered = sorted(found.values(), key=lambda each: each.digest)
    graded: set[tuple[str, str]] = set()
    for grade in plan.evalset.grades:
        if grade.rubric_sha256 != reader.rubric_sha256 or (second and grade.by != by):
            continue
        place = (grade.case, grade.answer_sha256)
        (graded.discard if grade.withdrawn else graded.add)(place)
    return [e for e in ordered if (e.case_id, answer_sha256(e.answer)) not in graded][:WANTED]


def _answers(
    plan: FeaturePlan, journal: Journal, judge: PlannedJudge, reader: Judge
) -> Iterator[Ungraded]:
    incumbent = _texts(plan, plan.incumbent, journal) if plan.incumbent else {}
    others = [_texts(plan, option, journal) for option in plan.asked]
    arms = others if judge.pairwise else [incumbent, *others]
    for case in filter(reader.applies, plan.sample.deciding):
        for answers in arms:
            answer = answers.get(case.id)
            if answer is None or reader.settled(case, answer) is not None:
                continue
            other = incumbent.get(case.id) if judge.pairwise else None
            if judge.pairwise and (other is None or other == answer):
                continue
            yield Ungraded(
                case_id=case.id,
                task=shown_input(case),
                wanted=_wanted(reader, case),
                answer=answer,
                incumbent=other,
                choices=tuple(judge.options.worth),
                rubric_sha256=reader.rubric_sha256,
            )


def _wanted(reader: Judge, case: Case) -> str:
    target = f"right, for reference: {case.target}" if case.target is not None else ""
    return "\n".join(part for part in (reader.rubric, reader.requirement(case), target) if part)


def _texts(plan: FeaturePlan, rung: PlannedOption, journal: Journal) -> dict[str, str]:
    trials = {case.id: plan.asker.trial(rung, case, 0, "quality") for case in plan.sample.deciding}
    settled = journal.settled(trial.fingerprint for trial in trials.values())
    found: dict[str, str] = {}
    for case_id, trial in trials.items():
        end = settled.get(trial.fingerprint)
        outcome = end.outcome(trial) if end else None
        if isinstance(outcome, Answered):
            found[case_id] = whole(outcome.text, outcome.tool_calls)
    return found


def grade(asked: Sequence[Ungraded], recorder: GradeRecorder, console: Console) -> int:
    """Ask for every grade; returns how many were given when the person stopped."""
    at = 0
    while at < len(asked):
        console.show(_shown(asked[at], at + 1, len(asked)))
        key = console.read()
        word = "quit" if key is None else key.strip().lower()
        if word in {"quit", "q"}:
            break
        if word in {"undo", "u"} and at:
            at -= 1
            recorder.withdraw(asked[at])
            continue
        choice = _choice(word, asked[at].choices)
        if choice is None:
            console.show(_help(asked[at].choices))
            continue
        recorder.record(asked[at], choice)
        at += 1
    return at


def _choice(word: str, choices: Sequence[str]) -> str | None:
    """The grade that a word names, in full or by an unambiguous prefix."""
    exact = [each for each in choices if each.casefold() == word]
    begins = [each for each in choices if word and each.casefold().startswith(word)]
    found = exact or begins
    return found[0] if len(found) == 1 else None


def _help(choices: Sequence[str]) -> str:
    return f"grade: {', '.join(choices)}; undo (quit stops; what is graded stays)"


def _shown(each: Ungraded, number: int, total: int) -> str:
    other = each.incumbent
    compared = "" if other is None else f"  today's answer:\n{printable(_read(other))}\n\n"
    return (
        f"\n{number} of {total}\n\n{printable(each.task)}\n\n"
        f"  wanted:\n{printable(each.wanted)}\n\n"
        f"{compared}  answer:\n{printable(_read(each.answer))}\n\n{_help(each.choices)}"
    )


GRADE_SHEET = SheetForm(
    name="grade sheet",
    columns=("case", "task", "wanted", "today", "answer", "grade", "check"),
    answer="grade",
)


def write_sheet(asked: Sequence[Ungraded]) -> str:
    """The grade sheet of some answers: one row each, `grade` to be filled in."""
    return GRADE_SHEET.write(
        (
            *(each.case_id, each.task, each.wanted),
            *("" if each.incumbent is None else _read(each.incumbent), _read(each.answer)),
            *("", each.digest),
        )
        for each in asked
    )


def _read(answer: str) -> str:
    """An answer as a person reads it: each tool call on a line, then the text."""
    return opened(answer).shown()


def read_sheet(text: str, asked: Sequence[Ungraded], *, file: str) -> FilledSheet[Ungraded, str]:
    """Read a filled grade sheet against the answers that are open now.

    Raises:
        UsageError: the text is no grade sheet.
    """
    return GRADE_SHEET.read(text, {each.digest: each for each in asked}, _graded, file=file)


def _graded(word: str, row: SheetRow, asked: Ungraded | None) -> tuple[Ungraded, str]:
    if asked is None:
        raise UsageError(f"case {row['case']!r}: not an open answer")
    choice = _choice(word, asked.choices)
    if choice is None:
        raise UsageError(f"case {row['case']!r}: {word!r} is no grade")
    return asked, choice
