"""`reprice` and `export`: a review's records at other prices, and as a table for finance."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

from harness.conduct.concluding.past import PastReview
from harness.conduct.listening import nobody
from harness.conduct.opening import utc_now
from harness.errors import UsageError
from harness.record.model import DecisionRecord, dump
from harness.record.stored import file_name, record_file
from harness.tell.focus import write_focus
from harness.tell.repricing import hosted_rates_on, rates_on
from harness.tell.repricing import reprice as repriced
from harness.workspace.workspace import load_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPrices:
    """A record at the prices that it was made with, and at another day's."""

    before: DecisionRecord
    after: DecisionRecord


def reprice(
    past: PastReview,
    *,
    on: date | None = None,
    to: Path | None = None,
    told: Callable[[OtherPrices], None] = nobody,
    now: datetime | None = None,
) -> tuple[OtherPrices, ...]:
    """Work a cycle's records out at other prices; none is overwritten.

    Args:
        past: the review.
        on: day whose prices count; that of `now` without.
        to: folder that the new records go to; they are not written without.
        told: told of each before it is written.
        now: the moment; the clock's without.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: no such record, or `to` has a record of this feature already.
        PriceMissingError: a model has no price on that day.
    """
    today = (now or utc_now()).date()
    day = on or today
    loaded = load_workspace(past.root)
    found: list[OtherPrices] = []
    for record in past.records(today):
        rates = rates_on(record, loaded.models, loaded.policy, on=day)
        rates |= hosted_rates_on(record, loaded, rates)
        one = OtherPrices(before=record, after=repriced(record, rates, as_of=day))
        told(one)
        if to is not None:
            _write(one.after, to)
        found.append(one)
    return tuple(found)


def _write(record: DecisionRecord, folder: Path) -> None:
    path = folder / record_file(file_name(record.feature.id))
    if path.exists():
        raise UsageError(f"{path}: is there already; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(record), encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An estimate in the shape of FOCUS."""

    path: Path
    rows: int
    billed_usd: Decimal
    """After discounts, of the features that are known."""
    known: int
    """Features of which there are rows."""
    features: int


def export(
    past: PastReview,
    *,
    month: date | None = None,
    option: str | None = None,
    to: Path | None = None,
    now: datetime | None = None,
) -> Exported:
    """Write a month's cost as an estimate in the shape of FOCUS, one row a day and token type.

    Args:
        past: the review.
        month: a day of the month that the rows are dated in; that of `now` without.
        option: what is priced, in the records that have it; today's model without.
        to: folder of the file; the review's without.
        now: the moment; the clock's without.

    Raises:
        UsageError: no such record, or no record has the option.
    """
    today = (now or utc_now()).date()
    records = past.records(today)
    known = sorted({one.target.option for record in records for one in record.options})
    if option is not None and option not in known:
        raise UsageError(f"--option {option}: no record has it; known: {', '.join(known)}")
    text = write_focus(records, month=month or today, option=option)
    path = (to or past.folder(today)) / "focus-estimate.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    rows = list(csv.DictReader(StringIO(text)))
    return Exported(
        path=path,
        rows=len(rows),
        billed_usd=sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0)),
        known=len({row["x_FeatureId"] for row in rows}),
        features=len(records),
    )
