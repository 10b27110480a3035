"""Unusual hours of a period: each week held against the weeks before it, and by which caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from harness.bring.spending.stored import StoredHours
from harness.money.amounts import cents, exact
from harness.money.spend.showback import Unusual
from harness.stats.hourly import FEWEST_WEEKS, HOURS_A_WEEK, MOST_WEEKS, alarms

_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)
_COVERED = 0.9
_LEAST_USD = Decimal(1)
_LEAST_SHARE = Decimal("0.001")
"""Of the whole period's spend: less than this, or than a dollar, is not told."""


def unusual_hours(
    hours: StoredHours, start: datetime, until: datetime, spent: Decimal
) -> tuple[Unusual, ...]:
    """What cost more than its hours of the week do, largest excess first.

    Args:
        hours: the stored sums.
        start: of the period.
        until: its end, or the end of what is told of it.
        spent: what it cost; small things are not told.
    """
    least = max(_LEAST_USD, spent * _LEAST_SHARE)
    found: list[Unusual] = []
    week = start - timedelta(days=start.weekday())
    while week < until:
        found += _of_week(hours, week, min(week + _WEEK, until), start)
        week += _WEEK
    whole = (one for one in _together(found) if one.excess >= least)
    return tuple(sorted(whole, key=lambda one: (-one.excess, one.since, one.feature, one.caller)))


def _together(found: Iterable[Unusual]) -> Iterator[Unusual]:
    """All alarms of one feature, or of one caller of none, as one; its first hour counts."""
    by_thing: dict[tuple[str, str], list[Unusual]] = {}
    for one in found:
        by_thing.setdefault((one.feature, "" if one.feature else one.caller), []).append(one)
    for each in by_thing.values():
        most = max(each, key=lambda one: one.excess)
        yield replace(
            most,
            since=each[0].since,
            until=each[-1].until,
            hours=sum(one.hours for one in each),
            usd=sum((one.usd for one in each), Decimal(0)),
            expected=sum((one.expected for one in each), Decimal(0)),
        )


def _of_week(
    hours: StoredHours, week: datetime, end: datetime, start: datetime
) -> Iterator[Unusual]:
    past = [week - back * _WEEK for back in range(MOST_WEEKS, 0, -1)]
    known = [
        begin for begin in past if hours.watched(begin, begin + _WEEK) >= _COVERED * HOURS_A_WEEK
    ]
    if len(known) < FEWEST_WEEKS:
        return
    length = round((end - week) / _HOUR)
    series = hours.series(past[0], end)
    for (feature, caller), values in sorted(series.items()):
        cut = [_from(values, round((begin - past[0]) / _HOUR), HOURS_A_WEEK) for begin in known]
        now = _from(values, round((week - past[0]) / _HOUR), length)
        for alarm in alarms(now, cut):
            since, last = week + alarm.first * _HOUR, week + (alarm.last + 1) * _HOUR
            one = Unusual(
                feature=feature,
                caller=caller or hours.caller_of(feature, since, last),
                since=since,
                until=last,
                hours=alarm.last - alarm.first + 1,
                usd=cents(exact(alarm.seen)),
                expected=cents(exact(alarm.expected)),
            )
            if last > start:
                yield one


def _from(values: Sequence[float], at: int, length: int) -> list[float]:
    return list(values[at : at + length])
