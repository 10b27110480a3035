from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from harness.errors import WorkspaceError
from harness.money.traffic import (
    COLUMNS,
    HourUsage,
    NoTrafficError,
    Week,
    read_weeks,
    together,
    write_weeks,
)

HEAD = ",".join(COLUMNS)


def a_week(feature: str = "invoices", cohort: str = "", weeks: int = 1, **every: Any) -> Week:
    hour = HourUsage(**{"requests": 10, "input_tokens": 1000, "output_tokens": 100, **every})
    return Week(feature=feature, cohort=cohort, weeks=weeks, hours=(hour,) * 168)


def an_hour(draw: Random) -> HourUsage:
    cached, written, fresh = (draw.randrange(10**6) for _ in range(3))
    return HourUsage(
        requests=draw.randrange(10**6),
        retries=draw.randrange(10**6),
        input_tokens=cached + written + fresh,
        cached_tokens=cached,
        cache_written_tokens=written,
        output_tokens=draw.randrange(10**6),
    )


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_read_again(seed: int) -> None:
    draw = Random(seed)
    found = [an_hour(draw) for _ in range(168)]
    weeks = draw.randint(1, 60)
    written = [
        Week(feature="a", cohort="eu", weeks=weeks, hours=tuple(found)),
        Week(feature="a", cohort="us", weeks=weeks, hours=tuple(reversed(found))),
    ]
    assert list(read_weeks(write_weeks(written), file="t.csv")) == written
    assert write_weeks(written[::-1]) == write_weeks(written)


def test_a_month_of_a_week_by_hand() -> None:
    """1,680 requests in each of two weeks: 1,680 x 730.5 / 168 a month; 11 calls for 10."""
    week = a_week(
        weeks=2, requests=20, retries=2, input_tokens=4400, cached_tokens=1100, output_tokens=220
    )
    traffic = week.to_traffic(source="gateway log")
    assert traffic.requests_per_month == round(1680 * 730.5 / 168)
    assert (traffic.input_tokens, traffic.output_tokens) == (200, 10)
    assert (traffic.cached_share, traffic.retry_rate) == (0.25, 0.1)
    assert traffic.source == "gateway log"


def test_a_week_without_a_request_has_no_mean() -> None:
    with pytest.raises(NoTrafficError, match="invoices: no request"):
        a_week(requests=0).to_traffic(source="x")


def test_cohorts_add_up() -> None:
    both = together((a_week(cohort="eu"), a_week(cohort="us", requests=5)))
    assert both.shares == (15,) * 168
    assert both.total.input_tokens == 168 * 2000
    with pytest.raises(ValueError, match="same feature and weeks"):
        together((a_week(), a_week(weeks=2)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"hours": ()}, "168 hours, not 0"), ({"weeks": 0}, "at least one week")],
)
def test_a_week_that_is_none(wrong: dict[str, Any], message: str) -> None:
    whole: dict[str, Any] = {"feature": "a", "cohort": "", "weeks": 1, "hours": a_week().hours}
    with pytest.raises(ValueError, match=message):
        Week(**{**whole, **wrong})


def damaged(*, line: int, cell: int, text: str) -> str:
    lines = write_weeks([a_week()]).splitlines()
    cells = lines[line - 1].split(",")
    cells[cell] = text
    lines[line - 1] = ",".join(cells)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("", "t.csv:1: missing columns: feature, cohort", id="empty file"),
        pytest.param(HEAD + "\n", "t.csv:1: no rows", id="only a header"),
        pytest.param(HEAD + ",colour\n", "unknown columns: colour", id="unknown column"),
        pytest.param(damaged(line=3, cell=4, text="-1"), "t.csv:3: requests: '-1'", id="negative"),
        pytest.param(damaged(line=3, cell=4, text="1.5"), "requests: '1.5'", id="a fraction"),
        pytest.param(damaged(line=3, cell=4, text=""), "requests: ''", id="an empty cell"),
        pytest.param(damaged(line=3, cell=4, text="\u0663"), "is not a whole", id="another script"),
        pytest.param(
            damaged(line=3, cell=3, text="168"), "hour: 168 is not an hour", id="hour 168"
        ),
        pytest.param(
            damaged(line=3, cell=3, text="0"), "stands already on line 2", id="an hour twice"
        ),
        pytest.param(damaged(line=3, cell=3, text="0"), "lacks 1 of 168 hours (1)", id="a gap"),
        pytest.param(damaged(line=3, cell=2, text="0"), "at least one week", id="no week"),
        pytest.param(damaged(line=3, cell=2, text="4"), "different spans: 1, 4", id="mixed spans"),
        pytest.param(
            damaged(line=3, cell=7, text="1001"), "parts of input_tokens", id="too much cached"
        ),
        pytest.param(damaged(line=3, cell=0, text='"'), "t.csv:", id="an open quote"),
        pytest.param(
            "\n".join(write_weeks([a_week()]).splitlines()[:50]), "lacks 119 of", id="truncated"
        ),
    ],
)
def test_a_damaged_file_gets_one_line_per_problem(text: str, shown: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        read_weeks(text, file="t.csv")
    assert shown in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_shape_of_a_week_makes_a_curve() -> None:
    assert a_week().shares == (10,) * 168
    assert Decimal(a_week().total.requests) == 1680
