"""`rightsize report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.errors import UsageError
from harness.publish.pages import publish
from harness.publish.store import read_records

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
def report(
    *, workspace: Path, cycle: str | None, features: tuple[str, ...], out: Path | None
) -> None:
    """Write the documents of a cycle again from its records. No model is asked."""
    now = options.now()
    root = options.find_workspace(workspace)
    folder = (out or root / "reviews") / options.cycle_of(cycle, now.date())
    records = read_records(folder)
    if not records:
        raise UsageError(f"{folder}: no records here; `rightsize review` writes them")
    unknown = set(features) - {one.feature.id for one in records}
    if unknown:
        raise UsageError(f"--feature {min(unknown)}: no record in {folder}")
    publish(records, folder, now=now)
    shown = features or tuple(one.feature.id for one in records)
    for name in shown:
        click.echo(folder / "documents" / f"{name}.html")
    click.echo(folder / "index.html")
