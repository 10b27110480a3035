from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.replay.calls import Fault
from harness.replay.retry import RetryPolicy, counts

BUSY = Fault(error="OverloadedError", blame="transient")


def policy(**overrides: float) -> RetryPolicy:
    return RetryPolicy(rng=Random(7), **overrides)  # type: ignore[arg-type]


@given(counted=st.integers(0, 4), elapsed=st.floats(0, 500))
def test_waits_stay_within_their_doubling_bound(counted: int, elapsed: float) -> None:
    delay = policy(base_s=1.0, cap_s=4.0).delay_s(BUSY, counted=counted, elapsed_s=elapsed)
    assert delay is not None
    assert 0 <= delay <= min(4.0, 2.0**counted)


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
    told = Fault(error="RateLimitedError", blame="transient", retry_after_s=20)
    delay = policy().delay_s(told, counted=0, elapsed_s=0)
    assert delay is not None
    assert 20 <= delay <= 20.5


def test_a_retry_after_beyond_the_budget_ends_the_trial() -> None:
    told = Fault(error="RateLimitedError", blame="transient", retry_after_s=100)
    assert policy(budget_s=50).delay_s(told, counted=0, elapsed_s=0) is None


@pytest.mark.parametrize("blame", ["model", "lane", "request"])
def test_only_the_moments_fault_is_worth_another_attempt(blame: str) -> None:
    fault = Fault(error="X", blame=blame)  # type: ignore[arg-type]
    assert policy().delay_s(fault, counted=0, elapsed_s=0) is None


def test_a_rate_limit_costs_no_attempt() -> None:
    assert not counts(Fault(error="RateLimitedError", blame="transient"))
    assert counts(BUSY)
