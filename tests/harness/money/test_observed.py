from __future__ import annotations

from decimal import Decimal

from harness.money.levers import observe
from tests.support.money import used


def test_the_prefix_is_what_all_requests_begin_with() -> None:
    """80 of 100 bytes are shared, at 50 tokens a request: 40 tokens."""
    prompts = ["x" * 80 + "a" * 20, "x" * 80 + "b" * 20, "x" * 80 + "c" * 20]
    assert observe(prompts, [used(50, 1)] * 3).prefix_tokens == 40


def test_bytes_count_and_not_characters() -> None:
    prompts = ["é" * 10 + "a" * 20, "é" * 10 + "b" * 20]
    assert observe(prompts, [used(40, 1)] * 2).prefix_tokens == 20


def test_equal_requests_share_everything() -> None:
    assert observe(["abcd"] * 2, [used(4, 1)] * 2).prefix_tokens == 4


def test_one_request_shows_no_prefix() -> None:
    assert observe(["abcd"], [used(4, 1)]).prefix_tokens is None
    assert observe([], []).prefix_tokens is None


def test_reasoning_is_a_part_of_the_output() -> None:
    usages = [used(1, 100, reasoning_tokens=60), used(1, 100, reasoning_tokens=20)]
    assert observe(["a", "b"], usages).reasoning_share == Decimal("0.4")
    assert observe(["a", "b"], [used(1, 0)] * 2).reasoning_share is None
