from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.wire.rejections import rate_limit, retry_after_s

NOW = "Tue, 24 Nov 2026 10:00:00 GMT"
WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "0.5"}, 0.5),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"retry-after": "Tue, 24 Nov 2026 10:01:00 GMT", "date": NOW}, 60.0),
    ({"retry-after": "Tue, 24 Nov 2026 09:59:00 GMT", "date": NOW}, 0.0),
    ({"retry-after": "Tue, 24 Nov 2026 10:01:00 GMT"}, None),
    ({"retry-after": "soon", "date": NOW}, None),
    ({"retry-after": "-1", "date": NOW}, None),
    ({"retry-after": "nan", "date": NOW}, None),
    ({"retry-after": "inf", "date": NOW}, None),
    ({"retry-after": "2026-11-24T10:01:00", "date": NOW}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text()))
def test_any_header_has_an_answer(headers: dict[str, str]) -> None:
    found = retry_after_s(headers)
    assert found is None or found >= 0


RESETS = [
    ("1s", 1.0),
    ("6m0s", 360.0),
    ("20ms", 0.02),
    ("1h2m3.5s", 3723.5),
    ("90", 90.0),
    ("2026-11-24T10:00:45Z", 45.0),
    ("soon", None),
    ("1s later", None),
]


@pytest.mark.parametrize(("value", "seconds"), RESETS)
def test_resets(value: str, seconds: float | None) -> None:
    found = rate_limit({"x-ratelimit-reset-tokens": value, "date": NOW})
    assert found is not None
    assert found.tokens_reset_s == (None if seconds is None else pytest.approx(seconds))


def test_anthropic_limits_each_direction_of_tokens() -> None:
    found = rate_limit(
        {
            "anthropic-ratelimit-input-tokens-limit": "50000",
            "anthropic-ratelimit-input-tokens-remaining": "49000",
            "anthropic-ratelimit-output-tokens-limit": "10000",
            "anthropic-ratelimit-output-tokens-remaining": "9000",
        }
    )
    assert found is not None
    assert (found.input_tokens_limit, found.input_tokens_remaining) == (50_000, 49_000)
    assert (found.output_tokens_limit, found.output_tokens_remaining) == (10_000, 9_000)
    assert found.tokens_limit is None


def test_no_header_no_limit() -> None:
    assert rate_limit({"date": NOW}) is None
