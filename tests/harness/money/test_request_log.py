from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.errors import WorkspaceError
from harness.money.request_log import weeks_of_log

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "timestamp,feature,request_id,input_tokens,output_tokens,cached_tokens,cohort"
MONDAY = datetime(2026, 10, 5, tzinfo=UTC)


def call(hours: float, name: str, *, feature: str = "a", tokens: str = "100,10,40,eu") -> str:
    return f"{(MONDAY + timedelta(hours=hours)).isoformat()},{feature},{name},{tokens}"


def a_log(path: Path, *rows: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_calls_become_hours_of_the_week(tmp_path: Path) -> None:
    log = a_log(
        tmp_path / "log.csv",
        call(0.5, "r1"),
        call(0.6, "r1"),
        call(0.99, "r2"),
        call(25, "r3", tokens="7,1,0,us"),
        call(167.9, "r4"),
    )
    eu, us = weeks_of_log(log, file="log.csv")
    assert (eu.cohort, us.cohort, eu.weeks) == ("eu", "us", 1)
    first = eu.hours[0]
    assert (first.requests, first.retries, first.input_tokens, first.cached_tokens) == (
        2,
        1,
        300,
        120,
    )
    assert eu.hours[167].requests == 1
    assert eu.total.requests == 3
    assert us.hours[25].output_tokens == 1
    assert us.total.requests == 1


def test_a_retry_in_the_next_hour_counts_where_the_request_began(tmp_path: Path) -> None:
    log = a_log(tmp_path / "l.csv", call(0.9, "r1"), call(1.1, "r1"), call(167, "r2"))
    (week,) = weeks_of_log(log, file="l.csv")
    assert (week.hours[0].retries, week.hours[1].requests) == (1, 0)


def test_offsets_are_brought_to_utc(tmp_path: Path) -> None:
    rows = [
        "2026-10-05T01:30:00+02:00,a,r1,1,1",
        "2026-10-11T23:00:00Z,a,r2,1,1",
    ]
    head = "timestamp,feature,request_id,input_tokens,output_tokens"
    (week,) = weeks_of_log(a_log(tmp_path / "l.csv", *rows, head=head), file="l.csv")
    assert week.hours[167].requests == 2


def test_several_weeks_add_up(tmp_path: Path) -> None:
    rows = [call(24 * 7 * week + 3, f"r{week}") for week in range(3)]
    log = a_log(tmp_path / "l.csv", call(0, "first"), *rows, call(24 * 21 - 1, "last"))
    (week,) = weeks_of_log(log, file="l.csv")
    assert (week.weeks, week.hours[3].requests) == (3, 3)
    assert week.to_traffic(source="log").requests_per_month == round(5 / 3 * 730.5 / 168)


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        pytest.param([], "no rows", id="empty"),
        pytest.param(
            [call(0, "a"), call(30, "b")], "spans 1.2 days; cut it", id="a part of a week"
        ),
        pytest.param([call(0, "a")], "spans 0.0 days", id="one call"),
        pytest.param([call(0, "")], "l.csv:2: request_id: '' is not a name", id="no request"),
        pytest.param([call(0, "a", feature=" ")], "feature: ' ' is not a name", id="no feature"),
        pytest.param(
            [call(0, "a", tokens="-1,1,1,eu")], "l.csv:2: input_tokens: '-1'", id="negative"
        ),
        pytest.param(
            [call(0, "a", tokens="1,nan,1,eu")], "output_tokens: 'nan'", id="not a number"
        ),
        pytest.param(["yesterday,a,r,1,1,1,eu"], "'yesterday' is not an ISO", id="no time"),
        pytest.param(["2026-10-05T00:00:00,a,r,1,1,1,eu"], "with its offset", id="no offset"),
    ],
)
def test_a_damaged_log_gets_a_clear_line(tmp_path: Path, rows: list[str], shown: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        weeks_of_log(a_log(tmp_path / "l.csv", *rows), file="l.csv")
    assert shown in str(caught.value)


def test_a_log_of_another_kind(tmp_path: Path) -> None:
    log = a_log(tmp_path / "l.csv", "1,2", head="time,what")
    with pytest.raises(WorkspaceError, match="missing columns: timestamp, feature"):
        weeks_of_log(log, file="l.csv")
