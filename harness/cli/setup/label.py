"""`rightsize label`: people say which answer is right, or grade answers by a rubric."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from harness.bring.labelling.questions import Question
from harness.bring.labelling.sheets import A, Console, FilledSheet, Q
from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.signing import git_identity
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.labelling_cases import CasesToLabel, OpenGrades, OpenQuestions
from harness.conduct.preparing.labelling_cases import label as open_questions
from harness.wording import plural

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
    "--filled", type=options.InputFile(), default=None,
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
    root = find_workspace(workspace)
    wanted = CasesToLabel(
        root=root,
        feature=feature,
        by=by or git_identity(root),
        cycle=cycle,
        second=second,
        all_looks=all_looks,
    )
    found = open_questions(wanted, clock=options.now)
    if sheet is not None:
        found.write(sheet)
        say(f"wrote {sheet}: {_waiting(found)}")
    elif filled is not None:
        _read(found, filled)
    elif isinstance(found, OpenGrades):
        _ask_grades(found)
    else:
        _ask(found)


def _read(found: OpenQuestions | OpenGrades, filled: Path) -> None:
    if isinstance(found, OpenGrades):
        _say_read(found.read(filled), "graded")
    else:
        _say_read(found.read(filled), "labelled")


def _waiting(found: OpenQuestions | OpenGrades) -> str:
    """`12 disagreements and 3 random cases to label`."""
    if isinstance(found, OpenGrades):
        return f"{plural(len(found.asked), 'answer')} to grade"
    single = sum(question.is_single for question in found.asked)
    random = f" and {plural(single, 'random case')}" if single else ""
    return f"{plural(len(found.asked) - single, 'disagreement')}{random} to label"


def _say_read(found: FilledSheet[Q, A], done: str) -> None:
    for problem in found.problems:
        say(str(problem))
    say(
        f"{len(found.answers)} {done}, {plural(found.empty, 'row')} empty, "
        f"{len(found.problems)} refused"
    )


def _console() -> Console:
    return Console(show=say_block, read=lambda: sys.stdin.readline() or None)


def _ask_grades(found: OpenGrades) -> None:
    say("a model judges this feature: grade its answers, so that it can be held against you")
    done, whole = found.ask(_console()), len(found.asked)
    say(f"{done} of {whole} answers graded -> {_advice(done, whole)}")


def _ask(found: OpenQuestions) -> None:
    if any(question.is_single for question in found.asked):
        say(_LEVEL)
    done = found.ask(_console())
    say(f"{_told(found.asked, done)} -> {_advice(done, len(found.asked))}")
    if found.later:
        say(f"{found.later} more belong to later looks, and may need no label")
    agreed = found.agreement()
    if agreed is not None and agreed[1].value is not None:
        (one, other), kappa = agreed
        say(
            f"{one} and {other} agree on {kappa.agreed} of {kappa.n}: "
            f"kappa {kappa.value:.2f} ({kappa.lower:.2f} to {kappa.upper:.2f})"
        )


def _advice(done: int, whole: int) -> str:
    return "`rightsize review` decides" if done == whole else "run it again to go on"


def _told(asked: Sequence[Question], done: int) -> str:
    """What is labelled, the disagreements apart from the random cases on which the models agree."""
    singles = [question.is_single for question in asked]
    parts = [
        f"{sum(not single for single in singles[:done])} of {singles.count(False)} disagreements",
        f"{sum(singles[:done])} of {singles.count(True)} random cases",
    ]
    kept = [part for part, single in zip(parts, (False, True), strict=True) if single in singles]
    return f"{' and '.join(kept)} labelled" if kept else "nothing waits for a label"
