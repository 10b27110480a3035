"""Time by a clock of ours, and the laws of token gaps."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.completion import TokenUsage
from providers.errors import DeadlineExceededError, TimedOutError
from providers.wire.calling import Stopwatch
from tests.support.own_clock import leaping, own_loop
from tests.support.wire.vendors import a_request


class Ticks:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 5_000_000_000

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


def run(*waits: float, usage: TokenUsage | None = None, stream: bool = True) -> object:
    ticks = Ticks()
    stopwatch = Stopwatch(a_request(stream=stream), ticks)
    for wait in waits:
        ticks.wait(wait)
        stopwatch.piece()
    ticks.wait(0.5)
    timing = stopwatch.timing(usage)
    return (timing.total_s, timing.first_token_s, timing.inter_token_s)


def test_pieces_are_tokens_where_no_usage_is_known() -> None:
    assert run(2, 1, 1) == (4.5, 2.0, 1.0)


def test_a_piece_may_hold_several_tokens() -> None:
    usage = TokenUsage(input_tokens=1, output_tokens=105, reasoning_tokens=100)
    assert run(2, 1, 1, usage=usage) == (4.5, 2.0, 0.5)


def test_one_piece_has_no_gap() -> None:
    usage = TokenUsage(input_tokens=1, output_tokens=5)
    assert run(2, usage=usage) == (2.5, 2.0, None)


def test_no_piece_has_no_first_token() -> None:
    assert run() == (0.5, None, None)


def test_a_plain_answer_has_no_first_token() -> None:
    assert run(2, 1, stream=False) == (3.5, None, None)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_gaps_add_up_to_the_time_after_the_first_token(millis: list[int]) -> None:
    total, first, gap = run(*(milli / 1000 for milli in millis))  # type: ignore[misc]
    assert first + gap * (len(millis) - 1) + 0.5 == pytest.approx(total)


def started(**limits: float) -> Stopwatch:
    return Stopwatch(a_request(**limits), own_loop().nanoseconds)


@leaping
async def test_progress_without_a_piece_is_waited_for() -> None:
    async with started(timeout_s=0.2) as stopwatch:
        for _ in range(4):
            await asyncio.sleep(0.15)
            stopwatch.progress()
    assert stopwatch.total_s == pytest.approx(0.6)


@leaping
async def test_no_progress_is_a_time_out() -> None:
    with pytest.raises(TimedOutError, match=r"no progress within 0\.1 s") as raised:
        async with started(timeout_s=0.1):
            await asyncio.sleep(5)
    assert raised.value.total_s == pytest.approx(0.1)


@leaping
async def test_pieces_until_the_deadline() -> None:
    async def stream_for_ever() -> None:
        async with started(timeout_s=5, deadline_s=0.2) as stopwatch:
            while True:
                await asyncio.sleep(0.07)
                stopwatch.progress()
                stopwatch.piece()

    with pytest.raises(DeadlineExceededError, match=r"deadline of 0\.2 s") as raised:
        await stream_for_ever()
    assert raised.value.total_s == pytest.approx(0.2)


async def test_another_time_out_passes_through() -> None:
    with pytest.raises(TimeoutError, match="not ours"):
        async with Stopwatch(a_request()):
            raise TimeoutError("not ours")
