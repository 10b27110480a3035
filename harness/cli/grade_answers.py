"""`rightsize label` for a feature that a model judges: people grade answers by its rubric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.errors import UsageError
from harness.labelling import grading
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.labelling.grading import GradeRecorder, Ungraded
    from harness.labelling.terminal import Console


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
    for each, choice in found.grades:
        recorder.record(each, choice)
    for problem in found.problems:
        click.echo(str(problem))
    click.echo(
        f"{len(found.grades)} graded, {plural(found.empty, 'row')} empty, "
        f"{len(found.problems)} refused"
    )
