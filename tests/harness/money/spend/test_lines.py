"""Lines of whole cents: every breakdown adds up to the headline, whatever the amounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.money.spend.lines import KEYS, Consumed, Outlay, PeriodSpend, in_cents
from harness.money.spend.timespan import Timespan, span_named, span_of

WEEK = span_named("week", "2026-W48")
NAMES = st.sampled_from(["", "a", "b"])
EXACT = st.decimals(min_value=0, max_value=1000, places=9, allow_nan=False)
LINE = st.builds(
    Outlay,
    **dict.fromkeys(KEYS, NAMES),
    usd=EXACT,
    used=st.builds(Consumed, requests=st.integers(0, 99).map(Decimal)),
)


def period(lines: list[Outlay]) -> PeriodSpend:
    until = datetime(2026, 11, 30, tzinfo=UTC)
    return PeriodSpend(span=WEEK, until=until, lines=in_cents(lines))


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, max_size=30))
def test_every_breakdown_adds_up_to_the_headline(lines: list[Outlay]) -> None:
    found = period(lines)
    exact = sum((one.usd for one in lines), Decimal(0))
    assert found.usd == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    for key in KEYS:
        groups = found.by(key)
        assert sum((one.usd for one in groups), Decimal(0)) == found.usd
        assert sum(one.used.requests for one in groups) == found.used.requests
        for one in groups:
            assert found.of(key, one.name).usd == one.usd
    for team in found.by("team"):
        told = sum((one.usd for one in lines if one.team == team.name), Decimal(0))
        assert abs(told - team.usd) <= Decimal("0.01")


def test_an_amount_that_is_no_cents_and_a_line_twice_are_refused() -> None:
    line = Outlay(usd=Decimal("0.005"), used=Consumed())
    until = datetime(2026, 11, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="whole cents"):
        PeriodSpend(span=WEEK, until=until, lines=(line,))
    whole = replace(line, usd=Decimal(1))
    with pytest.raises(ValueError, match="stands twice"):
        PeriodSpend(span=WEEK, until=until, lines=(whole, whole))


def test_weeks_and_months_are_named_as_people_do() -> None:
    assert (WEEK.start, WEEK.end, WEEK.days) == (date(2026, 11, 23), date(2026, 11, 30), 7)
    assert (WEEK.name, WEEK.before.name) == ("2026-W48", "2026-W47")
    first = span_named("week", "2027-W01")
    assert (first.start, first.before.name) == (date(2027, 1, 4), "2026-W53")
    month = span_named("month", "2028-02")
    assert (month.days, month.before.name, month.name) == (29, "2028-01", "2028-02")
    assert span_of("month", date(2026, 12, 31)).end == date(2027, 1, 1)
    for text in ("2026-48", "2026-W54", "W48", "0000-W01", "2026-W48-1"):
        with pytest.raises(UsageError, match="no week such as"):
            span_named("week", text)
    for text in ("2026-13", "2026-W48", "11-2026", "0000-01"):
        with pytest.raises(UsageError, match="no month such as"):
            span_named("month", text)
    with pytest.raises(ValueError, match="no week begins on"):
        Timespan(kind="week", start=date(2026, 11, 24))
