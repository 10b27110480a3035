"""The portfolio as CSV: one row per feature, numbers plain, text guarded against formulas.

`today_monthly_usd`, `to_monthly_usd` and `saving_monthly_usd` are at list price and what the
review found, whatever was decided since. The columns from `saving_by` on are the index's figures
on its day: after discounts, in cents, filled only where they count, so that each column adds up to
the figure of its name.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from io import StringIO

from harness.money.portfolio.overview import Counted, FeatureMoney, Overview
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.tell.facts import chosen_option
from harness.tell.portfolio.spend import saved_by
from reports.untrusted import csv_cell

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
    "ends_on",
    "saving_by",
    "counted_as",
    "today_after_discounts_monthly_usd",
    "to_after_discounts_monthly_usd",
    "proposed_saving_monthly_usd",
    "proposed_saving_net_of_mistakes_monthly_usd",
    "proposed_saving_net_of_mistakes_at_worst_monthly_usd",
    "saving_in_production_forecast_monthly_usd",
    "saving_in_production_realised_monthly_usd",
    "saving_by_batch_or_caching_monthly_usd",
)


def to_csv(figures: Overview) -> str:
    """The table of the index; an absent number is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in figures.features:
        writer.writerow(_row(one))
    return text.getvalue()


def _row(one: FeatureMoney) -> list[str]:
    record, feature = one.record, one.record.feature
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
        one.state.value,
        record.current.option,
        record.chosen or "",
    ]
    return [*(csv_cell(name) for name in names), *_numbers(record), *_counted(one)]


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


def _counted(one: FeatureMoney) -> list[str]:
    option = chosen_option(one.record)
    proposed = one.counted is Counted.PROPOSED
    runs = one.counted is Counted.PRODUCTION
    return [
        _cell(ends_on(one.record)),
        csv_cell(saved_by(one)),
        one.counted.value,
        _cell(one.spend),
        _cell(option.cost.monthly_after_discounts if option is not None else None),
        _cell(one.saving if proposed else None),
        _cell(one.net if proposed else None),
        _cell(one.net_worst if proposed else None),
        _cell(one.saving if runs else None),
        _cell(one.realised if runs else None),
        _cell(one.saving if one.counted is Counted.SAME_MODEL else None),
    ]


def _cell(value: Decimal | float | date | None) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
