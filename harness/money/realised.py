"""Realised saving: what was billed against what the incumbent of the time would have cost.

Volume moves a bill as much as a model does, so the two are told apart. With O the old month at the
forecast's volume v, o = O / v its cost per request, and B the bill for u requests:

    B - O = (u - v) o  +  (B - u o)
            volume        model

The realised saving is minus the model's part. All USD a month, after discounts.

The neutral bill is a CSV: `month,feature,model,requests,cost_usd`. One row per month, feature and
model; `month` is 2027-01. A request is one of the feature's: what a cascade asks again, or a run of
a program asks after its first call, is none (0 in its model's row). Other columns are ignored, so
that an export of a billing system needs no more than its headings changed. Vendors' own bills are
read by `harness/bring/bills`.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from harness.errors import Problem, UsageError, WorkspaceError
from harness.record.base import State
from harness.record.lifecycle import Actor, Move, move
from harness.record.model import DecisionRecord, seal
from harness.record.parts import Target
from harness.workspace.model_file import undated

COLUMNS = ("month", "feature", "model", "requests", "cost_usd")
_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRow:
    """What one model was billed for one feature in one month, USD after discounts."""

    month: str
    feature: str
    model: str
    requests: int
    cost_usd: Decimal


def read_bill(path: Path) -> tuple[BilledRow, ...]:
    """Read a bill.

    Raises:
        UsageError: the file cannot be read or lacks a column.
        WorkspaceError: one line per row that is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"{path}: no column {', '.join(missing)}; a bill has {', '.join(COLUMNS)}"
                )
            return _rows(path, reader)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text; export it again as UTF-8 CSV") from None


def _rows(path: Path, reader: Iterable[dict[str, str | None]]) -> tuple[BilledRow, ...]:
    rows: list[BilledRow] = []
    problems: list[Problem] = []
    seen: set[tuple[str, str, str]] = set()
    for line, raw in enumerate(reader, start=2):
        cells = {name: (raw.get(name) or "").strip() for name in COLUMNS}
        found = _problem(cells, seen)
        if found is not None:
            key, message = found
            problems.append(Problem(file=str(path), line=line, key=key, message=message))
            continue
        seen.add((cells["month"], cells["feature"], cells["model"]))
        rows.append(
            BilledRow(
                month=cells["month"],
                feature=cells["feature"],
                model=cells["model"],
                requests=int(cells["requests"]),
                cost_usd=Decimal(cells["cost_usd"]),
            )
        )
    if problems:
        raise WorkspaceError(problems)
    return tuple(rows)


def _problem(cells: dict[str, str], seen: set[tuple[str, str, str]]) -> tuple[str, str] | None:
    twice = (cells["month"], cells["feature"], cells["model"]) in seen
    checks = (
        ("month", _MONTH.match(cells["month"]), f"{cells['month']!r} is no month like 2027-01"),
        ("feature", cells["feature"], "is empty"),
        ("model", cells["model"], "is empty"),
        ("requests", cells["requests"].isdecimal(), f"{cells['requests']!r} is no whole number"),
        (
            "cost_usd",
            _is_amount(cells["cost_usd"]),
            f"{cells['cost_usd']!r} is no amount like 702.90",
        ),
        ("month", not twice, "the same month, feature and model stand twice; add the rows up"),
    )
    return next(((key, message) for key, holds, message in checks if not holds), None)


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0 and "_" not in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """What the months of a bill say about one decision; USD are means per month."""

    feature: str
    months: tuple[str, ...]
    requests: Decimal
    forecast_requests: int
    billed: Decimal
    old_at_forecast_volume: Decimal
    volume_effect: Decimal
    """Positive: more requests than forecast made it dearer."""
    model_effect: Decimal
    """Negative: the change of the model made it cheaper."""
    forecast_saving: Decimal
    share_on_chosen: Decimal
    """Share of the requests that the chosen option answered."""

    @property
    def saving(self) -> Decimal:
        """USD a month that the change really saves at the real volume."""
        return -self.model_effect


def realised(record: DecisionRecord, bill: Sequence[BilledRow]) -> Realised:
    """Hold a downgrade's forecast against a bill.

    Only months in which the chosen option answered something count: before that, nothing was
    changed.

    Raises:
        UsageError: no downgrade, no traffic or price to compare with, or no such row in the bill.
    """
    feature, chosen = record.feature.id, record.chosen
    old, saved, traffic = record.current_cost, record.savings, record.traffic
    if chosen is None or saved is None:
        raise UsageError(f"{feature}: nothing was changed, so nothing can be realised")
    if old.monthly_after_discounts is None or traffic is None or not traffic.requests_per_month:
        raise UsageError(f"{feature}: the record has no monthly cost to compare a bill with")
    months = _months(record, bill)
    if not months:
        raise UsageError(f"{feature}: no month of the bill has requests of {chosen}")
    count = Decimal(len(months))
    rows = [row for month in months.values() for row in month]
    requests = sum((Decimal(row.requests) for row in rows), start=Decimal(0)) / count
    billed = sum((row.cost_usd for row in rows), start=Decimal(0)) / count
    on_chosen = sum((Decimal(row.requests) for row in rows if _is_chosen(record, row)), Decimal(0))
    incumbent_usd = old.monthly_after_discounts
    volume = incumbent_usd * (requests - traffic.requests_per_month) / traffic.requests_per_month
    return Realised(
        feature=feature,
        months=tuple(sorted(months)),
        requests=requests,
        forecast_requests=traffic.requests_per_month,
        billed=billed,
        old_at_forecast_volume=incumbent_usd,
        volume_effect=volume,
        model_effect=billed - incumbent_usd - volume,
        forecast_saving=saved.after_discounts,
        share_on_chosen=on_chosen / (requests * count),
    )


def _months(record: DecisionRecord, bill: Sequence[BilledRow]) -> dict[str, list[BilledRow]]:
    months: dict[str, list[BilledRow]] = defaultdict(list)
    for row in bill:
        if row.feature == record.feature.id:
            months[row.month].append(row)
    return {
        month: rows
        for month, rows in months.items()
        if any(row.requests and _is_chosen(record, row) for row in rows)
    }


def _is_chosen(record: DecisionRecord, row: BilledRow) -> bool:
    """A bill names the option, the model or the version that served it."""
    target = next((o.target for o in record.options if o.target.option == record.chosen), None)
    return row.model == record.chosen if target is None else is_named(row.model, target)


def is_named(model: str, target: Target) -> bool:
    """Whether a bill's or a log's name of a model is a target's; of a cascade its first model's."""
    names = {target.option, target.model_id, target.version, *target.served_versions}
    return model in names or undated(model.rpartition("/")[2]) in names


def verified(
    record: DecisionRecord, found: Realised, *, source: str, now: datetime
) -> DecisionRecord:
    """Write the realised saving into an implemented record; the finding stays as it is.

    A record that says so already is left as it is.

    Raises:
        UsageError: the record is in no state that a bill can verify.
    """
    if record.savings is None:
        raise UsageError(f"{record.feature.id}: the record proposes no saving")
    cents = found.saving.quantize(Decimal("0.01"))
    told = (record.savings.realised, record.savings.realised_months)
    if record.state is State.VERIFIED and told == (cents, found.months):
        return record
    step = Move(
        to=State.VERIFIED,
        actor=Actor.BILL,
        by="rightsize verify",
        by_source="machine",
        at=now,
        reason=f"{source}: USD {cents:,} a month over {', '.join(found.months)}",
    )
    moved = move(record, step)
    billed = {"realised": cents, "verified_at": now, "realised_months": found.months}
    savings = record.savings.model_copy(update=billed)
    return seal(moved.model_copy(update={"savings": savings}))
