"""A feature's typical week of traffic, hour by hour, and the files `traffic/*.csv` that hold it.

A feature that states no traffic takes it from these files (`metered`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import ROUND_HALF_EVEN, Decimal
from io import StringIO
from pathlib import Path

from harness.errors import Problem, UsageError, WorkspaceError
from harness.money.measured import window_of
from harness.wording import percent
from harness.workspace.feature_file import Traffic
from harness.workspace.workspace import Workspace

HOURS_A_WEEK = 168
_MONTH_IN_WEEKS = Decimal("730.5") / HOURS_A_WEEK
_PLACES = Decimal("0.000001")


class NoTrafficError(UsageError):
    """A week without a request has no mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourUsage:
    """What one hour of the week used, summed over the weeks that were watched."""

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    output_tokens: int = 0
    unmetered: int = 0
    """Calls whose usage is not known: they are in no mean."""
    cache_untold: int = 0
    """Input tokens of calls that do not tell what of them was read from a prompt cache."""
    write_untold: int = 0
    """Input tokens of calls that do not tell what of them was written to a prompt cache."""

    def plus(self, other: HourUsage) -> HourUsage:
        """Add two hours up."""
        names = [field.name for field in fields(self)]
        return HourUsage(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """168 hours of one feature and cohort; hour 0 is Monday 00:00 UTC."""

    feature: str
    cohort: str
    weeks: int
    hours: tuple[HourUsage, ...]
    watched: tuple[int, ...] = ()
    """How often each hour of the week was seen, 0 for never; empty: each as often as `weeks`."""

    def __post_init__(self) -> None:
        """Refuse a week that is not one."""
        if len(self.hours) != HOURS_A_WEEK:
            raise ValueError(f"a week has {HOURS_A_WEEK} hours, not {len(self.hours)}")
        if self.weeks < 1:
            raise ValueError(f"at least one week must have been watched, not {self.weeks}")
        if self.watched and (len(self.watched) != HOURS_A_WEEK or not any(self.watched)):
            raise ValueError(f"some of the {HOURS_A_WEEK} hours must have been watched")

    @property
    def shares(self) -> tuple[int | Decimal, ...]:
        """Requests by hour: the shape of the week."""
        return tuple(hour.requests for hour in self.hours) if self.even else self.rates

    @property
    def even(self) -> bool:
        """Whether every hour of the week was watched as often."""
        return not self.watched or set(self.watched) == {self.weeks}

    @property
    def rates(self) -> tuple[Decimal, ...]:
        """Requests of each hour of one week.

        An hour that was never watched is taken for the mean of the same hour on other days, else
        of all hours.
        """
        often = self.watched or (self.weeks,) * HOURS_A_WEEK
        seen = {
            at: Decimal(hour.requests) / times
            for at, (hour, times) in enumerate(zip(self.hours, often, strict=True))
            if times
        }
        return tuple(seen.get(at, _typical(seen, at)) for at in range(HOURS_A_WEEK))

    @property
    def total(self) -> HourUsage:
        """The sum of all hours."""
        return _added(self.hours)

    def to_traffic(self, *, source: str) -> Traffic:
        """A month's volume and means, as a feature file states them.

        Token means are per call of known usage, as the retry rate multiplies calls.

        Raises:
            NoTrafficError: nothing was asked.
        """
        total = self.total
        calls = total.requests + total.retries - total.unmetered
        if total.requests == 0 or total.input_tokens == 0 or calls <= 0:
            raise NoTrafficError(
                f"{self.feature}: no request with tokens in the week; check the log"
            )
        written = _ratio(total.cache_written_tokens, total.input_tokens - total.write_untold)
        cached = _ratio(total.cached_tokens, total.input_tokens - total.cache_untold)
        week = Decimal(total.requests) / self.weeks if self.even else sum(self.rates, Decimal(0))
        month = week * _MONTH_IN_WEEKS
        return Traffic(
            requests_per_month=int(month.to_integral_value(rounding=ROUND_HALF_EVEN)),
            input_tokens=_ratio(total.input_tokens, calls),
            output_tokens=_ratio(total.output_tokens, calls),
            cached_share=min(cached, 1 - written),
            cache_written_share=written,
            retry_rate=_ratio(total.retries, total.requests),
            source=source + self._cache_said,
        )

    @property
    def _cache_said(self) -> str:
        """Of how much of the input the log tells what was read from a prompt cache, or written."""
        total = self.total
        if total.cache_untold == total.write_untold:
            return _cache_told("read from or written to", total.cache_untold, total)
        read = _cache_told("read from", total.cache_untold, total)
        return read + _cache_told("written to", total.write_untold, total)


def together(weeks: tuple[Week, ...]) -> Week:
    """Add the cohorts of one feature up.

    Raises:
        ValueError: they are of several features, or were watched for different spans.
    """
    first = weeks[0]
    same = (first.feature, first.weeks, first.watched)
    if any((one.feature, one.weeks, one.watched) != same for one in weeks):
        raise ValueError(f"cohorts of {first.feature} do not cover the same feature and weeks")
    columns = zip(*(one.hours for one in weeks), strict=True)
    hours = tuple(_added(column) for column in columns)
    return Week(
        feature=first.feature, cohort="", weeks=first.weeks, hours=hours, watched=first.watched
    )


def _typical(seen: dict[int, Decimal], at: int) -> Decimal:
    """Requests of an hour that was not watched, after the hours that were."""
    same = [rate for hour, rate in seen.items() if hour % 24 == at % 24]
    known = same or list(seen.values())
    return sum(known, Decimal(0)) / len(known)


def _added(hours: tuple[HourUsage, ...]) -> HourUsage:
    total = HourUsage()
    for hour in hours:
        total = total.plus(hour)
    return total


def _ratio(part: int, whole: int) -> float:
    return float((Decimal(part) / whole).quantize(_PLACES)) if whole else 0


def _cache_told(what: str, unreported: int, total: HourUsage) -> str:
    if not unreported:
        return ""
    if unreported == total.input_tokens:
        return f"; what was {what} a prompt cache is not told, and counted as nothing"
    share = percent((total.input_tokens - unreported) / total.input_tokens, 1)
    return f"; what was {what} a prompt cache is told of {share} of the input"


ALL_COUNTS = tuple(field.name for field in fields(HourUsage))
LATER_COUNTS = ("unmetered", "cache_untold", "write_untold")
COUNTS = tuple(name for name in ALL_COUNTS if name not in LATER_COUNTS)
COLUMNS = ("feature", "cohort", "weeks", "hour", *COUNTS)
LATER_COLUMNS = (*LATER_COUNTS, "watched")
"""Columns that a file has only where they say something."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    feature: str
    cohort: str
    weeks: int
    hour: int
    usage: HourUsage
    watched: int


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
    hours = [hour for week in weeks for hour in week.hours]
    said = [name for name in LATER_COUNTS if any(getattr(hour, name) for hour in hours)]
    later = [*said, *(["watched"] if any(not week.even for week in weeks) else [])]
    writer.writerow([*COLUMNS, *later])
    for week in sorted(weeks, key=lambda one: (one.feature, one.cohort)):
        often = week.watched or (week.weeks,) * HOURS_A_WEEK
        for hour, usage in enumerate(week.hours):
            counts = [getattr(usage, name) for name in COUNTS]
            more = [often[hour] if name == "watched" else getattr(usage, name) for name in later]
            writer.writerow([week.feature, week.cohort, week.weeks, hour, *counts, *more])
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
        known = {*COLUMNS, *LATER_COLUMNS}
        unknown = [name for name in reader.fieldnames or () if name not in known]
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
    later = [name for name in LATER_COLUMNS if name in cells]
    for name in (*COLUMNS[2:], *later):
        cell = (cells.get(name) or "").strip()
        if cell.isascii() and cell.isdigit():
            numbers[name] = int(cell)
        else:
            problems.append(_problem(file, line, name, f"{cell!r} is not a whole number from 0 on"))
    if len(numbers) < len(COLUMNS) - 2 + len(later):
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
        HourUsage(**{name: numbers.get(name, 0) for name in ALL_COUNTS}),
        numbers.get("watched", numbers["weeks"]),
    )


def _wrong(numbers: dict[str, int]) -> tuple[str, str] | None:
    if numbers["hour"] >= HOURS_A_WEEK:
        return "hour", f"{numbers['hour']} is not an hour of the week, 0 to 167"
    if numbers["weeks"] == 0:
        return "weeks", "at least one week must have been watched"
    for named, part, says in _PARTS:
        if numbers[part] + numbers.get(named, 0) > numbers["input_tokens"]:
            return named, says
    return None


_NOBODY = "a part of input_tokens of which nobody tells what was"
_PARTS = (
    ("cached_tokens", "cache_written_tokens", "cached and written are parts of input_tokens"),
    ("cache_untold", "cached_tokens", f"{_NOBODY} cached"),
    ("write_untold", "cache_written_tokens", f"{_NOBODY} written"),
)
"""Of each two, no more than the input together; the first is named."""


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
    often = tuple(hours[hour].watched for hour in range(HOURS_A_WEEK))
    if not any(often):
        problems.append(_problem(file, last, "watched", f"{feature} was watched in no hour"))
        return None
    (weeks,) = spans
    watched = () if set(often) == {weeks} else often
    return Week(feature=feature, cohort=cohort, weeks=weeks, hours=ordered, watched=watched)


def metered(workspace: Workspace) -> Workspace:
    """The workspace with every feature's traffic, where its file or `traffic/*.csv` says it.

    What a feature's file states wins. Else the newest file counts, by its name, that has rows of
    the feature; its cohorts are added up.

    A feature without a request in it has none, and is blocked by itself.

    Raises:
        WorkspaceError: a traffic file that is needed is damaged.
    """
    silent = [name for name, config in workspace.features.items() if config.traffic is None]
    if not silent:
        return workspace
    folder = workspace.root / "traffic"
    known = _newest(folder)
    read = {name: _traffic(folder, *known[name]) for name in silent if name in known}
    found = {name: traffic for name, traffic in read.items() if traffic is not None}
    features = {
        name: config.model_copy(update={"traffic": found[name]}) if name in found else config
        for name, config in workspace.features.items()
    }
    return replace(workspace, features=features)


def _traffic(folder: Path, file: str, weeks: tuple[Week, ...]) -> Traffic | None:
    """The month that a file says, with the days that were measured where they are known."""
    beside = (folder / file).with_suffix(".measured.json")
    days = f", measured {window_of(beside)}" if beside.is_file() else ""
    try:
        month = together(weeks).to_traffic(source=f"traffic/{file}{days}")
    except NoTrafficError:
        return None
    return month.model_copy(update={"curve": file})


def _newest(folder: Path) -> dict[str, tuple[str, tuple[Week, ...]]]:
    """The newest file that has rows of each feature, and those rows."""
    found: dict[str, tuple[str, tuple[Week, ...]]] = {}
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        weeks = read_weeks(path.read_text(encoding="utf-8-sig"), file=f"traffic/{path.name}")
        for name in {week.feature for week in weeks}:
            own = tuple(week for week in weeks if week.feature == name)
            found[name] = (path.name, own)
    return found
