"""What a team must reach before its numbers may be charged, and how it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.spend.lines import Consumed, Outlay, PeriodSpend
from harness.money.spend.showback import Chargeable, chargeable
from harness.money.spend.timespan import span_of
from harness.tell.showback.page import chargeback_words
from harness.workspace.policy_file import ChargebackPolicy

NOT_YET, NEEDED = "may not be charged to teams yet", "of 95 % needed"
FEW = "of the bill 2 % is unexplained, within 5 % allowed"
ENOUGH = f"allocation, 100 % {NEEDED}, is enough"
NO_BILL = "a bill compared is missing, `rightsize verify --actual FILE`"
SPAN = span_of("week", date(2026, 11, 23))


def period(named: str, nobodys: str) -> PeriodSpend:
    lines = (
        Outlay(feature="triage", usd=Decimal(named), used=Consumed()),
        Outlay(usd=Decimal(nobodys), used=Consumed()),
    )
    return PeriodSpend(span=SPAN, until=datetime(2026, 11, 30, tzinfo=UTC), lines=lines)


def found(named: str, nobodys: str, *, billed: int = 1000, unexplained: int = 20) -> Chargeable:
    return chargeable(
        period(named, nobodys),
        ChargebackPolicy(),
        billed=Decimal(billed),
        unexplained=Decimal(unexplained),
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (found("71", "29"), f"{NOT_YET}: allocation, 71 % {NEEDED}, is not enough ({FEW})"),
        (
            found("95", "5"),
            f"may be charged to teams: allocation, 95 % {NEEDED}, is enough, and {FEW}",
        ),
        (found("94.99", "5.01"), f"{NOT_YET}: allocation, 94.9 % {NEEDED}, is not enough ({FEW})"),
        (
            found("100", "0", unexplained=51),
            f"{NOT_YET}: of the bill 5.1 % is unexplained, above 5 % allowed ({ENOUGH})",
        ),
        (found("100", "0", billed=0), f"{NOT_YET}: {NO_BILL} ({ENOUGH})"),
        (
            found("71", "29", billed=0),
            f"{NOT_YET}: allocation, 71 % {NEEDED}, is not enough; {NO_BILL}",
        ),
        (found("0", "0"), f"{NOT_YET}: nothing was spent ({FEW})"),
    ],
)
def test_it_is_said_in_one_sentence(one: Chargeable, told: str) -> None:
    assert chargeback_words(one) == told
    assert one.may_be_charged is told.startswith("may be charged")


def test_hours_that_no_log_covers_are_not_charged() -> None:
    one = chargeable(
        period("9", "0"),
        ChargebackPolicy(),
        billed=Decimal(9),
        unexplained=Decimal(0),
        covered=False,
    )
    assert chargeback_words(one).startswith(f"{NOT_YET}: no log covers some hours (allocation, 100")


AMOUNTS = st.decimals(0, 10_000, places=2)


@given(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS), st.floats(0, 1), st.floats(0, 1))
def test_more_allocated_and_less_unexplained_never_loses_the_right(
    amounts: tuple[Decimal, Decimal, Decimal, Decimal], low: float, high: float
) -> None:
    named, nobodys, more, unexplained = amounts
    policy = ChargebackPolicy(allocated_share=low, unexplained_share=high)
    billed = Decimal(10_000)
    first = chargeable(
        period(str(named), str(nobodys)), policy, billed=billed, unexplained=unexplained
    )
    second = chargeable(
        period(str(named + more), str(nobodys)), policy, billed=billed, unexplained=unexplained / 2
    )
    if first.may_be_charged:
        assert second.may_be_charged
    if first.allocated_told is not None and not first.is_allocated:
        assert first.allocated_told < first.allocated_needed
