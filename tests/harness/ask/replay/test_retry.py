from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.replay.calls import CallFailure
from harness.ask.replay.retry import RetryPolicy, counts
from harness.journal.trials import FaultKind

BUSY = CallFailure(kind=FaultKind.OVERLOADED, blame="transient")


def policy(**overrides: float) -> RetryPolicy:
    return RetryPolicy(rng=Random(7), **overrides)  # type: ignore[arg-type]


@given(counted=st.integers(0, 4), elapsed=st.floats(0, 500))
def test_waits_stay_within_their_doubling_bound(counted: int, elapsed: float) -> None:
    delay = policy(base_s=1.0, cap_s=4.0).delay_s(BUSY, counted=counted, elapsed_s=elapsed)
    assert delay is not None
    assert 0 <= delay <= min(4.0, 2.0**counted)


@pytest.mark.parametrize(("counted", "bound"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0), (4, 10.0)])
def test_waits_reach_the_whole_of_their_doubling_bound(counted: int, bound: float) -> None:
    waits = policy(base_s=1.0, cap_s=10.0)
    delays = [waits.delay_s(BUSY, counted=counted, elapsed_s=0) or 0 for _ in range(300)]
    assert 0.95 * bound < max(delays) <= bound
    assert min(delays) < 0.05 * bound


def test_unless_told_otherwise_a_trial_has_five_attempts_in_ten_minutes() -> None:
    usual = RetryPolicy(rng=Random(7))
    assert usual.delay_s(BUSY, counted=4, elapsed_s=0) is not None
    assert usual.delay_s(BUSY, counted=5, elapsed_s=0) is None
    told = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=599)
    assert usual.delay_s(told, counted=0, elapsed_s=0.4) is not None
    assert usual.delay_s(told, counted=0, elapsed_s=1.1) is None
    first = [usual.delay_s(BUSY, counted=0, elapsed_s=0) or 0 for _ in range(300)]
    assert 0.45 < max(first) <= 0.5
    long = RetryPolicy(rng=Random(7), max_attempts=100)
    last = [long.delay_s(BUSY, counted=99, elapsed_s=0) or 0 for _ in range(300)]
    assert 28 < max(last) <= 30


@pytest.mark.parametrize(
    ("counted", "again"),
    [
        pytest.param(2, True, id="one attempt left"),
        pytest.param(3, False, id="no attempt left"),
    ],
)
def test_attempts_are_bounded(counted: int, again: bool) -> None:  # noqa: FBT001
    delay = policy(max_attempts=3).delay_s(BUSY, counted=counted, elapsed_s=0)
    assert (delay is not None) == again


def test_a_retry_after_is_a_floor() -> None:
    told = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=20)
    delay = policy().delay_s(told, counted=0, elapsed_s=0)
    assert delay is not None
    assert 20 <= delay <= 20.5


def test_a_retry_after_beyond_the_budget_ends_the_trial() -> None:
    told = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=100)
    assert policy(budget_s=50).delay_s(told, counted=0, elapsed_s=0) is None


def test_those_told_to_wait_alike_do_not_come_back_at_once() -> None:
    told = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=20)
    waits = policy(base_s=8.0)
    delays = [waits.delay_s(told, counted=0, elapsed_s=0) or 0 for _ in range(40)]
    assert all(20 <= delay <= 28 for delay in delays)
    assert min(delays) < 21
    assert max(delays) > 27


@pytest.mark.parametrize(
    ("elapsed", "again"),
    [
        pytest.param(30, True, id="back when the budget ends"),
        pytest.param(30.001, False, id="back after it"),
    ],
)
def test_the_time_that_has_gone_counts_against_the_budget(elapsed: float, *, again: bool) -> None:
    told = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=20)
    delay = policy(budget_s=50, base_s=0).delay_s(told, counted=0, elapsed_s=elapsed)
    assert (delay is not None) == again


@given(retry_after=st.none() | st.floats(0, 60), seed=st.integers(0, 99))
def test_a_lane_that_is_always_busy_ends_with_the_budget(
    retry_after: float | None, seed: int
) -> None:
    """A 429 costs no attempt: the time alone ends it."""
    busy = CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient", retry_after_s=retry_after)
    waits, elapsed = RetryPolicy(rng=Random(seed), budget_s=100), 0.0
    for _ in range(2000):
        delay = waits.delay_s(busy, counted=0, elapsed_s=elapsed)
        if delay is None:
            assert elapsed <= 100
            return
        elapsed += delay
    pytest.fail("it is asked for ever")


@pytest.mark.parametrize("blame", ["model", "lane", "request"])
def test_only_the_moments_fault_is_worth_another_attempt(blame: str) -> None:
    fault = CallFailure(kind=FaultKind.OVERLOADED, blame=blame)  # type: ignore[arg-type]
    assert policy().delay_s(fault, counted=0, elapsed_s=0) is None


def test_a_rate_limit_costs_no_attempt() -> None:
    assert not counts(CallFailure(kind=FaultKind.RATE_LIMITED, blame="transient"))
    assert counts(BUSY)
