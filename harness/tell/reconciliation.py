"""Estimate and bill row by row, as a table for finance."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path

from harness.money.amounts import plain
from harness.money.reconciling import Reconciled
from reports.untrusted import csv_cell

FILE = "bill-against-estimate.csv"
COLUMNS = ("month", "feature", "model", "tokens_of", "tokens", "billed_usd", "estimate_usd", "why")


def write_reconciled(found: Reconciled, folder: Path) -> Path:
    """Write the table beside a review's records; equal bills make equal text."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in found.rows:
        names = map(csv_cell, (row.month, row.feature, row.model, row.token))
        numbers = map(_number, (row.tokens, row.billed_usd, row.estimate_usd))
        writer.writerow([*names, *numbers, row.why])
    path = folder / FILE
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{plain(value):f}"
