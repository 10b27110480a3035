"""`rightsize import csv`, `inspect` and `promptfoo`: eval sets out of other tools' files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from evalsets.cases import distinct
from evalsets.duplicates import near_copies
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedPrompt, ImportedSet, as_text
from harness.bring.onramp.csv_cases import Columns, read_cases
from harness.bring.onramp.drafts import blank_feature_text, write_new
from harness.bring.onramp.imported_set import SetDraft, write_set
from harness.bring.onramp.inspect_dataset import read_dataset
from harness.cli import options
from harness.conduct.opening import find_workspace
from harness.errors import ExitCode, Problem, UsageError
from harness.plan.sampling import copies_line, metadata_shown, near_copies_line
from harness.wording import plural

_FEATURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INPUT_ONLY = ImportedPrompt(name="default", text="{{ input }}\n")

feature_option = click.option(
    "--feature", "-f", required=True, help="Id of the feature that the eval set is for."
)
source_file = click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))


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
    locale: str | None,
    metadata: str | None,
) -> int:
    """Make an eval set of a table: CSV, TSV or JSON Lines."""
    root = find_workspace(workspace)
    columns = Columns(
        id=id_column,
        input=input_column,
        target=target_column,
        locale=locale,
        metadata=tuple(metadata.split(",")) if metadata else None,
    )
    imported = read_cases(source.read_bytes(), path=source, columns=columns)
    _write(root, feature, imported, origin=f"imported from {source.name}")
    _show_guess(imported)
    return ExitCode.OK


@click.command(name="inspect")
@source_file
@feature_option
@options.workspace
def inspect_command(source: Path, feature: str, workspace: Path) -> int:
    """Make an eval set of an inspect_ai dataset: JSON Lines or a JSON list."""
    root = find_workspace(workspace)
    imported = read_dataset(source.read_bytes(), path=source)
    _write(root, feature, imported, origin=f"inspect_ai, {source.name}")
    _show_guess(imported)
    return ExitCode.OK


@click.command(name="promptfoo")
@source_file
@feature_option
@options.workspace
def promptfoo_command(source: Path, feature: str, workspace: Path) -> int:
    """Make an eval set and prompts of a promptfoo configuration."""
    root = find_workspace(workspace)
    text = as_text(source.read_bytes(), file=source.name)
    found = read_config(text, file=source.name, read=_beside(source.parent))
    _write(root, feature, found, origin=f"promptfoo, {source.name}")
    click.echo(
        f"{plural(len(found.cases), 'case')}, {plural(found.converted, 'assertion')} "
        f"as scorer {_scorers(found)}; "
        f"models there: {', '.join(found.models) or 'none'}"
    )
    _show_problems(found.problems)
    return ExitCode.OK


def _write(root: Path, feature: str, imported: ImportedSet, *, origin: str) -> None:
    """Write the files that are not there yet: eval set, prompts, and a feature to fill in."""
    if not _FEATURE.fullmatch(feature):
        raise UsageError(f"--feature {feature}: letters, digits and . _ - only")
    draft = SetDraft(
        feature=feature,
        cases=imported.cases,
        primary=imported.primary,
        guardrails=imported.guardrails,
        prompts=imported.prompts or (_INPUT_ONLY,),
        origin=origin,
    )
    for name in write_set(root, draft):
        click.echo(name if " (kept" in name else f"wrote {name}")
    _show_alike(draft)
    if write_new(root / "features" / f"{feature}.yaml", blank_feature_text(feature)):
        click.echo(f"wrote features/{feature}.yaml: fill it in, then `rightsize check`")


def _show_alike(draft: SetDraft) -> None:
    """Rows that add nothing, or little, to what the eval set can decide; and contradictions."""
    found = distinct(draft.cases)
    near = near_copies(found.cases, keys=metadata_shown(prompt.text for prompt in draft.prompts))
    for line in (copies_line(found), near_copies_line(near)):
        if line is not None:
            click.echo(line)
    for copy, case in found.clashes:
        click.echo(
            f"{copy!r} asks the same as {case!r} and has another target: correct one of them"
        )


def _show_guess(imported: ImportedSet) -> None:
    for problem in imported.problems:
        click.echo(f"not read: {problem}")
    labelled = sum(case.target is not None for case in imported.cases)
    click.echo(
        f"{plural(len(imported.cases), 'case')}, {labelled} with a target; "
        f"scorer {imported.primary.scorer} (guessed from the targets; correct it in evalset.yaml)"
    )
    for note in imported.notes:
        click.echo(f"  {note}")
    if imported.problems:
        unread = plural(len(imported.problems), "line or column", "lines or columns")
        click.echo(f"not read, and listed above: {unread}")


def _scorers(found: ImportedSet) -> str:
    return " and ".join([found.primary.scorer, *(g.scorer.scorer for g in found.guardrails)])


def _beside(folder: Path) -> Callable[[str], str | None]:
    def read(name: str) -> str | None:
        path = folder / name
        return as_text(path.read_bytes(), file=name) if path.is_file() else None

    return read


def _show_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(f"  {problem}")
    if problems:
        click.echo(f"{len(problems)} things were not converted or not read, listed above")
