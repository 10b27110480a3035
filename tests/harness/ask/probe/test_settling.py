"""With which queue a run starts, and how long it is."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.probe.probed_requests import (
    ProbedRequest,
    Slo,
    Starts,
    mean_wait,
    part_mean,
    run_seconds,
)
from harness.ask.probe.probing import check_alone
from harness.ask.probe.search import NoGoodputError
from tests.support.queues import Queue


def took(total_s: float, first_s: float | None = None) -> ProbedRequest:
    return ProbedRequest(
        due_s=0, total_s=total_s, first_token_s=total_s if first_s is None else first_s
    )


def test_the_mean_wait_is_the_exponentials_whose_tenth_part_is_late() -> None:
    """Constant times: exp(-slack / mean) = 0.1, by hand."""
    found = mean_wait([took(1.0)] * 7, Slo(total_s=5.0), 0.9)
    assert found == pytest.approx(4 / math.log(10), rel=1e-6)


def test_random_times_use_up_a_part_of_the_misses() -> None:
    """Drawn anew: answers and waits are late together in a tenth of the cases."""
    rng = Random(4)
    alone = [took(rng.expovariate(1)) for _ in range(20_000)]
    mean = mean_wait(alone, Slo(total_s=4.0), 0.9)
    late = sum(rng.expovariate(1) + rng.expovariate(1 / mean) > 4 for _ in range(200_000))
    assert late / 200_000 == pytest.approx(0.1, abs=0.004)


def test_the_tighter_of_two_limits_bounds_the_wait() -> None:
    both = mean_wait([took(3.0, first_s=0.5)], Slo(first_token_s=1.5, total_s=60.0), 0.9)
    assert both == pytest.approx(1.0 / math.log(10), rel=1e-6)


@pytest.mark.parametrize(
    ("alone", "wait"),
    [
        pytest.param([took(9.0)] * 5, 0.0, id="late even alone"),
        pytest.param([took(1.0)] * 8 + [took(9.0)] * 2, 0.15 * 4, id="no miss left for a wait"),
        pytest.param([], 0.0, id="nothing known"),
    ],
)
def test_without_room_for_a_wait_a_small_one_is_assumed(
    alone: list[ProbedRequest], wait: float
) -> None:
    assert mean_wait(alone, Slo(total_s=5.0), 0.9) == pytest.approx(wait)


@given(parts=st.integers(1, 40))
def test_the_parts_means_rise_and_have_the_mean_of_the_whole(parts: int) -> None:
    means = [part_mean(number, parts) for number in range(parts)]
    assert sum(means) / parts == pytest.approx(1.0)
    assert means == sorted(means)


def test_a_parts_mean_is_that_of_draws_from_it() -> None:
    rng = Random(2)
    draws = sorted(rng.expovariate(1) for _ in range(100_000))
    for number in range(5):
        part = draws[number * 20_000 : (number + 1) * 20_000]
        assert part_mean(number, 5) == pytest.approx(sum(part) / len(part), rel=0.02)


def starts(repeats: int = 5) -> Starts:
    return Starts(slo=Slo(total_s=5.0), good_share=0.9, repeats=repeats, alone=[took(1.0)] * 3)


def test_a_run_begins_to_count_with_as_many_inside_as_littles_law_says() -> None:
    wait_s = 4 / math.log(10)
    shape = starts().shape(100.0, 4, 10_000)
    assert shape.at_once == 100
    assert shape.inside == round(100 * (1 + part_mean(4, 5) * wait_s))
    assert shape.arriving == 10_000
    assert starts().shape(100.0, 5, 10_000).inside == round(100 * (1 + wait_s))


def test_the_warm_up_lasts_limits_and_answers_but_never_most_of_the_run() -> None:
    """3 limits of 5 s at 100 a second are 1,500 requests."""
    for count, warm_up in ((10_000, 1500), (100_000, 10_000), (4000, 1000)):
        assert starts().shape(100.0, 0, count).warm_up == warm_up


def test_a_run_never_begins_with_more_than_it_brings() -> None:
    shape = starts().shape(1000.0, 4, 50)
    assert (shape.at_once, shape.inside) == (50, 50)


@pytest.mark.parametrize(
    ("slo", "alone_s", "seconds"),
    [
        (Slo(total_s=2.0), 0.5, 60),
        (Slo(total_s=20.0), 0.5, 240),
        (Slo(first_token_s=1.0), 15.0, 450),
        (Slo(inter_token_s=0.1), 0.5, 60),
    ],
)
def test_a_run_is_long_beside_limits_and_answers(slo: Slo, alone_s: float, seconds: float) -> None:
    assert run_seconds(slo, alone_s) == seconds


def test_what_a_start_leaves_unknown_shrinks_with_the_run() -> None:
    found = starts()
    assert found.unsettled(100.0) == pytest.approx(4 / math.log(10) / 100, rel=1e-6)
    assert found.unsettled(0.0) == 0.0


def test_requests_in_service_that_are_unlike_fresh_ones_leave_something_unknown_too() -> None:
    """Times of 1 and 5 s: c^2 = 4 / 9, so settled ones have 13 / 18 of 3 s to go, fresh ones 3."""
    found = Starts(
        slo=Slo(first_token_s=0.1), good_share=0.9, repeats=5,
        alone=[took(1.0, first_s=0.05), took(5.0, first_s=0.05)],
    )  # fmt: skip
    assert found.unmixed_s == pytest.approx(3 - 3 * 13 / 18)
    assert found.unsettled(10.0) == pytest.approx(found.unmixed_s / 10)


def test_the_lowest_rate_leaves_a_server_idle_most_of_the_time() -> None:
    assert starts().least_per_s == pytest.approx(0.05)


def test_a_short_run_from_these_starts_sees_what_an_endless_one_would() -> None:
    """16 servers that are 95 % full: from an empty queue 98 % of 600 requests are good, not 90."""
    queue = Queue(servers=16, service_s=1.0, limit_s=4.0)
    rng = Random(1)
    alone = [took(rng.expovariate(1)) for _ in range(200)]
    plan = Starts(slo=Slo(total_s=4.0), good_share=0.9, repeats=5, alone=alone)
    rate = queue.goodput()
    goods = [queue.run(rate, plan.shape(rate, seed % 5, 600), seed)[0] for seed in range(500)]
    assert sum(goods) / len(goods) == pytest.approx(0.9, abs=0.015)
    empty = [queue.measure(rate, seed, requests=600).good for seed in range(100)]
    assert sum(empty) / len(empty) > 0.93


SLOW = [took(9.0)] * 29 + [took(1.0)]
BROKEN = [ProbedRequest(due_s=0, error="TimedOutError")] * 30


@pytest.mark.parametrize(
    ("alone", "line"),
    [
        pytest.param(SLOW, "only 1 of 30 requests are good when they are sent one by one: this",
                     id="too slow alone"),
        pytest.param(BROKEN, "only 0 of 30 .* one by one, 30 ended in TimedOutError: this",
                     id="never an answer"),
    ],
)  # fmt: skip
def test_a_model_that_misses_its_limits_alone_is_not_searched(
    alone: list[ProbedRequest], line: str
) -> None:
    with pytest.raises(NoGoodputError, match=line):
        check_alone(alone, Slo(total_s=5.0), 0.9)


def test_a_few_misses_alone_are_chance() -> None:
    check_alone([took(9.0)] * 8 + [took(1.0)] * 22, Slo(total_s=5.0), 0.9)
    with pytest.raises(NoGoodputError):
        check_alone([took(9.0)] * 10 + [took(1.0)] * 20, Slo(total_s=5.0), 0.9)
