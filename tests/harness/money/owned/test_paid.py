"""Hours that were paid for: used, idle and unwatched ones add up, in hours and in cents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.owned.paid import PaidEndpoint, PaidHour, cost_of, most_gpus, paid_hours

START = datetime(2026, 11, 23, tzinfo=UTC)


def hour(at: int, requests: int | None = 0, **facts: Decimal | int | None) -> PaidHour:
    begins = START + timedelta(hours=at)
    return PaidHour(at=begins, requests=requests, **{"usd": Decimal(3), **facts})  # type: ignore[arg-type]


def endpoint(*hours: PaidHour, name: str = "llama") -> PaidEndpoint:
    return PaidEndpoint(name=name, hours=hours)


HOURS = st.lists(
    st.tuples(
        st.sampled_from([None, 0, 0, 1, 7]),
        st.decimals("0.01", 8, places=2),
        st.decimals(0, 50, places=4),
        st.sampled_from([1, 1, 1, 5]),
    ),
    min_size=1,
    max_size=30,
)


@given(HOURS, st.integers(0, 6))
def test_used_idle_and_unwatched_hours_are_the_paid_ones(
    drawn: list[tuple[int | None, Decimal, Decimal, int]], ttl: int
) -> None:
    at, hours = 0, list[PaidHour]()
    for requests, paid, usd, step in drawn:
        hours.append(hour(at, requests, paid=paid, usd=usd))
        at += step
    one = endpoint(*hours)
    parts = [one.of("used"), one.of("idle"), one.of("unwatched")]
    assert sum(map(paid_hours, parts)) == paid_hours(one.hours)
    assert sum(filter(None, map(cost_of, parts)), Decimal(0)) == one.usd
    assert [each for run in one.idle_runs for each in run] == list(one.of("idle"))
    stopped = one.stopped_after(ttl)
    assert set(stopped) <= set(one.of("idle"))
    assert len(stopped) <= len(one.stopped_after(max(ttl - 1, 0)))
    assert max(map(len, one.idle_runs), default=0) == one.longest_idle
    assert not stopped or one.longest_idle > ttl


def test_the_cost_since_the_last_request() -> None:
    one = endpoint(hour(0), hour(1, 4, tokens=1000), hour(2), hour(3))
    assert one.last_request == START + timedelta(hours=1)
    assert cost_of(one.since_last) == 6
    assert one.longest_idle == 2
    assert cost_of(one.stopped_after(1)) == 3


def test_nobody_knows_what_came_after_the_last_hour_that_was_watched() -> None:
    assert endpoint(hour(0, 4), hour(1), hour(2, None)).since_last == ()
    assert endpoint(hour(0, None), hour(1)).since_last == ()
    assert len(endpoint(hour(0), hour(1)).since_last) == 2


def test_tokens_cost_what_all_hours_cost() -> None:
    one = endpoint(hour(0, 9, tokens=3_000_000), hour(1, 1, tokens=0), hour(2, 0, tokens=0))
    assert one.usd_per_million_tokens == 3
    assert one.busiest_usd_per_million == 1
    assert endpoint(hour(0, 9)).usd_per_million_tokens is None
    assert endpoint(hour(0, 9, usd=None, tokens=5)).usd_per_million_tokens is None


def test_gpus_are_added_up_hour_by_hour() -> None:
    both = (
        endpoint(hour(0, gpus=Decimal(2)), hour(1, gpus=Decimal(4))),
        endpoint(hour(0, gpus=Decimal(3)), name="other"),
    )
    assert most_gpus(both) == (5, START)
    assert most_gpus([endpoint(hour(0))]) is None


def test_unlike_hours_weigh_by_what_was_paid() -> None:
    one = endpoint(
        hour(0, 1, busy=Decimal("0.5"), paid=Decimal(3)),
        hour(1, 1, busy=Decimal("0.1")),
        hour(2, 1),
    )
    assert one.busy == Decimal("0.4")


@pytest.mark.parametrize(
    "facts",
    [
        {"at": START.replace(minute=5)},
        {"at": START, "paid": Decimal(0)},
        {"at": START, "busy": Decimal("1.5")},
    ],
)
def test_what_is_no_hour_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"hour|share"):
        PaidHour(**facts)  # type: ignore[arg-type]


def test_hours_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order, each once"):
        endpoint(hour(1), hour(0))
    with pytest.raises(ValueError, match="no hour"):
        endpoint()
