"""`rightsize report` and `rightsize export`: records to documents, and to a table for finance."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import click

from harness.cli import options
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import UsageError
from harness.record.model import DecisionRecord
from harness.record.stored import read_records
from harness.tell.focus import write_focus
from harness.tell.pages import publish
from harness.wording import plural, usd


def wanted_records(folder: Path, features: tuple[str, ...]) -> tuple[DecisionRecord, ...]:
    """The newest records of a cycle's folder; of some features only, where any are named.

    Raises:
        UsageError: there are none, or one that is named is not there.
    """
    records = read_records(folder)
    if not records:
        raise UsageError(f"{folder}: no records here; `rightsize review` writes them")
    known = {record.feature.id for record in records}
    for name in features:
        if name not in known:
            raise UsageError(f"--feature {name}: no record in {folder}")
    return tuple(one for one in records if not features or one.feature.id in features)


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
    root = find_workspace(workspace)
    folder = (out or root / "reviews") / cycle_of(cycle, now.date())
    shown = wanted_records(folder, features)
    publish(read_records(folder), folder, now=now)
    for record in shown:
        click.echo(folder / "documents" / f"{record.feature.id}.html")
    click.echo(folder / "index.html")


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
    root = find_workspace(workspace)
    folder = root / "reviews" / cycle_of(cycle, today)
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
