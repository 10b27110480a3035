"""The same exchange, told by every vendor, is one usage and one price.

2,000 input tokens, of which 1,200 came from a cache; 500 output tokens, of which 200 were thought.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.money.prices.attempts import attempt_cost
from harness.money.prices.rate_tables import Rates
from providers.completion import TokenUsage
from providers.dialects import generate_content, messages
from providers.dialects.asking import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.answer import JsonObject

EXCHANGE = TokenUsage(
    input_tokens=2000, output_tokens=500, cache_read_tokens=1200, reasoning_tokens=200
)
CHAT: JsonObject = {
    "prompt_tokens": 2000,
    "completion_tokens": 500,
    "total_tokens": 2500,
    "prompt_tokens_details": {"cached_tokens": 1200},
    "completion_tokens_details": {"reasoning_tokens": 200},
}
# Servers that count reasoning beside the completion say so by their total.
BESIDE: JsonObject = {
    "prompt_tokens": 2000,
    "completion_tokens": 300,
    "total_tokens": 2500,
    "prompt_tokens_details": {"cached_tokens": 1200},
    "completion_tokens_details": {"reasoning_tokens": 200},
}
HIT_AND_MISS: JsonObject = {
    "prompt_tokens": 2000,
    "completion_tokens": 500,
    "total_tokens": 2500,
    "prompt_cache_hit_tokens": 1200,
    "prompt_cache_miss_tokens": 800,
    "completion_tokens_details": {"reasoning_tokens": 200},
}
RESPONSES: JsonObject = {
    "input_tokens": 2000,
    "input_tokens_details": {"cached_tokens": 1200},
    "output_tokens": 500,
    "output_tokens_details": {"reasoning_tokens": 200},
    "total_tokens": 2500,
}
MESSAGES: JsonObject = {
    "input_tokens": 800,
    "cache_read_input_tokens": 1200,
    "cache_creation_input_tokens": 0,
    "output_tokens": 500,
    "output_tokens_details": {"thinking_tokens": 200},
}
GENERATE_CONTENT: JsonObject = {
    "promptTokenCount": 2000,
    "cachedContentTokenCount": 1200,
    "candidatesTokenCount": 300,
    "thoughtsTokenCount": 200,
    "totalTokenCount": 2500,
}
TABLE: list[tuple[str, Callable[[JsonObject], TokenUsage | None], JsonObject]] = [
    ("openai chat", read_usage, CHAT),
    ("openai responses", read_usage, RESPONSES),
    ("compatible, reasoning beside", read_usage, BESIDE),
    ("compatible, hits and misses", read_usage, HIT_AND_MISS),
    ("anthropic", messages.read_usage, MESSAGES),
    ("google", generate_content.read_usage, GENERATE_CONTENT),
]
RATES = Rates(
    input=Decimal("3.00"),
    output=Decimal("15.00"),
    cache_read=Decimal("0.30"),
    cache_write=Decimal("3.75"),
    cache_write_1h=Decimal("6.00"),
    source="a price list of the tests",
)


@pytest.mark.parametrize(("read", "body"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_one_usage_and_one_price(
    read: Callable[[JsonObject], TokenUsage | None], body: JsonObject
) -> None:
    usage = read(body)
    assert usage is not None
    assert usage == EXCHANGE
    # 800 x 3.00 + 1,200 x 0.30 + 500 x 15.00, per million: 0.0024 + 0.00036 + 0.0075
    assert attempt_cost(usage, RATES) == Decimal("0.01026")


def test_cache_writes_of_both_ages() -> None:
    usage = messages.read_usage(
        {
            "input_tokens": 50,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 900,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 500,
                "ephemeral_1h_input_tokens": 400,
            },
            "output_tokens": 10,
        }
    )
    assert usage is not None
    assert usage == TokenUsage(
        input_tokens=1950,
        output_tokens=10,
        cache_read_tokens=1000,
        cache_write_tokens=900,
        cache_write_1h_tokens=400,
    )
    # 50 x 3 + 1,000 x 0.30 + 500 x 3.75 + 400 x 6 + 10 x 15, per million
    assert attempt_cost(usage, RATES) == Decimal("0.004875")


@pytest.mark.parametrize(("long_lived", "known"), [(0, True), (700, False)])
def test_openais_12_hour_writes_have_no_price_and_are_unknown(
    long_lived: int, *, known: bool
) -> None:
    ages = {"ttl_12h_tokens": long_lived, "ttl_30m_tokens": 1500 - long_lived}
    inside = {"cache_write_tokens": 1500, "cache_write_tokens_details": ages}
    for body, key in ((CHAT, "prompt_tokens_details"), (RESPONSES, "input_tokens_details")):
        assert (read_usage({**body, key: inside}) is not None) is known


def test_openais_cache_writes_are_inside_the_input() -> None:
    usage = read_usage({**CHAT, "prompt_tokens_details": {"cache_write_tokens": 1500}})
    assert usage is not None
    assert (usage.input_tokens, usage.cache_write_tokens) == (2000, 1500)


UNKNOWN: list[tuple[str, Callable[[JsonObject], TokenUsage | None], JsonObject]] = [
    ("nothing", read_usage, {}),
    ("no output", read_usage, {"prompt_tokens": 5}),
    ("no input", read_usage, {"completion_tokens": 5}),
    ("a text", read_usage, {"prompt_tokens": "five", "completion_tokens": 1}),
    ("a part", read_usage, {"prompt_tokens": 5.5, "completion_tokens": 1}),
    (
        "another total",
        read_usage,
        {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 600},
    ),
    ("a truth", read_usage, {"prompt_tokens": True, "completion_tokens": 1}),
    (
        "more cached than sent",
        read_usage,
        {
            "prompt_tokens": 5,
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 6},
        },
    ),
    ("negative", read_usage, {"prompt_tokens": -5, "completion_tokens": 1}),
    ("anthropic, nothing", messages.read_usage, {}),
    ("anthropic, no output", messages.read_usage, {"input_tokens": 5}),
    (
        "anthropic, more thought than said",
        messages.read_usage,
        {
            "input_tokens": 5,
            "output_tokens": 1,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    ),
    (
        "anthropic, more for an hour than written",
        messages.read_usage,
        {
            "input_tokens": 5,
            "output_tokens": 1,
            "cache_creation": {"ephemeral_1h_input_tokens": 2},
        },
    ),
    ("google, nothing", generate_content.read_usage, {}),
    ("google, no total", generate_content.read_usage, {"promptTokenCount": 5}),
    (
        "google, more cached than sent",
        generate_content.read_usage,
        {"promptTokenCount": 5, "candidatesTokenCount": 1, "cachedContentTokenCount": 9},
    ),
]


@pytest.mark.parametrize(
    ("read", "body"), [row[1:] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN]
)
def test_what_is_not_reported_is_unknown_and_never_zero(
    read: Callable[[JsonObject], TokenUsage | None], body: JsonObject
) -> None:
    assert read(body) is None


def test_google_leaves_zeros_out() -> None:
    usage = generate_content.read_usage({"promptTokenCount": 5, "totalTokenCount": 5})
    assert usage == TokenUsage(input_tokens=5, output_tokens=0)


def test_googles_tool_prompts_are_input() -> None:
    usage = generate_content.read_usage(
        {"promptTokenCount": 5, "toolUsePromptTokenCount": 7, "candidatesTokenCount": 1}
    )
    assert usage == TokenUsage(input_tokens=12, output_tokens=1)
