from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.conduct.reviewing.latency_pass import select_sample
from harness.journal.trials import Answered, Attempt, Failed, Missing
from tests.support.trials import trial


def attempt(number: int = 1, **overrides: Any) -> Attempt:
    return Attempt(
        **{
            "number": number,
            "started_at": "2026-11-24T00:00:00+00:00",
            "reserve_usd": Decimal(1),
            "cost_usd": Decimal(1),
            "usage": None,
            "total_s": 1.0,
            "first_token_s": None,
            "inter_token_s": None,
            "error": None,
            "status": None,
            "request_id": None,
            "served_model": None,
            **overrides,
        }
    )


def answered(number: int, *attempts: Attempt, purpose: str = "latency") -> Answered:
    asked = trial(number, purpose=purpose)
    return Answered(trial=asked, attempts=attempts, text="", finish="stop")


def test_only_the_latency_pass_is_measured() -> None:
    bulk = answered(1, attempt(total_s=9.0), purpose="quality")
    sample = select_sample([bulk, answered(2, attempt(total_s=1.0))])
    assert sample.total_s == (1.0,)


def test_lagged_calls_are_discarded_and_counted() -> None:
    sample = select_sample([answered(1, attempt(lagged=True)), answered(2, attempt(total_s=2.0))])
    assert (sample.total_s, sample.lagged) == ((2.0,), 1)


def test_a_failed_attempt_is_no_sample_but_its_retry_is() -> None:
    first = attempt(1, error="OverloadedError", total_s=0.1)
    sample = select_sample([answered(1, first, attempt(2, total_s=3.0))])
    assert (sample.total_s, sample.failed) == ((3.0,), 1)


def test_an_answer_beyond_its_deadline_counts_as_at_least_that_slow() -> None:
    late = attempt(error="DeadlineExceededError", total_s=8.0)
    outcome = Failed(
        trial=trial(1, purpose="latency"), attempts=(late,), reason="DeadlineExceededError"
    )
    sample = select_sample([outcome, answered(2, attempt(total_s=1.0))])
    assert (sorted(sample.total_s), sample.beyond_deadline) == ([1.0, 8.0], 1)


def test_nothing_measured_is_nothing() -> None:
    missing = Missing(trial=trial(1, purpose="latency"), attempts=(), reason="AuthRejectedError")
    sample = select_sample([missing])
    assert (sample.total_s, sample.first_token_s, sample.measured_at) == ((), (), None)


def test_samples_stand_in_the_order_of_the_calls() -> None:
    later = attempt(started_at="2026-11-24T00:00:02+00:00", total_s=2.0, first_token_s=0.2)
    sooner = attempt(started_at="2026-11-24T00:00:01+00:00", total_s=1.0, first_token_s=0.1)
    sample = select_sample([answered(1, later), answered(2, sooner)])
    assert (sample.total_s, sample.first_token_s) == ((1.0, 2.0), (0.1, 0.2))
    assert sample.measured_at == "2026-11-24T00:00:02+00:00"
