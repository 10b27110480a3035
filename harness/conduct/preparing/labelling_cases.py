"""`label`: people say which answer is right, or grade answers by a rubric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.bring.labelling import grading, sheets
from harness.bring.labelling.grading import GradeRecorder, Ungraded
from harness.bring.labelling.questions import Question
from harness.bring.labelling.recording import Sitting, Verdict, labels_of, sit
from harness.bring.labelling.sheets import Console, FilledSheet, SheetForm
from harness.conduct.finding.checks import two_labellers
from harness.conduct.opening import cycle_of, utc_now
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.model import FeaturePlan
from harness.plan.planning import Selection, plan_review
from harness.stats.reliability import Kappa
from harness.workspace.state import journal_file, write_private
from harness.workspace.workspace import load_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesToLabel:
    """Whose cases are labelled, and by whom."""

    root: Path
    """Folder of the workspace."""
    feature: str
    by: str
    cycle: str | None = None
    """As 2026-Q4; the current quarter without."""
    second: bool = False
    """A second person: the first one's labels do not count."""
    all_looks: bool = False
    """Every look's cases, not the next look's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestions:
    """Pairs of answers of which a person says which is right, blind."""

    plan: FeaturePlan
    sitting: Sitting
    asked: tuple[Question, ...]
    """What is asked in one go."""

    @property
    def later(self) -> int:
        """Questions that belong to later looks, and may need no label."""
        return len(self.sitting.open) - len(self.asked)

    def ask(self, console: Console) -> int:
        """Ask a person at a terminal; returns how many were answered."""
        return sheets.label(self.asked, self.sitting.recorder, console)

    def write(self, path: Path) -> None:
        """Write a sheet to be filled in.

        Raises:
            UsageError: neither .csv nor .html, or a sheet that somebody filled in is there.
        """
        makers = {".csv": sheets.write_csv, ".html": sheets.write_html}
        if path.suffix not in makers:
            raise UsageError(f"--sheet {path}: .csv or .html")
        _refuse_filled(path, sheets.LABEL_SHEET)
        write_private(path, makers[path.suffix](self.asked))

    def read(self, path: Path) -> FilledSheet[Question, Verdict]:
        """Record the answers of a filled sheet.

        Raises:
            UsageError: it is no such sheet.
        """
        found = sheets.read_csv(path.read_text("utf-8-sig"), self.sitting.open, file=path.name)
        for question, verdict in found.answers:
            self.sitting.recorder.record(question, verdict)
        return found

    def agreement(self) -> tuple[tuple[str, str], Kappa] | None:
        """Who labelled the most cases together, and how far they agree; None without two."""
        return two_labellers(labels_of(self.plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGrades:
    """Answers that a person grades, so that the judging model can be held against them."""

    asked: tuple[Ungraded, ...]
    recorder: GradeRecorder

    def ask(self, console: Console) -> int:
        """Ask a person at a terminal; returns how many were graded."""
        return grading.grade(self.asked, self.recorder, console)

    def write(self, path: Path) -> None:
        """Write a sheet to be filled in.

        Raises:
            UsageError: no .csv, or a sheet that somebody filled in is there.
        """
        if path.suffix != ".csv":
            raise UsageError(f"--sheet {path}: .csv")
        _refuse_filled(path, grading.GRADE_SHEET)
        write_private(path, grading.write_sheet(self.asked))

    def read(self, path: Path) -> FilledSheet[Ungraded, str]:
        """Record the grades of a filled sheet.

        Raises:
            UsageError: it is no such sheet.
        """
        found = grading.read_sheet(path.read_text("utf-8-sig"), self.asked, file=path.name)
        for each, choice in found.answers:
            self.recorder.record(each, choice)
        return found


def label(
    wanted: CasesToLabel, *, clock: Callable[[], datetime] = utc_now
) -> OpenQuestions | OpenGrades:
    """What people are asked of a feature: which answer is right, or grades where a model judges.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such feature or cycle, no journal, or nothing that a label could settle.
    """
    day = clock().date()
    loaded = load_workspace(wanted.root, features=(wanted.feature,))
    cycle, chosen = cycle_of(wanted.cycle, day), Selection(features=(wanted.feature,))
    plan = plan_review(loaded, cycle=cycle, on=day, wanted=chosen).features[0]

    def moment() -> str:
        return clock().isoformat(timespec="seconds")

    with Journal.read(journal_file(wanted.root)) as journal:
        if plan.judges:
            found = grading.ungraded(plan, journal, by=wanted.by, second=wanted.second)
            path = plan.sample.folder / plan.evalset.grades_file
            recorder = GradeRecorder(path=path, by=wanted.by, clock=moment)
            return OpenGrades(asked=tuple(found), recorder=recorder)
        sitting = sit(plan, journal, by=wanted.by, clock=moment, second=wanted.second)
    asked = sitting.wanted(all_looks=wanted.all_looks)
    return OpenQuestions(plan=plan, sitting=sitting, asked=asked)


def _refuse_filled(path: Path, form: SheetForm) -> None:
    """Refuse to overwrite a sheet in which somebody has written answers."""
    is_sheet = path.suffix == ".csv" and path.is_file()
    if is_sheet and form.is_filled(path.read_text("utf-8-sig", errors="replace")):
        raise UsageError(f"{path}: is filled in; read it with --filled, then name another file")
