from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.replay.throttle import BURST_S, Bucket

steps = st.lists(st.tuples(st.floats(0, 2), st.floats(0.1, 5)), max_size=60)


@given(rate=st.floats(30, 6000), waits=steps)
def test_no_minute_takes_more_than_the_rate_and_one_burst(
    rate: float, waits: list[tuple[float, float]]
) -> None:
    bucket, now, taken = Bucket(rate, 0.0), 0.0, 0.0
    for wait, amount in waits:
        now += wait
        if bucket.wait_s(amount, now) == 0:
            bucket.take(amount)
            taken += amount
    burst = max(1.0, rate / 60 * BURST_S)
    assert taken <= now * rate / 60 + burst + 5 + 1e-6


def test_the_wait_is_exact() -> None:
    bucket = Bucket(60, 0.0)
    assert bucket.wait_s(1, 0.0) == 0
    bucket.take(1)
    assert bucket.wait_s(1, 0.25) == pytest.approx(0.75)
    assert bucket.wait_s(1, 1.0) == 0


def test_a_call_larger_than_the_bucket_goes_when_it_is_full_and_owes() -> None:
    bucket = Bucket(600, 0.0)
    assert bucket.wait_s(100, 0.0) == 0
    bucket.take(100)
    assert bucket.wait_s(1, 1.0) == pytest.approx(8.5)


def test_what_was_not_used_comes_back() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(1)
    bucket.give(1)
    assert bucket.wait_s(1, 0.0) == 0


def test_a_new_rate_counts_from_now_on() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(1)
    bucket.set_rate(120, 0.0)
    assert bucket.wait_s(1, 0.0) == pytest.approx(0.5)


def test_the_time_before_a_new_rate_counts_at_the_old_one() -> None:
    bucket = Bucket(60, 0.0)
    bucket.take(1)
    bucket.set_rate(600, 0.5)
    assert bucket.wait_s(1, 0.5) == pytest.approx(0.05)


def test_a_lower_rate_keeps_no_more_than_its_own_burst() -> None:
    bucket = Bucket(6000, 0.0)
    bucket.set_rate(60, 0.0)
    bucket.take(1)
    assert bucket.wait_s(1, 0.0) == pytest.approx(1)
