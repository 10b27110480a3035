"""The portfolio as a table for finance: one row per feature, the same columns in CSV and workbook.

`today_monthly_usd`, `to_monthly_usd` and `saving_monthly_usd` are at list price; all other money
is after discounts. What the review found stands there whatever was decided since;
the columns from `saving_by` to `saving_by_batch_or_caching_monthly_usd` are the index's figures on
its day, in cents, filled only where they count, so that each adds up to the figure of its name.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Literal, TypeAlias

from harness.money.levers import best_without_test
from harness.money.portfolio.overview import Counted, FeatureMoney, Overview, lever_saving
from harness.record.lifecycle import ends_on
from harness.tell.facts import chosen_option
from harness.tell.portfolio.spend import saved_by
from reports.untrusted import csv_cell

Value: TypeAlias = str | Decimal | float | int | date | None
Kind: TypeAlias = Literal["text", "usd", "points", "number", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column: its name in the CSV, its heading in a workbook, and what its cells are."""

    name: str
    heading: str
    kind: Kind


def _fields(kind: Kind, **named: str) -> tuple[Field, ...]:
    return tuple(Field(name=name, heading=text, kind=kind) for name, text in named.items())


FIELDS: tuple[Field, ...] = (
    *_fields(
        "text",
        feature="Feature id",
        name="Feature",
        owner="Owner",
        team="Team",
        product="Product",
        environment="Environment",
        cost_center="Cost centre",
        verdict="Verdict",
        finding="Finding",
        reason_codes="Reasons",
        state="State today",
        today="Model today",
        to="Model proposed",
    ),
    *_fields(
        "usd",
        today_monthly_usd="Today a month, list price",
        to_monthly_usd="Proposed a month, list price",
        saving_monthly_usd="Saving a month, list price",
        saving_after_discounts_monthly_usd="Saving a month, after discounts, as found",
        realised_monthly_usd="Realised a month, by the bill",
    ),
    *_fields(
        "points",
        quality_difference_points="Quality, difference in points",
        quality_worst_points="Quality, at worst in points",
        quality_limit_points="Quality, limit in points",
    ),
    *_fields(
        "number",
        cases="Cases",
        still_needed_cases="Cases still needed",
        still_needed_labels="Labels still needed",
    ),
    *_fields(
        "usd",
        worth_monthly_usd="Worth of deciding, a month",
        evaluation_usd="Cost of evaluating",
    ),
    *_fields(
        "day", decide_by="Decide by", expires_at="Evidence expires", ends_on="Decision ends on"
    ),
    *_fields("text", saving_by="Saving by", counted_as="Counts as"),
    *_fields(
        "usd",
        today_after_discounts_monthly_usd="Today a month, after discounts",
        to_after_discounts_monthly_usd="Proposed a month, after discounts",
        proposed_saving_monthly_usd="Proposed saving a month",
        proposed_saving_net_of_mistakes_monthly_usd="Proposed saving, net of mistakes",
        proposed_saving_net_of_mistakes_at_worst_monthly_usd="Proposed saving, net, at worst",
        saving_in_production_forecast_monthly_usd="Saving in production, forecast",
        saving_in_production_realised_monthly_usd="Saving in production, realised",
        saving_by_batch_or_caching_monthly_usd="Saving by batch or caching",
    ),
    *_fields("text", provider_today="Provider today", provider_to="Provider proposed"),
    *_fields("number", requests_per_month="Requests a month"),
    *_fields(
        "usd",
        saving_lower_monthly_usd="Saving a month, lower end",
        saving_upper_monthly_usd="Saving a month, upper end",
        net_of_mistakes_monthly_usd="Net of mistakes a month, as found",
        net_of_mistakes_at_worst_monthly_usd="Net of mistakes, at worst, as found",
        one_off_usd="One-off cost",
    ),
    *_fields("number", payback_months="Payback in months"),
    *_fields("text", lever="Best lever of the same model"),
    *_fields("usd", lever_saving_monthly_usd="That lever saves a month"),
    *_fields("text", effort="Effort", risk="Risk", realised_months="Months billed"),
    *_fields("day", verified_on="Verified on", prices_as_of="Prices as of", state_as_of="As of"),
)
COLUMNS = tuple(field.name for field in FIELDS)


def rows_of(figures: Overview) -> tuple[Mapping[str, Value], ...]:
    """One row per feature, by column; an absent number is None."""
    return tuple(
        {**_names(one), **_found(one), **_counts(one), **_terms(one, figures.day)}
        for one in figures.features
    )


def to_csv(figures: Overview) -> str:
    """The table as CSV; an absent number is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows_of(figures):
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return text.getvalue()


def _names(one: FeatureMoney) -> dict[str, Value]:
    record, feature = one.record, one.record.feature
    return {
        "feature": feature.id,
        "name": feature.name,
        "owner": feature.owner,
        "team": feature.team,
        "product": feature.product,
        "environment": feature.environment,
        "cost_center": feature.cost_center or "",
        "verdict": record.verdict.value,
        "finding": record.finding.value,
        "reason_codes": " ".join(code.value for code in record.reason_codes),
        "state": one.state.value,
        "today": record.current.option,
        "to": record.chosen or "",
    }


def _found(one: FeatureMoney) -> dict[str, Value]:
    """What the review found."""
    record = one.record
    option, saved, needed = chosen_option(record), record.savings, record.still_needed
    quality = option.quality if option is not None else None
    return {
        "today_monthly_usd": record.current_cost.monthly,
        "to_monthly_usd": option.cost.monthly if option is not None else None,
        "saving_monthly_usd": saved.monthly if saved is not None else None,
        "saving_after_discounts_monthly_usd": saved.after_discounts if saved is not None else None,
        "realised_monthly_usd": saved.realised if saved is not None else None,
        "quality_difference_points": quality.difference if quality is not None else None,
        "quality_worst_points": quality.worst if quality is not None else None,
        "quality_limit_points": -record.margin.value,
        "cases": quality.n if quality is not None else None,
        "still_needed_cases": needed.cases if needed is not None else None,
        "still_needed_labels": needed.labels if needed is not None else None,
        "worth_monthly_usd": needed.worth_monthly_usd if needed is not None else None,
        "evaluation_usd": record.evidence.spend.total_usd,
        "decide_by": record.decide_by,
        "expires_at": record.expires_at,
    }


def _counts(one: FeatureMoney) -> dict[str, Value]:
    """Where the saving counts on the day."""
    option = chosen_option(one.record)
    proposed = one.counted is Counted.PROPOSED
    runs = one.counted is Counted.PRODUCTION
    same = one.counted is Counted.SAME_MODEL
    then = option.cost.monthly_after_discounts if option is not None else None
    return {
        "ends_on": ends_on(one.record),
        "saving_by": saved_by(one),
        "counted_as": one.counted.value,
        "today_after_discounts_monthly_usd": one.spend,
        "to_after_discounts_monthly_usd": then,
        "proposed_saving_monthly_usd": one.saving if proposed else None,
        "proposed_saving_net_of_mistakes_monthly_usd": one.net if proposed else None,
        "proposed_saving_net_of_mistakes_at_worst_monthly_usd": one.net_worst if proposed else None,
        "saving_in_production_forecast_monthly_usd": one.saving if runs else None,
        "saving_in_production_realised_monthly_usd": one.realised if runs else None,
        "saving_by_batch_or_caching_monthly_usd": one.saving if same else None,
    }


def _terms(one: FeatureMoney, today: date) -> dict[str, Value]:
    """Interval, one-off cost, payback, the best lever, effort and risk, and the days."""
    record, saved, option = one.record, one.record.savings, chosen_option(one.record)
    lever = best_without_test(record.levers)
    useful = lever if lever is not None and lever.saving_monthly > 0 else None
    months = saved.realised_months if saved is not None else None
    return {
        "provider_today": record.current.provider,
        "provider_to": option.target.provider if option is not None else "",
        "requests_per_month": record.traffic.requests_per_month if record.traffic else None,
        "saving_lower_monthly_usd": saved.after_discounts_lower if saved else None,
        "saving_upper_monthly_usd": saved.after_discounts_upper if saved else None,
        "net_of_mistakes_monthly_usd": saved.net_monthly if saved else None,
        "net_of_mistakes_at_worst_monthly_usd": saved.net_monthly_worst if saved else None,
        "one_off_usd": saved.one_off_cost if saved else None,
        "payback_months": saved.payback_months if saved else None,
        "lever": useful.kind if useful is not None else "",
        "lever_saving_monthly_usd": lever_saving(record) if useful is not None else None,
        "effort": option.migration_effort if option is not None else "",
        "risk": option.performance_risk if option is not None else "",
        "realised_months": " ".join(months or ()),
        "verified_on": saved.verified_at.date() if saved and saved.verified_at else None,
        "prices_as_of": record.evidence.rates_as_of,
        "state_as_of": today,
    }


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return f"{Decimal(str(value)):.4f}"
    return csv_cell(value) if isinstance(value, str) else str(value)
