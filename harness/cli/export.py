"""`rightsize export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.records import wanted_records
from harness.showback.focus import write_focus

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--month",
    type=click.DateTime(formats=["%Y-%m"]),
    default=None,
    help="Month that the rows are dated in, as 2026-11 (default: this one).",
)
def export(
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    month: datetime | None,
) -> None:
    """Write today's cost as an estimate in the shape of FOCUS, one row a day and token type."""
    today = options.now().date()
    root = options.find_workspace(workspace)
    folder = root / "reviews" / options.cycle_of(cycle, today)
    records = wanted_records(folder, features)
    text = write_focus(records, month=month.date() if month else today)
    path = (out or folder) / "focus-estimate.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"{path}: {text.count(chr(10)) - 1} rows, an estimate")
