"""`rightsize label`: people say which answer is right, or grade answers by a rubric."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from harness.bring.labelling import grading, sheets
from harness.bring.labelling import sheets as terminal
from harness.bring.labelling.grading import GradeRecorder, Ungraded
from harness.bring.labelling.questions import Question
from harness.bring.labelling.recording import Sitting, labels_of, sit
from harness.bring.labelling.sheets import A, Console, FilledSheet, Q
from harness.cli import options
from harness.conduct.concluding.signing import git_identity
from harness.conduct.finding.checks import two_labellers
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.model import FeaturePlan
from harness.plan.planning import Selection, plan_review
from harness.wording import plural
from harness.workspace.state import journal_file
from harness.workspace.workspace import load_workspace

_LEVEL = (
    "Among these are random cases on which the models agree: by them it is known how good the "
    "models are, and not only how they differ."
)


@click.command()
@click.argument("feature")
@options.workspace
@options.cycle
@click.option("--by", default=None, help="Who labels (default: the git identity).")
@click.option(
    "--second", is_flag=True, help="A second person: the first one's labels do not count."
)
@click.option("--all", "all_looks", is_flag=True, help="Every look's cases, not the next look's.")
@click.option(
    "--sheet", type=click.Path(path_type=Path), default=None, help="Write a .csv or .html."
)
@click.option(
    "--filled", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
    help="Read a filled .csv sheet back.",
)  # fmt: skip
def label(  # noqa: PLR0913  # one argument per option of the command
    *,
    feature: str,
    workspace: Path,
    cycle: str | None,
    by: str | None,
    second: bool,
    all_looks: bool,
    sheet: Path | None,
    filled: Path | None,
) -> None:
    """Say which answer is right where models disagree: a, b, both, neither. Blind."""
    now = options.now()
    root = find_workspace(workspace)
    loaded = load_workspace(root, features=(feature,))
    named = cycle_of(cycle, now.date())
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=named, on=now.date(), wanted=wanted).features[0]
    person = by or git_identity(root)
    if plan.judges:
        _grade(plan, root, person, second=second, sheet=sheet, filled=filled)
        return
    with Journal.read(journal_file(root)) as journal:
        sitting = sit(plan, journal, by=person, clock=_moment, second=second)
    if sheet is not None:
        _write(sheet, sitting, all_looks=all_looks)
    elif filled is not None:
        _read(filled, sitting)
    else:
        _ask(plan, sitting, all_looks=all_looks)


def _grade(  # noqa: PLR0913  # as the command has options
    plan: FeaturePlan,
    root: Path,
    by: str,
    *,
    second: bool,
    sheet: Path | None,
    filled: Path | None,
) -> None:
    with Journal.read(journal_file(root)) as journal:
        asked = grading.ungraded(plan, journal, by=by, second=second)
    path = plan.sample.folder / plan.evalset.grades_file
    recorder = grading.GradeRecorder(path=path, by=by, clock=_moment)
    if sheet is not None:
        write_grade_sheet(sheet, asked)
    elif filled is not None:
        read_grade_sheet(filled, asked, recorder)
    else:
        ask_grades(asked, recorder, terminal.Console(show=click.echo, read=_key))


def _moment() -> str:
    return options.now().isoformat(timespec="seconds")


def _ask(plan: FeaturePlan, sitting: Sitting, *, all_looks: bool) -> None:
    asked = sitting.wanted(all_looks=all_looks)
    if any(question.is_single for question in asked):
        click.echo(_LEVEL)
    done = terminal.label(asked, sitting.recorder, terminal.Console(show=click.echo, read=_key))
    left = len(sitting.open) - len(asked)
    advice = "`rightsize review` decides" if done == len(asked) else "run it again to go on"
    click.echo(f"{_told(asked, done)} -> {advice}")
    if left:
        click.echo(f"{left} more belong to later looks, and may need no label")
    found = two_labellers(labels_of(plan))
    if found is not None and found[1].value is not None:
        (one, other), kappa = found
        click.echo(
            f"{one} and {other} agree on {kappa.agreed} of {kappa.n}: "
            f"kappa {kappa.value:.2f} ({kappa.lower:.2f} to {kappa.upper:.2f})"
        )


def _told(asked: Sequence[Question], done: int) -> str:
    """What is labelled, the disagreements apart from the random cases on which the models agree."""
    singles = [question.is_single for question in asked]
    parts = [
        f"{sum(not single for single in singles[:done])} of {singles.count(False)} disagreements",
        f"{sum(singles[:done])} of {singles.count(True)} random cases",
    ]
    kept = [part for part, single in zip(parts, (False, True), strict=True) if single in singles]
    return f"{' and '.join(kept)} labelled" if kept else "nothing waits for a label"


def _key() -> str | None:
    return sys.stdin.readline() or None


def _write(path: Path, sitting: Sitting, *, all_looks: bool) -> None:
    asked = sitting.wanted(all_looks=all_looks)
    makers = {".csv": sheets.write_csv, ".html": sheets.write_html}
    if path.suffix not in makers:
        raise UsageError(f"--sheet {path}: .csv or .html")
    path.write_text(makers[path.suffix](asked), encoding="utf-8")
    single = sum(question.is_single for question in asked)
    random = f" and {plural(single, 'random case')}" if single else ""
    click.echo(f"wrote {path}: {plural(len(asked) - single, 'disagreement')}{random} to label")


def _read(path: Path, sitting: Sitting) -> None:
    found = sheets.read_csv(path.read_text("utf-8-sig"), sitting.open, file=path.name)
    for question, verdict in found.answers:
        sitting.recorder.record(question, verdict)
    _say_read(found, "labelled")


def _say_read(found: FilledSheet[Q, A], done: str) -> None:
    for problem in found.problems:
        click.echo(str(problem))
    click.echo(
        f"{len(found.answers)} {done}, {plural(found.empty, 'row')} empty, "
        f"{len(found.problems)} refused"
    )


def ask_grades(asked: Sequence[Ungraded], recorder: GradeRecorder, console: Console) -> None:
    """In the terminal."""
    click.echo("a model judges this feature: grade its answers, so that it can be held against you")
    done = grading.grade(asked, recorder, console)
    advice = "`rightsize review` decides" if done == len(asked) else "run it again to go on"
    click.echo(f"{done} of {len(asked)} answers graded -> {advice}")


def write_grade_sheet(path: Path, asked: Sequence[Ungraded]) -> None:
    """As a sheet to be filled in."""
    if path.suffix != ".csv":
        raise UsageError(f"--sheet {path}: .csv")
    path.write_text(grading.write_sheet(asked), encoding="utf-8")
    click.echo(f"wrote {path}: {plural(len(asked), 'answer')} to grade")


def read_grade_sheet(path: Path, asked: Sequence[Ungraded], recorder: GradeRecorder) -> None:
    """Back from a filled sheet."""
    found = grading.read_sheet(path.read_text("utf-8-sig"), asked, file=path.name)
    for each, choice in found.answers:
        recorder.record(each, choice)
    _say_read(found, "graded")
