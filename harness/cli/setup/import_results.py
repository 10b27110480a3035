"""`rightsize import outcomes`: answers that were paid for already, brought in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from harness.bring.intake.values import ImportedAnswers
from harness.bring.onramp.bringing import (
    draft_workspace,
    read_all,
    refuse,
    resting_on,
    targets_of,
    write_targets,
)
from harness.bring.onramp.imported_answers import (
    IMPORTED,
    Imported,
    Matched,
    import_run_id,
    journal_answers,
    match_answers,
)
from harness.cli import options
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import ExitCode, Problem, WorkspaceError
from harness.journal.journal import Journal
from harness.plan.model import FeaturePlan
from harness.plan.planning import Selection, plan_review
from harness.plan.sampling import copies_line, near_copies_line
from harness.wording import plural
from harness.workspace.state import journal_file
from harness.workspace.workspace import load_workspace

one_feature = click.option("--feature", "-f", required=True, help="Id of the feature.")


@click.command(name="outcomes")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@one_feature
@options.workspace
@click.option("--incumbent", default=None, help="Model of today, for a feature that is new.")
@click.option(
    "--replace",
    is_flag=True,
    help="Put the file's answers and targets in the place of others that are there.",
)
def outcomes_command(
    sources: tuple[Path, ...],
    feature: str,
    workspace: Path,
    incumbent: str | None,
    *,
    replace: bool,
) -> int:
    """Bring in answers: promptfoo's results, inspect_ai's logs, or a table. No call is made."""
    now = options.now()
    root = find_workspace(workspace)
    answers, data = read_all(sources)
    drafted = draft_workspace(root, feature, answers, incumbent=incumbent)
    _show_written(drafted.written)
    for note in answers.notes:
        click.echo(note)
    try:
        loaded = load_workspace(root, features=(feature,))
    except WorkspaceError as error:
        click.echo(str(error), err=True)
        click.echo("fill these in, then run the same command again", err=True)
        return ExitCode.USAGE_ERROR
    wanted = Selection(features=(feature,))
    cycle = cycle_of(None, now.date())
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted).features[0]
    path = journal_file(root)
    found = _matched(path, plan, answers, drafted.names, now=now.isoformat())
    replaced = _targets(plan, found, answers, replace=replace)
    run_id = import_run_id(data)
    with Journal.open(path, run_id=run_id, cycle=IMPORTED, now=now.isoformat()) as journal:
        done = journal_answers(found, journal=journal, now=now.isoformat())
    _show_done(done, graded=answers.grader)
    _show_alike(plan)
    if found.conflicts or replaced:
        features = dict.fromkeys((feature, *(each.feature for each in found.conflicts)))
        _show_resting(resting_on(root, tuple(features)))
    return ExitCode.OK


def _targets(plan: FeaturePlan, found: Matched, answers: ImportedAnswers, *, replace: bool) -> int:
    """Refuse what the import contradicts, or write its targets; returns how many were replaced."""
    folder = plan.sample.folder
    targets = targets_of(plan.evalset, folder, answers.cases)
    if not replace:
        refuse(plan, found.conflicts, targets)
        if targets.new:
            has = plural(len(targets.new), "target")
            click.echo(f"{has} of the file that the eval set lacks; --replace adds them")
        return 0
    if targets.other or targets.new:
        write_targets(plan.evalset, folder, (*targets.other, *targets.new))
        click.echo(
            f"evalsets/{folder.name}/{plan.evalset.cases_file}: "
            f"{plural(len(targets.other), 'target')} replaced, {len(targets.new)} added"
        )
    return len(targets.other)


def _matched(
    path: Path,
    plan: FeaturePlan,
    answers: ImportedAnswers,
    names: Mapping[str, str],
    *,
    now: str,
) -> Matched:
    """The answers beside what the journal has; nothing is written."""
    if not path.is_file():
        return match_answers(plan, answers, names, journal=None, now=now)
    with Journal.read(path) as journal:
        return match_answers(plan, answers, names, journal=journal, now=now)


def _show_alike(plan: FeaturePlan) -> None:
    for line in (copies_line(plan.evalset), near_copies_line(plan.near)):
        if line is not None:
            click.echo(line)


def _show_resting(records: Sequence[str]) -> None:
    """What becomes of records that rest on what was replaced."""
    if records:
        click.echo(
            f"made from what was there before: {', '.join(records)}; `rightsize verify` makes them "
            "again from the old answers, `rightsize review` decides on the new ones"
        )


def _show_written(names: Sequence[str]) -> None:
    for name in names:
        click.echo(name if " (kept" in name else f"wrote {name}")


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
