"""`rightsize import csv`, `inspect` and `promptfoo`: eval sets out of other tools' files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness.bring.intake.values import ImportedSet
from harness.bring.onramp.added_cases import AddedCases
from harness.bring.onramp.csv_cases import Columns
from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.importing_sets import (
    SetToImport,
    add_csv,
    import_csv,
    import_inspect,
    import_promptfoo,
)
from harness.errors import ExitCode, Problem
from harness.wording import plural

feature_option = click.option(
    "--feature", "-f", required=True, help="Id of the feature that the eval set is for."
)
source_file = click.argument("source", type=options.InputFile())


@click.command(name="csv")
@source_file
@feature_option
@options.workspace
@click.option("--id", "id_column", default=None, help="Column of the case's id.")
@click.option("--input", "input_column", default=None, help="Column of the input.")
@click.option("--target", "target_column", default=None, help="Column of the right answer.")
@click.option(
    "--locale", default=None, help="Whose numbers the targets are: de (1.234,5); else found."
)
@click.option("--encoding", default=None, help="How its letters are written: cp1252; else found.")
@click.option(
    "--metadata",
    default=None,
    help="Columns to keep as metadata, with commas between them (default: all others).",
)
@click.option(
    "--add", is_flag=True, help="Add its cases to the eval set that is there, changing none."
)
def csv_command(  # noqa: PLR0913  # one argument per option of the command
    source: Path,
    feature: str,
    workspace: Path,
    *,
    id_column: str | None,
    input_column: str | None,
    target_column: str | None,
    locale: str | None,
    encoding: str | None,
    metadata: str | None,
    add: bool,
) -> int:
    """Make an eval set of a table: CSV, TSV or JSON Lines.

    Of a data source of OpenAI's Evals, whose lines are {"item": {...}}, the item's keys are the
    columns.
    """
    asked = SetToImport(root=find_workspace(workspace), source=source, feature=feature)
    columns = Columns(
        id=id_column,
        input=input_column,
        target=target_column,
        locale=locale,
        encoding=encoding,
        metadata=tuple(metadata.split(",")) if metadata else None,
    )
    if add:
        _show_added(asked, add_csv(asked, columns, listener=Terminal()))
    else:
        _show_guess(import_csv(asked, columns, listener=Terminal()))
    return ExitCode.OK


def _show_added(asked: SetToImport, added: AddedCases) -> None:
    there = f"; {added.there:,} there already" if added.there else ""
    labelled = sum(case.target is not None for case in added.new)
    say(
        f"added {plural(len(added.new), 'case')} to evalsets/{asked.feature}, {labelled} with a "
        f"target{there}"
    )
    if added.new:
        say("  a cycle that asked cases of the set already keeps those: review in another cycle")


@click.command(name="inspect")
@source_file
@feature_option
@options.workspace
def inspect_command(source: Path, feature: str, workspace: Path) -> int:
    """Make an eval set of an inspect_ai dataset: JSON Lines or a JSON list."""
    asked = SetToImport(root=find_workspace(workspace), source=source, feature=feature)
    _show_guess(import_inspect(asked, listener=Terminal()))
    return ExitCode.OK


@click.command(name="promptfoo")
@source_file
@feature_option
@options.workspace
def promptfoo_command(source: Path, feature: str, workspace: Path) -> int:
    """Make an eval set and prompts of a promptfoo configuration."""
    asked = SetToImport(root=find_workspace(workspace), source=source, feature=feature)
    found = import_promptfoo(asked, listener=Terminal())
    if found.kept:
        return ExitCode.OK
    say(
        f"{plural(len(found.cases), 'case')}, {plural(found.converted, 'assertion')} "
        f"as scorer {_scorers(found)}; "
        f"models there: {', '.join(found.models) or 'none'}"
    )
    show_problems(found.problems)
    return ExitCode.OK


def _show_guess(imported: ImportedSet) -> None:
    if imported.kept:
        return
    for problem in imported.problems:
        say(f"not read: {problem}")
    if imported.read_as:
        say(imported.read_as)
    labelled = sum(case.target is not None for case in imported.cases)
    say(
        f"{plural(len(imported.cases), 'case')}, {labelled} with a target; "
        f"scorer {imported.primary.scorer} (guessed from the targets; correct it in evalset.yaml)"
    )
    for note in imported.notes:
        say(f"  {note}")
    if imported.problems:
        unread = plural(len(imported.problems), "line or column", "lines or columns")
        say(f"not read, and listed above: {unread}")


def _scorers(found: ImportedSet) -> str:
    return " and ".join([found.primary.scorer, *(g.scorer.scorer for g in found.guardrails)])


def show_problems(problems: Sequence[Problem]) -> None:
    """What of another tool's files did not come over."""
    for problem in problems:
        say(f"  {problem}")
    if problems:
        things = plural(len(problems), "thing was", "things were")
        say(f"{things} not converted or not read, listed above")
