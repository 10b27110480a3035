"""`rightsize reprice`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.repricing_records import OtherPrices
from harness.conduct.concluding.repricing_records import reprice as reprice_records
from harness.conduct.opening import find_workspace
from harness.tell.repricing import not_repriced
from harness.wording import usd


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
    past = PastReview(root=find_workspace(workspace), cycle=cycle, features=features)
    on = day.date() if day else None
    reprice_records(past, on=on, to=out, told=_show, now=options.now())


def _show(found: OtherPrices) -> None:
    say(_line(found))


def _line(found: OtherPrices) -> str:
    before, after = found.before, found.after
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
