"""A review takes its share of what a lane grants, and leaves the rest to production."""

from __future__ import annotations

import pytest

from harness.ask.replay.throttle import SAFETY, Meter

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
    assert Meter(None, share).adopt(GRANTED, remaining) == pytest.approx(wait_s)


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
    assert meter.adopt(limit, remaining) == 0.0
    assert meter.granted == (limit or GRANTED)


def test_what_a_call_uses_is_learned_from_those_before() -> None:
    meter = Meter(None, 1.0)
    assert meter.take(7) == 7
    meter.learn(10, 7)
    assert meter.take(7) == 10
    meter.learn(20, 10)
    assert meter.take(7) == pytest.approx(11)
    meter.learn(1, 11)
    assert meter.take(7) == pytest.approx(10)


def test_what_was_set_aside_beyond_the_use_is_given_back() -> None:
    """98 a second and 58.8 at once: of 50 set aside, 40 come back, and five more calls fit."""
    meter = Meter(GRANTED, 1.0)
    assert meter.wait_s(50, 0.0) == 0
    set_aside = meter.take(50)
    meter.learn(10, set_aside)
    sent = 0
    while meter.wait_s(50, 0.0) == 0:
        meter.take(50)
        sent += 1
    assert sent == 4
    assert meter.wait_s(50, 0.0) == pytest.approx((10 - 8.8) / 98)


def test_a_call_that_used_more_than_was_set_aside_is_made_up_for() -> None:
    meter = Meter(GRANTED, 1.0)
    assert meter.wait_s(10, 0.0) == 0
    meter.learn(58.8 + 98, meter.take(10))
    assert meter.wait_s(10, 0.0) == pytest.approx(58.8 / 98 + 1, abs=1e-6)


def test_what_a_header_grants_counts_from_then_on() -> None:
    meter = Meter(60, 1.0, mean=1.0)
    assert meter.wait_s(1, 0.0) == 0
    meter.take(1)
    assert meter.wait_s(1, 0.0) == pytest.approx(60 / (60 * SAFETY))
    assert meter.adopt(120, 120) == 0.0
    assert meter.wait_s(1, 0.0) == pytest.approx(60 / (120 * SAFETY))
    assert meter.wait_s(1, 0.25) == pytest.approx(60 / (120 * SAFETY) - 0.25)
