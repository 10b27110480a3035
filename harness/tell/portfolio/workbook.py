"""The portfolio as a workbook: numbers as numbers, days as days, texts that no program calculates.

Needs the extra `finance`. The same figures give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from harness.errors import UsageError
from harness.money.portfolio.overview import Overview
from harness.money.portfolio.progress import run_rate_of_all, run_rates
from harness.money.portfolio.to_do import to_do
from harness.tell.portfolio.spreadsheet import FIELDS, Kind, Value, rows_of
from harness.tell.portfolio.tasks import due_text, effort_and_risk, what_text

_FORMATS: dict[Kind, str] = {
    "usd": "#,##0.00",
    "points": "0.0",
    "number": "#,##0.##",
    "day": "yyyy-mm-dd",
}
_WIDTHS: dict[Kind, int] = {"text": 22, "usd": 14, "points": 11, "number": 11, "day": 11}
_BASIS = (
    "USD a month after discounts, unless a heading says list price.",
    "As found: what the review found, whatever was decided since.",
    "Proposed saving: proposed, deferred or accepted. In production: implemented or verified.",
    "A saving stands in the one column where it counts; an empty cell: not known, or not counted.",
    "Net of mistakes: less what the expected further mistakes cost; only where a cost is stated.",
)
Heading = tuple[str, Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table of a workbook; the first `fixed` columns stay in view."""

    name: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Value]]
    fixed: int = 1


def to_xlsx(figures: Overview) -> bytes:
    """The workbook's bytes.

    Raises:
        UsageError: the library is not installed.
    """
    rows = [[row[field.name] for field in FIELDS] for row in rows_of(figures)]
    headings: list[Heading] = [(field.heading, field.kind) for field in FIELDS]
    return workbook(
        figures.day,
        (
            Sheet(name="Features", headings=headings, rows=rows, fixed=2),
            Sheet(name="To do", headings=_TASKS, rows=_tasks(figures)),
            Sheet(name="By team", headings=_GROUPS, rows=_teams(figures)),
            Sheet(name="Run-rate", headings=_RATES, rows=_rates(figures)),
            about_sheet(_about(figures)),
        ),
    )


def about_sheet(lines: Sequence[str]) -> Sheet:
    """What the other sheets mean, line by line."""
    return Sheet(name="About", headings=[("About", "text")], rows=[[line] for line in lines])


def workbook(made_on: date, sheets: Sequence[Sheet]) -> bytes:
    """Tables as the bytes of a workbook; equal tables are equal bytes.

    Raises:
        UsageError: the library is not installed.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415  # its one door; the base install lacks it
    except ModuleNotFoundError:
        raise UsageError(
            "a workbook needs XlsxWriter: pip install 'model-rightsizing[finance]'; "
            "CSV needs nothing"
        ) from None
    made = BytesIO()
    book: Any = Workbook(
        made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": datetime.combine(made_on, time())})
    writer = _Sheets(book)
    for one in sheets:
        writer.add(one.name, one.headings, one.rows, fixed=one.fixed)
    book.close()
    return made.getvalue()


class _Sheets:
    """Writes one table a sheet: a bold header that stays, a filter, formats by column."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401  # the library has no types
        self._book = book
        self._head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
        )
        self._formats = {
            kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()
        }

    def add(
        self,
        name: str,
        headings: Sequence[Heading],
        rows: Sequence[Sequence[Value]],
        *,
        fixed: int = 1,
    ) -> None:
        sheet = self._book.add_worksheet(name)
        for at, (heading, kind) in enumerate(headings):
            sheet.set_column(at, at, 90 if name == "About" else _WIDTHS[kind])
            sheet.write_string(0, at, heading, self._head)
        for down, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                self._write(sheet, (down, at), value, headings[at][1])
        sheet.freeze_panes(1, fixed)
        if rows and len(headings) > 1:
            sheet.autofilter(0, 0, len(rows), len(headings) - 1)

    def _write(self, sheet: Any, place: tuple[int, int], value: Value, kind: Kind) -> None:  # noqa: ANN401
        """A text is always a text, whatever it begins with; what is absent stays empty."""
        if value is None or value == "":
            return
        if isinstance(value, str):
            sheet.write_string(*place, value)
        elif isinstance(value, date):
            sheet.write_datetime(*place, datetime.combine(value, time()), self._formats["day"])
        else:
            sheet.write_number(*place, float(value), self._formats.get(kind))


_TASKS: Sequence[Heading] = (
    *(("What", "text"), ("Feature", "text"), ("Owner", "text"), ("Team", "text")),
    *(("Due", "day"), ("Overdue", "text"), ("USD a month", "usd")),
    *(("Effort", "text"), ("Risk", "text"), ("In words", "text")),
)


def _tasks(figures: Overview) -> list[list[Value]]:
    rows: list[list[Value]] = []
    for task in to_do(figures):
        feature = task.feature.record.feature
        effort, risk = effort_and_risk(task.feature)
        rows.append(
            [
                *(what_text(task), feature.name, feature.owner, feature.team, task.due),
                *("yes" if task.overdue else "no", task.usd, effort, risk, due_text(task)),
            ]
        )
    return rows


_GROUPS: Sequence[Heading] = (
    *(("Team", "text"), ("Features", "number"), ("Spend a month", "usd")),
    *(("Proposed saving", "usd"), ("In production, forecast", "usd")),
    *(("Realised (verified ones)", "usd"), ("By batch or caching", "usd")),
)


def _teams(figures: Overview) -> list[list[Value]]:
    (breakdown,) = (one for one in figures.breakdowns if one.tag == "team")
    groups = [(one.value or "(none)", one.sums) for one in breakdown.groups]
    return [
        [
            *(name, sums.features, sums.spend if sums.spend_known else None, sums.proposed),
            *(sums.production, sums.realised if sums.verified_on else None, sums.same_model),
        ]
        for name, sums in (*groups, ("all", figures.total))
    ]


_RATES: Sequence[Heading] = (
    *(("By", "text"), ("Name", "text"), ("As reviewed", "usd")),
    *(("Today", "usd"), ("All taken", "usd")),
)


def _rates(figures: Overview) -> list[list[Value]]:
    whole = run_rate_of_all(figures)
    named = [("provider", one) for one in run_rates(figures, "provider")]
    named += [("model", one) for one in run_rates(figures, "model")]
    return [
        [by, one.name, one.reviewed, one.now, one.taken] for by, one in (*named, ("all", whole))
    ]


def _about(figures: Overview) -> list[str]:
    records = [one.record for one in figures.features]
    cycles = ", ".join(sorted({record.cycle for record in records}))
    prices = [record.evidence.rates_as_of for record in records]
    dates = f"States as of {figures.day}. Reviews: {cycles}."
    if prices:
        dates += f" Prices as of {min(prices)} to {max(prices)}."
    return [dates, *_BASIS]
