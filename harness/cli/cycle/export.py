"""`rightsize export`: a review's records to a table for finance."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.repricing_records import export as write_estimate
from harness.conduct.opening import find_workspace
from harness.wording import plural, usd


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
    past = PastReview(root=find_workspace(workspace), cycle=cycle, features=features)
    day = month.date() if month else None
    found = write_estimate(past, month=day, option=option, to=out, now=options.now())
    unknown = f", {found.known} of {plural(found.features, 'feature')} known"
    say(
        f"{found.path}: {plural(found.rows, 'row')}, an estimate of {usd(found.billed_usd)} "
        f"after discounts{'' if found.known == found.features else unknown}"
    )
