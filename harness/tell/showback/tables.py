"""A showback's lines as tables for finance: CSV with stable columns, and the shape of FOCUS."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from io import StringIO

from harness.money.amounts import plain
from harness.money.spend.lines import COUNTS, Outlay, PeriodSpend
from harness.money.spend.showback import ShownBack
from harness.money.spend.timespan import midnight, span_of
from harness.tell.focus import COLUMNS as FOCUS_COLUMNS
from harness.tell.portfolio.spreadsheet import Kind, Value
from harness.tell.portfolio.workbook import Sheet, about_sheet, workbook
from reports.untrusted import csv_cell

_NAMES = ("team", "feature", "product", "environment", "model", "caller", "cohort", "owner")
COLUMNS: tuple[str, ...] = (
    *("period", "from", "until", *_NAMES),
    *("usd", "of_it_at_list_prices_usd", "all_at_list_prices_usd", *COUNTS),
)
"""`usd` adds up to the page's headline; tokens of input include cached ones; empty: not told."""


def lines_csv(spent: PeriodSpend) -> str:
    """Every line of a period."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(line_cells(spent))
    return text.getvalue()


def line_cells(spent: PeriodSpend) -> Iterator[list[str]]:
    """The cells of each line, in the order of the columns."""
    first, last = _time(midnight(spent.span.start)), _time(spent.until)
    for one in spent.lines:
        names = [csv_cell(getattr(one, name)) for name in _NAMES]
        amounts = (one.usd, one.from_prices_usd, one.at_list_usd)
        counts = (None if name in spent.unreported else getattr(one.used, name) for name in COUNTS)
        yield [
            *(spent.span.name, first, last, *names),
            *(f"{amount:.2f}" for amount in amounts),
            *("" if number is None else f"{plain(number):f}" for number in counts),
        ]


def focus_csv(shown: ShownBack) -> str:
    """The lines in the shape of FOCUS 1.4: one charge a line over the period, marked an estimate.

    A log states what a call cost, not each kind of its tokens, so a line's tokens stand together.
    """
    text = StringIO()
    writer = csv.DictWriter(text, FOCUS_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_focus(one, shown.whole.now) for one in shown.whole.now.lines)
    return text.getvalue()


def _focus(one: Outlay, spent: PeriodSpend) -> Mapping[str, str]:
    month = span_of("month", spent.span.start)
    tokens = one.used.input + one.used.output
    tags = {name: value for name in _NAMES if (value := getattr(one, name))}
    return {
        "BilledCost": f"{one.usd:.2f}",
        "EffectiveCost": f"{one.usd:.2f}",
        "ContractedCost": f"{one.usd:.2f}",
        "ListCost": f"{one.at_list_usd or one.usd:.2f}",
        "BillingAccountId": csv_cell(one.caller or "unassigned"),
        "BillingAccountName": csv_cell(one.team or "unassigned"),
        "BillingCurrency": "USD",
        "BillingPeriodStart": _time(midnight(month.start)),
        "BillingPeriodEnd": _time(midnight(month.end)),
        "ChargeCategory": "Usage",
        "ChargeDescription": csv_cell(f"{one.feature or 'no feature'}: {one.model or 'model'}"),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _time(midnight(spent.span.start)),
        "ChargePeriodEnd": _time(spent.until),
        "ConsumedQuantity": f"{plain(tokens):f}",
        "ConsumedUnit": "Tokens",
        "PricingCategory": "Standard",
        "PricingQuantity": f"{plain(tokens / Decimal(1_000_000)):f}",
        "PricingUnit": "1000000 Tokens",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ServiceName": "Model inference",
        "SkuId": csv_cell(one.model),
        "SkuMeter": "Tokens",
        "SkuPriceDetails": json.dumps({"ModelId": one.model}),
        "Tags": json.dumps(tags, sort_keys=True),
        "x_Estimate": "true",
        "x_EstimateSource": "logs of calls",
        "x_FeatureId": csv_cell(one.feature),
        "x_Owner": csv_cell(one.owner),
        "x_Team": csv_cell(one.team),
        "x_Product": csv_cell(one.product),
        "x_Environment": csv_cell(one.environment),
        "x_ModelId": csv_cell(one.model),
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


_WIDE: tuple[tuple[str, Kind], ...] = (
    *((name.capitalize() if name != "cohort" else "Tenant", "text") for name in _NAMES),
    *(("USD", "usd"), ("Of it at list prices", "usd"), ("All at list prices", "usd")),
    *((name.replace("_", " ").capitalize(), "number") for name in COUNTS),
)


_TWO: Mapping[str, tuple[tuple[str, Kind], ...]] = {
    "Team": (("Team", "text"), ("USD", "usd")),
    "Cause": (("Cause", "text"), ("USD", "usd")),
}


def showback_xlsx(shown: ShownBack) -> bytes:
    """The lines, the teams, and why it changed, as a workbook.

    Raises:
        UsageError: the library is not installed.
    """
    whole, bridge = shown.whole, shown.whole.bridge
    rows: list[list[Value]] = [
        [
            *(getattr(one, name) for name in _NAMES),
            *(one.usd, one.from_prices_usd, one.at_list_usd),
            *(None if n in whole.now.unreported else getattr(one.used, n) for n in COUNTS),
        ]
        for one in whole.now.lines
    ]
    teams: list[list[Value]] = [[one.name or "(none)", one.usd] for one in whole.now.by("team")]
    why: list[list[Value]] = []
    if bridge is not None:
        why = [["before", bridge.before], *([f.value, usd] for f, usd in bridge.terms.items())]
        why.append(["now", bridge.now])
    name = whole.now.span.name
    return workbook(
        shown.day,
        (
            Sheet(name="Lines", headings=_WIDE, rows=rows, fixed=2),
            Sheet(name="By team", headings=_TWO["Team"], rows=teams),
            Sheet(name="Why", headings=_TWO["Cause"], rows=why),
            about_sheet((f"{name}, UTC: an estimate from logs, not an invoice.",)),
        ),
    )
