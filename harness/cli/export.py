"""`rightsize export`."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.cli.records import wanted_records
from harness.cli.show import usd
from harness.errors import UsageError
from harness.showback.focus import write_focus
from harness.wording import plural

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
@click.option(
    "--option",
    default=None,
    help="Price this option in the records that have it (default: today's model).",
)
def export(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    month: datetime | None,
    option: str | None,
) -> None:
    """Write a month's cost as an estimate in the shape of FOCUS, one row a day and token type."""
    today = options.now().date()
    root = options.find_workspace(workspace)
    folder = root / "reviews" / options.cycle_of(cycle, today)
    records = wanted_records(folder, features)
    known = sorted({one.target.option for record in records for one in record.options})
    if option is not None and option not in known:
        raise UsageError(f"--option {option}: no record has it; known: {', '.join(known)}")
    text = write_focus(records, month=month.date() if month else today, option=option)
    path = (out or folder) / "focus-estimate.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"{path}: {_told(text, len(records))}")


def _told(text: str, features: int) -> str:
    """`120 rows, an estimate of USD 1,234 after discounts, 39 of 40 features known`."""
    rows = list(csv.DictReader(StringIO(text)))
    billed = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    known = len({row["x_FeatureId"] for row in rows})
    said = "" if known == features else f", {known} of {plural(features, 'feature')} known"
    return f"{plural(len(rows), 'row')}, an estimate of {usd(billed)} after discounts{said}"
