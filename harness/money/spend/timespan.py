"""The week or the month that a showback is of, UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias

from harness.errors import UsageError

Kind: TypeAlias = Literal["week", "month"]
_WEEK = re.compile(r"(\d{4})-W(\d{1,2})")
_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timespan:
    """A calendar week from its Monday on, or a calendar month."""

    kind: Kind
    start: date

    def __post_init__(self) -> None:
        """Refuse a week that begins on no Monday, a month that begins on no first day."""
        if self.start != _first(self.kind, self.start):
            raise ValueError(f"no {self.kind} begins on {self.start}")

    @property
    def end(self) -> date:
        """The first day after it."""
        return _first(self.kind, self.start + (7 if self.kind == "week" else 31) * _DAY)

    @property
    def name(self) -> str:
        """`2026-W48` or `2026-11`."""
        if self.kind == "week":
            year, number, _ = self.start.isocalendar()
            return f"{year}-W{number:02}"
        return f"{self.start:%Y-%m}"

    @property
    def days(self) -> int:
        """How many it has."""
        return (self.end - self.start).days

    @property
    def before(self) -> Timespan:
        """The one before it."""
        return span_of("week" if self.kind == "week" else "month", self.start - _DAY)


def span_of(kind: Kind, day: date) -> Timespan:
    """The week or month that a day is in."""
    return Timespan(kind=kind, start=_first(kind, day))


def _first(kind: Kind, day: date) -> date:
    return day.replace(day=1) if kind == "month" else day - day.weekday() * _DAY


def span_named(kind: Kind, text: str) -> Timespan:
    """`2026-W48` as a week, `2026-11` as a month.

    Raises:
        UsageError: it is none.
    """
    week = kind == "week"
    found = (_WEEK if week else _MONTH).fullmatch(text.strip())
    year, number = (int(found[1]), int(found[2])) if found else (0, 0)
    try:
        start = date.fromisocalendar(year, number, 1) if week else date(year, number, 1)
    except ValueError:
        example = "2026-W48" if week else "2026-11"
        raise UsageError(f"--{kind} {text}: no {kind} such as {example}") from None
    return Timespan(kind=kind, start=start)


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime.combine(day, time(), UTC)
