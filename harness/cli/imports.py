"""`rightsize import`: what a team has already, brought into the workspace."""

from __future__ import annotations

import re
from pathlib import Path

import click

from harness.cli import options
from harness.cli.import_results import outcomes_command, promptfoo_command
from harness.errors import ExitCode, UsageError
from harness.intake.values import ImportedPrompt
from harness.onramp.csv_cases import Columns, read_cases
from harness.onramp.drafts import blank_feature_text
from harness.onramp.imported_set import SetDraft, write_set
from harness.onramp.layout import write_new

_FEATURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

feature = click.option(
    "--feature", "-f", required=True, help="Id of the feature that the eval set is for."
)
source = click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@click.group(name="import")
def imports() -> None:
    """Bring eval sets and results into the workspace. Nothing that is there is changed."""


@imports.command(name="csv")
@source
@feature
@options.workspace
@click.option("--id", "id_column", default=None, help="Column of the case's id.")
@click.option("--input", "input_column", default=None, help="Column of the input.")
@click.option("--target", "target_column", default=None, help="Column of the right answer.")
@click.option(
    "--metadata",
    default=None,
    help="Columns to keep as metadata, with commas between them (default: all others).",
)
def csv_command(  # noqa: PLR0913  # one argument per option of the command
    source: Path,
    feature: str,
    workspace: Path,
    *,
    id_column: str | None,
    input_column: str | None,
    target_column: str | None,
    metadata: str | None,
) -> int:
    """Make an eval set of a table: CSV, TSV or JSON Lines."""
    root = options.find_workspace(workspace)
    if not _FEATURE.fullmatch(feature):
        raise UsageError(f"--feature {feature}: letters, digits and . _ - only")
    columns = Columns(
        id=id_column,
        input=input_column,
        target=target_column,
        metadata=tuple(metadata.split(",")) if metadata else None,
    )
    imported = read_cases(source.read_bytes(), path=source, columns=columns)
    draft = SetDraft(
        feature=feature,
        cases=imported.cases,
        primary=imported.primary,
        prompts=(ImportedPrompt(name="default", text="{{ input }}\n"),),
        origin=f"imported from {source.name}",
    )
    for name in write_set(root, draft):
        click.echo(name if name.endswith(" (kept)") else f"wrote {name}")
    if write_new(root / "features" / f"{feature}.yaml", blank_feature_text(feature)):
        click.echo(f"wrote features/{feature}.yaml: fill it in, then `rightsize check`")
    for problem in imported.problems:
        click.echo(f"not read: {problem}")
    labelled = sum(case.target is not None for case in imported.cases)
    click.echo(
        f"{len(imported.cases)} cases, {labelled} with a target; "
        f"scorer {imported.primary.scorer} (guessed from the targets; correct it in evalset.yaml)"
    )
    if imported.problems:
        click.echo(f"{len(imported.problems)} lines or columns were not read, listed above")
    return ExitCode.OK


imports.add_command(promptfoo_command)
imports.add_command(outcomes_command)
