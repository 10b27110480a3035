"""`rightsize report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.records import wanted_records
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
    shown = wanted_records(folder, features)
    publish(read_records(folder), folder, now=now)
    for record in shown:
        click.echo(folder / "documents" / f"{record.feature.id}.html")
    click.echo(folder / "index.html")
