"""What a good request is, and when requests are due and sent."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.probe.probed_requests import (
    ProbedRequest,
    RateRun,
    Slo,
    good_share,
    mean_of,
    rate_entry,
)
from harness.ask.probe.probing import Fill, LoopPlan, arrivals, run_open_loop
from tests.support.own_clock import leaping, own_loop

GOOD = ProbedRequest(due_s=0, first_token_s=0.2, inter_token_s=0.05, total_s=1.0, output_tokens=17)


@pytest.mark.parametrize(
    ("sample", "slo", "good"),
    [
        pytest.param(GOOD, Slo(total_s=1.0), True, id="on the limit"),
        pytest.param(GOOD, Slo(total_s=0.999), False, id="too slow"),
        pytest.param(GOOD, Slo(first_token_s=0.1), False, id="first token late"),
        pytest.param(GOOD, Slo(inter_token_s=0.04, total_s=9), False, id="gaps too long"),
        pytest.param(
            ProbedRequest(due_s=0, total_s=1), Slo(inter_token_s=0.1), True, id="one token"
        ),
        pytest.param(
            ProbedRequest(due_s=0, total_s=1), Slo(first_token_s=1), False, id="no first token"
        ),
        pytest.param(
            ProbedRequest(due_s=0, total_s=1, error="E"), Slo(total_s=2), False, id="an error"
        ),
        pytest.param(ProbedRequest(due_s=0), Slo(total_s=2), False, id="never answered"),
    ],
)
def test_every_limit_must_be_met(sample: ProbedRequest, slo: Slo, *, good: bool) -> None:
    assert sample.meets(slo) is good


def test_an_slo_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one limit"):
        Slo()


@given(rate=st.floats(0.1, 100), seed=st.integers(0, 99))
def test_twice_the_rate_is_the_same_pattern_in_half_the_time(rate: float, seed: int) -> None:
    slow, fast = (arrivals(each, 20, Random(seed)) for each in (rate, 2 * rate))
    assert fast == pytest.approx([due / 2 for due in slow])
    assert list(slow) == sorted(slow)


def test_arrivals_come_at_the_rate_and_at_random() -> None:
    due = arrivals(5.0, 20_000, Random(1))
    gaps = [later - earlier for earlier, later in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.2, rel=0.03)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance**0.5 == pytest.approx(mean, rel=0.03)


@leaping
async def test_requests_are_sent_when_due_though_earlier_ones_are_not_done() -> None:
    inside: list[int] = []

    async def slow(number: int) -> ProbedRequest:
        inside.append(number)
        await asyncio.sleep(0.15)
        return ProbedRequest(due_s=0, total_s=0.15)

    samples, cut = await run_open_loop(
        slow, [0.0, 0.02, 0.04], LoopPlan(slo=Slo(total_s=1.0), drain_s=5)
    )
    assert not cut
    assert [sample.due_s for sample in samples] == [0.0, 0.02, 0.04]
    assert [sample.total_s for sample in samples] == pytest.approx([0.15] * 3)
    assert inside == [0, 1, 2]


@leaping
async def test_times_count_from_the_due_time_not_from_the_sending() -> None:
    async def quick(_: int) -> ProbedRequest:
        return ProbedRequest(due_s=0, first_token_s=0.01, total_s=0.02)

    async def hog() -> None:
        await asyncio.sleep(0.01)
        own_loop().wait(0.2)  # blocks the loop, as a busy client would

    blocked = asyncio.create_task(hog())
    (_, late), _ = await run_open_loop(
        quick, [0.0, 0.05], LoopPlan(slo=Slo(total_s=1.0), drain_s=5)
    )
    await blocked
    assert late.late_s == pytest.approx(0.16)
    assert late.total_s == pytest.approx(0.18)
    assert late.first_token_s == pytest.approx(0.17)


@leaping
async def test_a_hopeless_run_ends_early() -> None:
    async def never(_: int) -> ProbedRequest:
        await asyncio.sleep(60)
        raise AssertionError("is cancelled")

    due = [n * 0.02 for n in range(200)]
    samples, cut = await run_open_loop(never, due, LoopPlan(slo=Slo(total_s=0.05)))
    assert cut
    assert 100 < len(samples) < 200
    assert {sample.error for sample in samples} == {"Unfinished"}


@leaping
async def test_stragglers_are_misses_after_the_drain() -> None:
    async def one_hangs(number: int) -> ProbedRequest:
        await asyncio.sleep(60 if number == 0 else 0.01)
        return ProbedRequest(due_s=0, first_token_s=0.01, total_s=0.01)

    plan = LoopPlan(slo=Slo(first_token_s=1.0), drain_s=0.2)
    samples, cut = await run_open_loop(one_hangs, [0.0, 0.01, 0.02], plan)
    assert not cut
    assert [sample.error for sample in samples] == ["Unfinished", None, None]


@leaping
async def test_what_lacks_inside_is_sent_when_the_run_begins_to_count() -> None:
    """Two of four are still inside when the fifth comes: three more make it five, uncounted."""
    numbers: list[int] = []

    async def send(number: int) -> ProbedRequest:
        numbers.append(number)
        await asyncio.sleep(0.01 if number < 2 else 0.6)
        return ProbedRequest(due_s=0, total_s=0.6)

    plan = LoopPlan(slo=Slo(total_s=9.0), drain_s=5, fill=Fill(at=4, inside=5))
    due = [0.0, 0.0, 0.25, 0.25, 0.3, 0.35]
    samples, cut = await run_open_loop(send, due, plan)
    assert not cut
    assert len(samples) == len(due)
    assert sorted(numbers) == list(range(9))
    assert numbers.index(5) == 8
    full = LoopPlan(slo=Slo(total_s=9.0), drain_s=5, fill=Fill(at=4, inside=2))
    numbers.clear()
    await run_open_loop(send, due, full)
    assert len(numbers) == len(due)


def test_a_run_that_ends_within_its_warm_up_has_nothing_that_counts() -> None:
    run = RateRun(rate_per_s=1, repeat=0, samples=(GOOD,) * 3, warm_up=5, cut=True)
    assert (run.settled, run.counted_s, good_share(run, Slo(total_s=2))) == ((), 0.0, 0.0)
    assert rate_entry(run, Slo(total_s=2)).requests == 0
    assert len(RateRun(rate_per_s=1, repeat=0, samples=(GOOD,) * 8, warm_up=5).settled) == 3


def test_a_run_is_summed_up_without_its_warm_up() -> None:
    slow = ProbedRequest(due_s=0, first_token_s=9, total_s=9.0)
    fast = [
        ProbedRequest(due_s=float(n), first_token_s=0.1, total_s=0.5, output_tokens=10, late_s=0.01)
        for n in range(1, 9)
    ]
    run = RateRun(
        rate_per_s=1, repeat=0, samples=(slow, *fast, ProbedRequest(due_s=9, error="TimedOutError"))
    )
    entry = rate_entry(run, Slo(total_s=1))
    assert (entry.requests, entry.errors, entry.seconds) == (9, {"TimedOutError": 1}, 8)
    assert entry.good_share == pytest.approx(8 / 9)
    assert entry.output_tokens_per_s == pytest.approx(10)
    assert entry.total_s.p95 is None
    assert entry.total_s.p50 is not None
    assert entry.total_s.p50.value == 0.5
    assert entry.client_late_s == 0.01
    assert mean_of([sample.input_tokens for sample in run.settled]) is None


def test_a_run_without_a_request_is_not_good() -> None:
    assert good_share(RateRun(rate_per_s=1, repeat=0, samples=()), Slo(total_s=1)) == 0
