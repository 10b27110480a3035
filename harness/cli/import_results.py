"""`rightsize import outcomes`: answers that were paid for already, brought in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.running import STATE
from harness.config.workspace import load_workspace
from harness.errors import ExitCode, WorkspaceError
from harness.onramp.answer_files import read_all
from harness.onramp.bringing import draft_workspace
from harness.onramp.imported_answers import IMPORTED, import_run_id, journal_answers
from harness.plan.planning import Selection, plan_review
from harness.replay.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.errors import Problem
    from harness.onramp.imported_answers import Imported

one_feature = click.option("--feature", "-f", required=True, help="Id of the feature.")


@click.command(name="outcomes")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@one_feature
@options.workspace
@click.option("--incumbent", default=None, help="Model of today, for a feature that is new.")
def outcomes_command(
    sources: tuple[Path, ...], feature: str, workspace: Path, incumbent: str | None
) -> int:
    """Bring in answers: promptfoo's results, inspect_ai's logs, or a table. No call is made."""
    now = options.now()
    root = options.find_workspace(workspace)
    answers, data = read_all(sources)
    drafted = draft_workspace(root, feature, answers, incumbent=incumbent)
    _show_written(drafted.written)
    try:
        loaded = load_workspace(root, features=(feature,))
    except WorkspaceError as error:
        click.echo(str(error), err=True)
        click.echo("fill these in, then run the same command again", err=True)
        return ExitCode.USAGE_ERROR
    cycle = options.cycle_of(None, now.date())
    wanted = Selection(features=(feature,))
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted).features[0]
    with Journal.open(
        root / STATE / "journal.sqlite",
        run_id=import_run_id(data),
        cycle=IMPORTED,
        now=now.isoformat(),
    ) as journal:
        done = journal_answers(plan, answers, drafted.names, journal=journal, now=now.isoformat())
    _show_done(done, graded=answers.grader)
    return ExitCode.OK


def _show_written(names: Sequence[str]) -> None:
    for name in names:
        click.echo(name if name.endswith(" (kept)") else f"wrote {name}")


def _show_done(done: Imported, *, graded: str) -> None:
    counts = "; ".join(f"{count} {what}" for what, count in done.counts.items() if count)
    click.echo(f"answers: {counts or 'none'}")
    click.echo(f"graded by {graded}; latency is not known, usage unknown of {done.usage_unknown}")
    _show_problems(done.problems)


def _show_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(f"  {problem}")
    if problems:
        click.echo(f"{len(problems)} things were not converted or not read, listed above")
