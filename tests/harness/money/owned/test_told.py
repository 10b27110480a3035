"""Tables of endpoints add up: hours by kind to the paid ones, cents of each row to those of all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from harness.money.owned.paid import KINDS, PaidEndpoint, PaidHour, cost_of, owned_rows

START = datetime(2026, 11, 23, tzinfo=UTC)
HOURS = st.lists(
    st.tuples(st.sampled_from([None, 0, 3]), st.decimals(0, 40, places=5)), min_size=1, max_size=9
)


def endpoint(name: str, drawn: list[tuple[int | None, Decimal]], *, priced: bool) -> PaidEndpoint:
    hours = tuple(
        PaidHour(
            at=START + timedelta(hours=at), requests=requests, usd=usd if priced or at else None
        )
        for at, (requests, usd) in enumerate(drawn)
    )
    return PaidEndpoint(name=name, hours=hours)


@given(st.lists(st.tuples(HOURS, st.booleans()), min_size=1, max_size=5))
def test_every_column_adds_up_and_no_row_is_off_by_more_than_a_cent(
    drawn: list[tuple[list[tuple[int | None, Decimal]], bool]],
) -> None:
    endpoints = [endpoint(str(n), hours, priced=p) for n, (hours, p) in enumerate(drawn)]
    *rows, whole = owned_rows(endpoints)
    assert {row.name for row in rows} == {one.name for one in endpoints}
    assert whole.paid == sum((row.paid for row in rows), Decimal(0))
    for kind in KINDS:
        assert whole.hours[kind] == sum((row.hours[kind] for row in rows), Decimal(0))
        cents = [row.usd[kind] for row in rows if row.usd is not None]
        if whole.usd is not None:
            assert whole.usd[kind] == sum(cents, Decimal(0))
    for row in rows:
        one = row.endpoint
        assert one is not None
        assert (row.usd is None) == (one.usd is None)
        for kind, amount in (row.usd or {}).items():
            assert amount == amount.quantize(Decimal("0.01"))
            assert abs(amount - (cost_of(one.of(kind)) or Decimal(0))) <= Decimal("0.01")


def test_of_nothing_there_is_no_row() -> None:
    assert owned_rows(()) == ()
