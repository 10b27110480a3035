"""The portfolio as CSV: one row a feature, numbers as numbers, text quoted against formulas."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from harness.publish.facts import chosen_option
from reports.untrusted import csv_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from harness.record.model import DecisionRecord

COLUMNS = (
    "feature",
    "name",
    "owner",
    "team",
    "product",
    "environment",
    "cost_center",
    "verdict",
    "finding",
    "reason_codes",
    "state",
    "today",
    "to",
    "today_monthly_usd",
    "to_monthly_usd",
    "saving_monthly_usd",
    "saving_after_discounts_monthly_usd",
    "realised_monthly_usd",
    "quality_difference_points",
    "quality_worst_points",
    "quality_limit_points",
    "cases",
    "still_needed_cases",
    "still_needed_labels",
    "worth_monthly_usd",
    "evaluation_usd",
    "decide_by",
    "expires_at",
)


def to_csv(records: Sequence[DecisionRecord]) -> str:
    """The table of the index; an absent number is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow(_row(record))
    return text.getvalue()


def _row(record: DecisionRecord) -> list[str]:
    feature = record.feature
    names = [
        feature.id,
        feature.name,
        feature.owner,
        feature.team,
        feature.product,
        feature.environment,
        feature.cost_center or "",
        record.verdict.value,
        record.finding.value,
        " ".join(code.value for code in record.reason_codes),
        record.state.value,
        record.current.option,
        record.chosen or "",
    ]
    return [*(csv_cell(name) for name in names), *_numbers(record)]


def _numbers(record: DecisionRecord) -> list[str]:
    option, saved, needed = chosen_option(record), record.savings, record.still_needed
    quality = option.quality if option is not None else None
    return [
        _cell(record.current_cost.monthly),
        _cell(option.cost.monthly if option is not None else None),
        _cell(saved.monthly if saved is not None else None),
        _cell(saved.after_discounts if saved is not None else None),
        _cell(saved.realised if saved is not None else None),
        _cell(quality.difference if quality is not None else None),
        _cell(quality.worst if quality is not None else None),
        _cell(-record.margin.value),
        _cell(quality.n if quality is not None else None),
        _cell(needed.cases if needed is not None else None),
        _cell(needed.labels if needed is not None else None),
        _cell(needed.worth_monthly_usd if needed is not None else None),
        _cell(record.evidence.spend.total_usd),
        _cell(record.decide_by),
        _cell(record.expires_at),
    ]


def _cell(value: Decimal | float | date | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
