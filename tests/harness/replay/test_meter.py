"""A review takes its share of what a lane grants, and leaves the rest to production."""

from __future__ import annotations

import pytest

from harness.replay.meter import SAFETY, Meter

GRANTED, WITHIN_S = 6000, 600


def sent_within(meter: Meter, seconds: float) -> int:
    """How many calls of one token each a meter lets through."""
    now, sent = 0.0, 0
    while now < seconds:
        wait = meter.wait_s(1.0, now)
        if wait > 0:
            now += wait
            continue
        meter.take(1.0)
        sent += 1
    return sent


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8, 1.0])
def test_calls_are_sent_at_the_share_and_not_at_the_rest_of_it(share: float) -> None:
    """A share of a half would not tell the two apart."""
    sent = sent_within(Meter(GRANTED, share), WITHIN_S)
    assert sent == pytest.approx(GRANTED * share * SAFETY * WITHIN_S / 60, rel=0.01)
    assert sent <= GRANTED * share * WITHIN_S / 60


@pytest.mark.parametrize(
    ("share", "remaining", "wait_s"),
    [
        pytest.param(0.2, 4000, 8.0, id="800 of production's 4,800 are used: 8 s bring them"),
        pytest.param(0.2, 4800, 0.0, id="all that is production's is there"),
        pytest.param(0.2, 4799, 0.01, id="one of them is not"),
        pytest.param(0.9, 100, 5.0, id="500 of production's 600 are used"),
        pytest.param(1.0, 0, 0.0, id="nothing is production's"),
    ],
)
def test_below_productions_part_a_review_waits_until_it_is_back(
    share: float, remaining: int, wait_s: float
) -> None:
    assert Meter(None, share).told(GRANTED, remaining) == pytest.approx(wait_s)


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [
        pytest.param(None, 0, id="no limit named"),
        pytest.param(0, 0, id="a limit of nothing says nothing"),
        pytest.param(600, None, id="what remains is not named"),
    ],
)
def test_a_header_that_says_half_makes_nobody_wait(
    limit: int | None, remaining: int | None
) -> None:
    meter = Meter(GRANTED, 0.2)
    assert meter.told(limit, remaining) == 0.0
    assert meter.granted == (limit or GRANTED)
