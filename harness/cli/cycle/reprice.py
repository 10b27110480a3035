"""`rightsize reprice`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.cycle.report import wanted_records
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import UsageError
from harness.record.model import DecisionRecord, dump
from harness.record.stored import file_name, record_file
from harness.tell.repricing import hosted_rates_on, not_repriced, rates_on
from harness.tell.repricing import reprice as repriced
from harness.wording import usd
from harness.workspace.workspace import load_workspace


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--on",
    "day",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    default=None,
    help="Day whose prices count (default: today).",
)
def reprice(
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    day: datetime | None,
) -> None:
    """Work a cycle's records out at other prices. No model is asked; no record is overwritten."""
    today = options.now().date()
    on: date = day.date() if day else today
    found = load_workspace(find_workspace(workspace))
    folder = found.root / "reviews" / cycle_of(cycle, today)
    for record in wanted_records(folder, features):
        rates = rates_on(record, found.models, found.policy, on=on)
        rates |= hosted_rates_on(record, found, rates)
        after = repriced(record, rates, as_of=on)
        click.echo(_line(record, after))
        if out is not None:
            _write(after, out)


def _write(record: DecisionRecord, folder: Path) -> None:
    path = folder / record_file(file_name(record.feature.id))
    if path.exists():
        raise UsageError(f"{path}: is there already; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(record), encoding="utf-8")


def _line(before: DecisionRecord, after: DecisionRecord) -> str:
    today = _change(
        before.current_cost.monthly_after_discounts, after.current_cost.monthly_after_discounts
    )
    saved = _change(
        before.savings.after_discounts if before.savings else None,
        after.savings.after_discounts if after.savings else None,
    )
    text = f"{before.feature.id}: {today} a month after discounts, saving {saved}"
    if after.evidence.exploratory == before.evidence.exploratory:
        return f"{text}; no price changed"
    kept = not_repriced(before)
    return f"{text}; as they were: {', '.join(kept)}" if kept else text


def _change(before: Decimal | None, after: Decimal | None) -> str:
    if before is None or after is None:
        return "not known"
    return usd(before) if before == after else f"{usd(before)} -> {usd(after)}"
