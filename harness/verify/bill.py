"""Billed usage, as a neutral CSV: `month,feature,model,requests,cost_usd`.

One row per month, feature and model; `month` is 2027-01. Other columns are ignored, so that an
export of a billing system needs no more than its headings changed.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from harness.errors import Problem, UsageError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
    return amount.is_finite() and amount >= 0
