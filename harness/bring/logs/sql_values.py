"""Times and numbers of a log as SQL, as programs and people write them.

A local time that clocks skip in spring is none. One that they show twice in autumn is read as the
first of both, unless the end or the first token of the same call fits only the second. A date alone
is the beginning of its day, whatever its clocks do at midnight.

An amount may have a sign of USD and a decimal comma (`$1,234.50`, `0,12 USD`). What may be read in
two ways is none: `1,234` as an amount, `1.000` as a count; digits parted by `_` neither.
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


_ABSENT = ("", "null", "none", "n/a", chr(92) + "n")
"""Texts for a number or an end that is not there."""
MOST = "1e15"
IN_USD = "currency IS NULL OR currency IN ('USD', 'US$', '$')"
_GROUPED = r"[1-9]\d{0,2}(?:\.000)+"
_SIGN = r"^(?:US\$|USD|\$)\s*|\s*(?:US\$|USD|\$)$"
_WITH_POINT = r"\d+(?:\.\d+)?"
_GROUPED_BY_COMMA = r"[1-9]\d{0,2}(?:,\d{3})+\.\d+|[1-9]\d{0,2}(?:,\d{3}){2,}"
_WITH_COMMA = r"[1-9]\d{0,2}(?:\.\d{3})+,\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+"
_EITHER = r"[1-9]\d{0,2},\d{3}"
_MONEY = "DECIMAL(24, 12)"
_OTHER = r"[€£¥₹]|(?:^|[^A-Z])[A-Z]{3}(?:[^A-Z]|$)"


def duration(text: str) -> str:
    """A number, or NULL."""
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def counted(text: str) -> str:
    """A number that is a count, or NULL; `12.0` is one, as tables of floats have it."""
    unclear = f"contains({text}, '_') OR (contains({text}, '.') AND {_is(text, _GROUPED)})"
    return f"CASE WHEN NOT ({unclear}) THEN TRY_CAST({text} AS DOUBLE) END"


def plain_amount(text: str, times: str) -> str:
    """An amount of USD as programs write it, or NULL; of cents where `times` says so."""
    return _times(
        f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS {_MONEY}) END", times
    )


def amount(text: str, times: str) -> str:
    """An amount as people write it, or NULL; one of cents has no sign of USD."""
    bare = _bare(text) if times == "1" else f"trim({text})"
    return _times(
        f"TRY_CAST(CASE WHEN {_is(bare, _WITH_POINT)} THEN {bare} "
        f"WHEN {_is(bare, _GROUPED_BY_COMMA)} THEN replace({bare}, ',', '') "
        f"WHEN {_is(bare, _WITH_COMMA)} THEN replace(replace({bare}, '.', ''), ',', '.') END "
        f"AS {_MONEY})",
        times,
    )


def _times(number: str, times: str) -> str:
    return number if times == "1" else f"({number} * {times}::DECIMAL(8, 2))"


def _may_group(text: str) -> str:
    """Whether the points of a count may part its thousands."""
    return f"coalesce({_is(text, _GROUPED)}, false)"


def _of_two_readings(text: str) -> str:
    """Whether the comma of an amount may part thousands, or begin a fraction."""
    return _is(_bare(text), _EITHER)


def _of_another_currency(text: str) -> str:
    """Whether an amount names a currency that is not USD."""
    return f"regexp_matches({text}, '[0-9]') AND regexp_matches({_bare(text)}, {quoted(_OTHER)})"


def _bare(text: str) -> str:
    return f"regexp_replace(upper(trim({text})), {quoted(_SIGN)}, '', 'g')"


def _is(text: str, pattern: str) -> str:
    return f"regexp_full_match(trim({text}), {quoted(pattern)})"


def stated(name: str) -> str:
    """Whether a column has anything."""
    return f"lower(trim({name}_text)) NOT IN ({', '.join(map(quoted, _ABSENT))})"


def is_duration(name: str) -> str:
    """Whether a number is one from 0 on."""
    return f"(isfinite({name}) AND {name} >= 0)"


def no_duration(name: str) -> str:
    """Whether a column has anything else than a number from 0 on."""
    return f"{stated(name)} AND NOT coalesce({is_duration(name)}, false)"


def count_checks(name: str) -> list[tuple[str, str]]:
    """What can be said against a count."""
    wrong = f"{name} IS NULL OR {name} < 0 OR {name} <> floor({name}) OR {name} > {MOST}"
    return [
        (_may_group(f"{name}_text"), f"{name}: points that may part thousands"),
        (f"{stated(name)} AND ({wrong})", f"{name}: no whole number from 0 on"),
    ]


def cost_checks(form: LogFormat) -> list[tuple[str, str]]:
    """What can be said against a cost."""
    wrong, other = f"{stated('cost')} AND money IS NULL", "cost: in a currency that is not USD"
    return [
        *([(f"{stated('cost')} AND NOT ({IN_USD})", other)] if form.currency else []),
        (f"{wrong} AND {_of_another_currency('cost_text')}", other),
        (
            f"{wrong} AND {_of_two_readings('cost_text')}",
            "cost: a comma that may part thousands, or begin a fraction",
        ),
        (f"{stated('cost')} AND (money IS NULL OR money < 0)", "cost: no amount from 0 on"),
    ]
