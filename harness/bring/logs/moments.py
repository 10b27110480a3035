"""Times of a log as SQL: counts since 1970, dates with an offset, and what a wall clock shows.

A local time that clocks skip in spring is none. One that they show twice in autumn is read as the
first of both, unless the end or the first token of the same call fits only the second. A date alone
is the beginning of its day, whatever its clocks do at midnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from harness.bring.logs.log_format import LogFormat, Moment

_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_OFFSET = r"(?:Z|z| ?[+-](?:0\d|1[0-4])(?::?[0-5]\d)?| UTC)"
_USUAL = "____-__-__T__:__:%Z"
"""How most logs write a time; what stands for `%` the cast checks."""
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
"""The earliest time that a log has."""
_MINUTE = timedelta(minutes=1)
_A_DAY = timedelta(days=1)
_TIMES = (("at", "at_text"), ("end", "end_text"), ("first", "begun_text"))
_NULL = "NULL::TIMESTAMP"
_UNSETTLED = "at_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A moment at which the clocks of a zone are put forward or back."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def shown(self) -> tuple[datetime, datetime]:
        """Between which two times clocks skip, or show all twice."""
        both = (self.at + self.before, self.at + self.after)
        return min(both), max(both)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def offset(text: str) -> str:
    """Whether a time says its offset."""
    return f"regexp_full_match({text}, {quoted(_DAY + _CLOCK + _OFFSET)})"


def plain(text: str) -> str:
    """Whether a time is a date, or a date and a clock of 24 hours, and nothing else."""
    return f"regexp_full_match({text}, {quoted(f'{_DAY}(?:{_CLOCK})?')})"


def moment(text: str, how: Moment, zone: str | None, latest: datetime) -> str:
    """A time as TIMESTAMP of UTC, or NULL where it cannot be read."""
    if how.unit != "iso":
        micros = {"s": "* 1000000", "ms": "* 1000", "us": "", "ns": "/ 1000"}[how.unit]
        number = f"TRY_CAST({text} AS DECIMAL(38, 9))"
        exact = f"TRY_CAST(TRY(trunc({number} {micros})) AS BIGINT)"
        return f"CASE WHEN {exact} BETWEEN 0 AND 9000000000000000 THEN make_timestamp({exact}) END"
    stated = how.zone or zone
    local = "NULL" if stated is None else _in_zone(text, stated, latest)
    apart = f"regexp_replace(upper({text}), {quoted(' ([-+])')}, {quoted(chr(92) + '1')})"
    aware = f"make_timestamp(epoch_us(TRY_CAST({apart} AS TIMESTAMPTZ)))"
    return (
        f"CASE WHEN {text} LIKE {quoted(_USUAL)} AND NOT contains({text}, ' ') "
        f"THEN TRY_CAST({text} AS TIMESTAMP) WHEN {plain(text)} THEN {local} "
        f"WHEN {offset(text)} THEN {aware} END"
    )


def skipped(text: str, how: Moment, zone: str | None, latest: datetime) -> str | None:
    """Whether a time is one that no clock of its zone has shown; None: every one was shown."""
    gaps = " OR ".join(
        f"({_wall(text)} >= {_at(start)} AND {_wall(text)} < {_at(end)})"
        for each in _changes(_local_zone(how, zone), latest)
        if each.after > each.before
        for start, end in (each.shown,)
    )
    return f"({plain(text)} AND contains({text}, ':') AND ({gaps}))" if gaps else None


def settled(form: LogFormat, zone: str | None, latest: datetime) -> str:
    """What replaces the times of a row, where clocks of its zone show some twice, else nothing."""
    hows = {"at": form.at, "end": form.end, "first": form.first_token_at}
    late = {name: _second(text, hows[name], zone, latest) for name, text in _TIMES}
    if late["at"] == _NULL:
        return f"SELECT *, false AS doubled FROM {_UNSETTLED}"  # noqa: S608
    fits = " OR ".join(
        f"coalesce({name}_late IS NULL AND {name}_at >= at_late, false)"
        for name in ("end", "first")
    )
    rest = ", ".join(
        f"CASE WHEN {name}_late IS NOT NULL AND ({name}_at < at_time OR {fits}) "
        f"THEN {name}_late ELSE {name}_at END AS {name}_at"
        for name in ("end", "first")
    )
    found = ", ".join(f"{sql} AS {name}_late" for name, sql in late.items())
    at = f"CASE WHEN {fits} THEN at_late ELSE at_time END AS at_time"
    twice = f"at_late IS NOT NULL AND NOT ({fits}) AS doubled"
    kept = f"* EXCLUDE (at_late, end_late, first_late) REPLACE ({at}, {rest})"
    return f"SELECT {kept}, {twice} FROM (SELECT *, {found} FROM {_UNSETTLED})"  # noqa: S608


def _local_zone(how: Moment | None, zone: str | None) -> str:
    """The zone of times without an offset, where clocks of it may change."""
    return "UTC" if how is None or how.unit != "iso" else how.zone or zone or "UTC"


def _wall(text: str) -> str:
    return f"TRY_CAST({text} AS TIMESTAMP)"


def _at(moment_of_day: datetime) -> str:
    return f"TIMESTAMP '{moment_of_day:%Y-%m-%d %H:%M:%S}'"


def _less(text: str, shift: timedelta) -> str:
    seconds = round(shift.total_seconds())
    return f"{_wall(text)} - to_seconds({seconds})" if seconds else _wall(text)


def _in_zone(text: str, zone: str, latest: datetime) -> str:
    """What a wall clock shows as UTC; the latest change first, as logs are young."""
    changes = _changes(zone, latest)
    cases: list[str] = []
    for each in reversed(changes):
        start, end = each.shown
        cases.append(f"WHEN {_wall(text)} >= {_at(end)} THEN {_less(text, each.after)}")
        if each.after > each.before:
            day = f"CASE WHEN NOT contains({text}, ':') THEN {_at(each.at)} END"
            cases.append(f"WHEN {_wall(text)} >= {_at(start)} THEN {day}")
    first = changes[0].before if changes else ZoneInfo(zone).utcoffset(latest) or timedelta()
    oldest = _less(text, first)
    return f"CASE {' '.join(cases)} ELSE {oldest} END" if cases else oldest


def _second(text: str, how: Moment | None, zone: str | None, latest: datetime) -> str:
    """The second meaning of a time that clocks show twice, else NULL."""
    cases = " ".join(
        f"WHEN {_wall(text)} >= {_at(start)} AND {_wall(text)} < {_at(end)} "
        f"THEN {_less(text, each.after)}"
        for each in reversed(_changes(_local_zone(how, zone), latest))
        if each.after < each.before
        for start, end in (each.shown,)
    )
    told = f"{plain(text)} AND contains({text}, ':')"
    return f"CASE WHEN {told} THEN CASE {cases} END END" if cases else _NULL


@cache
def _changes(zone: str, latest: datetime) -> tuple[_Change, ...]:
    """When the clocks of a zone were changed."""
    return tuple(_changed(ZoneInfo(zone), latest)) if zone != "UTC" else ()


def _changed(zone: ZoneInfo, latest: datetime) -> Iterator[_Change]:
    at = FIRST - _A_DAY
    while at <= latest + _A_DAY:
        if _shift(zone, at) != _shift(zone, at + _A_DAY):
            low, high = at, at + _A_DAY
            while high - low > _MINUTE:
                middle = low + (high - low) // _MINUTE // 2 * _MINUTE
                low, high = (
                    (middle, high) if _shift(zone, middle) == _shift(zone, at) else (low, middle)
                )
            yield _Change(
                at=high.replace(tzinfo=None), before=_shift(zone, low), after=_shift(zone, high)
            )
        at += _A_DAY


def _shift(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
