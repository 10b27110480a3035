"""`traffic/*.csv` as text, in both directions."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from io import StringIO
from typing import TYPE_CHECKING

from harness.errors import Problem, WorkspaceError
from harness.metering.week import HOURS_A_WEEK, HourUsage, Week

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTS = tuple(field.name for field in fields(HourUsage))
COLUMNS = ("feature", "cohort", "weeks", "hour", *COUNTS)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    feature: str
    cohort: str
    weeks: int
    hour: int
    usage: HourUsage


def read_weeks(text: str, *, file: str) -> tuple[Week, ...]:
    """Read the weeks of a traffic file, by feature and cohort.

    Args:
        text: the CSV.
        file: its name, for the messages.

    Raises:
        WorkspaceError: every problem of the file at once.
    """
    problems: list[Problem] = []
    rows = _rows(text, file, problems)
    weeks = _weeks(rows, file, problems)
    if not weeks and not problems:
        problems.append(_problem(file, 1, "", "no rows; one per feature and hour of the week"))
    if problems:
        raise WorkspaceError(problems)
    return weeks


def write_weeks(weeks: Sequence[Week]) -> str:
    """The CSV of some weeks: sorted, so that equal traffic is equal text."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for week in sorted(weeks, key=lambda one: (one.feature, one.cohort)):
        for hour, usage in enumerate(week.hours):
            counts = [getattr(usage, name) for name in COUNTS]
            writer.writerow([week.feature, week.cohort, week.weeks, hour, *counts])
    return text.getvalue()


def _problem(file: str, line: int, key: str, message: str) -> Problem:
    return Problem(file=file, line=line, key=key, message=message)


def _rows(text: str, file: str, problems: list[Problem]) -> list[_Row]:
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            message = f"missing columns: {', '.join(missing)}"
            problems.append(_problem(file, 1, "", message))
            return []
        unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
        if unknown:
            problems.append(_problem(file, 1, "", f"unknown columns: {', '.join(unknown)}"))
        found = (_row(dict(row), reader.line_num, file, problems) for row in reader)
        return [row for row in found if row is not None]
    except csv.Error as error:
        problems.append(_problem(file, reader.line_num, "", f"not a CSV: {error}"))
        return []


def _row(
    cells: dict[str, str | None], line: int, file: str, problems: list[Problem]
) -> _Row | None:
    numbers: dict[str, int] = {}
    for name in COLUMNS[2:]:
        cell = (cells.get(name) or "").strip()
        if cell.isascii() and cell.isdigit():
            numbers[name] = int(cell)
        else:
            problems.append(_problem(file, line, name, f"{cell!r} is not a whole number from 0 on"))
    if len(numbers) < len(COLUMNS) - 2:
        return None
    wrong = _wrong(numbers)
    if wrong is not None:
        problems.append(_problem(file, line, *wrong))
        return None
    return _Row(
        line,
        (cells["feature"] or "").strip(),
        (cells["cohort"] or "").strip(),
        numbers["weeks"],
        numbers["hour"],
        HourUsage(**{name: numbers[name] for name in COUNTS}),
    )


def _wrong(numbers: dict[str, int]) -> tuple[str, str] | None:
    if numbers["hour"] >= HOURS_A_WEEK:
        return "hour", f"{numbers['hour']} is not an hour of the week, 0 to 167"
    if numbers["weeks"] == 0:
        return "weeks", "at least one week must have been watched"
    if numbers["cached_tokens"] + numbers["cache_written_tokens"] > numbers["input_tokens"]:
        return "cached_tokens", "cached and written tokens are parts of input_tokens"
    return None


def _weeks(rows: list[_Row], file: str, problems: list[Problem]) -> tuple[Week, ...]:
    groups: dict[tuple[str, str], dict[int, _Row]] = {}
    for row in rows:
        hours = groups.setdefault((row.feature, row.cohort), {})
        if row.hour in hours:
            message = (
                f"hour {row.hour} of {row.feature} stands already on line {hours[row.hour].line}"
            )
            problems.append(_problem(file, row.line, "hour", message))
        hours[row.hour] = row
    return tuple(
        week
        for (feature, cohort), hours in groups.items()
        if (week := _week(feature, cohort, hours, file, problems)) is not None
    )


def _week(
    feature: str, cohort: str, hours: dict[int, _Row], file: str, problems: list[Problem]
) -> Week | None:
    absent = [hour for hour in range(HOURS_A_WEEK) if hour not in hours]
    last = max(row.line for row in hours.values())
    if absent:
        shown = ", ".join(map(str, absent[:3])) + (" ..." if absent[3:] else "")
        message = f"{feature} lacks {len(absent)} of 168 hours ({shown}); an idle hour says 0"
        problems.append(_problem(file, last, "hour", message))
        return None
    spans = {row.weeks for row in hours.values()}
    if len(spans) > 1:
        message = f"{feature} was watched for different spans: {', '.join(map(str, sorted(spans)))}"
        problems.append(_problem(file, last, "weeks", message))
        return None
    ordered = tuple(hours[hour].usage for hour in range(HOURS_A_WEEK))
    return Week(feature=feature, cohort=cohort, weeks=spans.pop(), hours=ordered)
