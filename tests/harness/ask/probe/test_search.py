"""The search finds what queueing theory computes."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.probe.search import (
    START_WEIGHT,
    Goodput,
    GoodShare,
    NoGoodputError,
    SearchPlan,
    find_goodput,
)
from tests.support.queues import Queue, VirtualProbe

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

QUEUES = [
    *(
        Queue(servers=c, service_s=s, limit_s=s * factor)
        for c, s, factor in product((1, 2, 4, 16), (0.02, 1.5), (4.0, 12.0))
    ),
    *(
        Queue(servers=1, service_s=s, limit_s=s * factor, constant=True)
        for s, factor in product((0.05, 3.0), (2.5, 6.0))
    ),
]


@pytest.mark.parametrize("queue", QUEUES, ids=str)
def test_the_goodput_is_the_computed_one_within_five_percent(queue: Queue) -> None:
    plan = SearchPlan(repeats=4)
    probe = VirtualProbe(queue=queue, seed=0, requests=20_000, repeats=4)
    found = find_goodput(probe.measure, plan)
    assert found.per_s == pytest.approx(queue.goodput(), rel=0.05)


def test_there_are_twenty_configurations() -> None:
    assert len(QUEUES) == 20


@pytest.mark.parametrize(
    "queue",
    [q for q in QUEUES if q.limit_s < 5 * q.service_s and q.servers < 16],
    ids=str,
)
def test_the_closed_forms_agree_with_a_long_simulation(queue: Queue) -> None:
    rate = queue.goodput(0.8)
    assert queue.measure(rate, 7, requests=60_000).good == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    "queue",
    [
        Queue(servers=1, service_s=1.0, limit_s=4.0),
        Queue(servers=2, service_s=0.04, limit_s=0.2),
        Queue(servers=1, service_s=0.025, limit_s=0.12, constant=True),
    ],
    ids=str,
)
def test_the_interval_holds_at_its_level(queue: Queue) -> None:
    truth = queue.goodput()
    too_high = too_low = 0
    trials = 100
    for trial in range(trials):
        probe = VirtualProbe(queue=queue, seed=trial, requests=1000)
        found = find_goodput(probe.measure, SearchPlan(first_per_s=truth / 1.7))
        assert found.lower_per_s is not None
        assert found.upper_per_s is not None
        too_high += truth < found.lower_per_s
        too_low += truth > found.upper_per_s
    # One-sided 5 %: 99 % of such counts are at most 11.
    assert too_high <= 11
    assert too_low <= 11


def test_sixteen_servers_nearly_full_are_not_flattered() -> None:
    """Where runs began with the mean queue it was 3 % too high, its lower bound missed in 18 %."""
    queue = Queue(servers=16, service_s=1.5, limit_s=6.0)
    truth, trials = queue.goodput(), 60
    found: list[Goodput] = []
    for trial in range(trials):
        probe = VirtualProbe(queue=queue, seed=trial, requests=400)
        found.append(find_goodput(probe.measure, SearchPlan(first_per_s=truth / 1.7)))
    assert sum(each.per_s for each in found) / trials == pytest.approx(truth, rel=0.02)
    # One-sided 5 %: 99 % of such counts are at most 7.
    assert sum((each.lower_per_s or math.inf) > truth for each in found) <= 7
    assert sum((each.upper_per_s or 0.0) < truth for each in found) <= 7


def test_a_share_that_falls_off_a_cliff_is_looked_at_closely() -> None:
    """Nine tenths of the way to the cliff nothing happens: a line would place it too low."""
    truth = 10.0

    def measure(rate: float, _repeat: int) -> GoodShare:
        return GoodShare(good=0.92 if rate < truth else max(0.92 - 20 * (rate / truth - 1), 0.0))

    found = find_goodput(measure, SearchPlan(first_per_s=3.7))
    assert found.per_s == pytest.approx(truth, rel=0.02)


def test_a_start_that_is_unknown_widens_the_interval_by_its_weight() -> None:
    def search(unsettled: float) -> Goodput:
        return find_goodput(
            lambda rate, _: GoodShare(good=1 / (1 + (rate / 3) ** 2 / 9), unsettled=unsettled),
            SearchPlan(),
        )

    sharp, wide = search(0.0), search(0.02)
    assert wide.per_s == sharp.per_s == pytest.approx(3.0, rel=0.01)
    assert sharp.lower_per_s is not None
    assert sharp.upper_per_s is not None
    assert wide.lower_per_s == pytest.approx(sharp.lower_per_s / math.exp(START_WEIGHT * 0.02))
    assert wide.upper_per_s == pytest.approx(sharp.upper_per_s * math.exp(START_WEIGHT * 0.02))


@pytest.mark.parametrize(("requests", "most"), [(120, 0.15), (400, 0.05), (1000, 0.03)])
def test_runs_too_short_for_a_big_queue_to_fill_hardly_flatter_it(
    requests: int, most: float
) -> None:
    """Runs from an empty queue, and the mean of each repeat's own crossing: 70 % at 120."""
    queue = Queue(servers=16, service_s=1.5, limit_s=6.0)
    found = [
        find_goodput(
            VirtualProbe(queue=queue, seed=trial, requests=requests, seconds=1.0).measure,
            SearchPlan(first_per_s=6.0),
        ).per_s
        for trial in range(30)
    ]
    assert sum(found) / len(found) == pytest.approx(queue.goodput(), rel=most)


@given(
    truth=st.floats(0.01, 5_000),
    first=st.floats(0.01, 5_000),
    slope=st.floats(0.1, 5),
)
def test_without_noise_the_crossing_is_found_from_anywhere(
    truth: float, first: float, slope: float
) -> None:
    def measure(rate: float, _repeat: int) -> GoodShare:
        return GoodShare(good=1 / (1 + math.exp(math.log(1 / 9)) * (rate / truth) ** slope))

    found = find_goodput(measure, SearchPlan(first_per_s=first, repeats=2, tolerance=0.02))
    assert found.per_s == pytest.approx(truth, rel=0.02)
    assert found.lower_per_s is not None
    assert found.lower_per_s <= found.per_s


def test_one_repeat_has_no_interval() -> None:
    found = find_goodput(
        lambda rate, _: GoodShare(good=1.0 if rate < 3 else 0.0), SearchPlan(repeats=1)
    )
    assert found.lower_per_s is None
    assert found.upper_per_s is None
    assert found.per_s == pytest.approx(3, rel=0.05)


def test_a_run_that_was_cut_counts_as_too_high_and_its_share_is_not_trusted() -> None:
    found = find_goodput(
        lambda rate, _: GoodShare(good=1.0) if rate < 3 else GoodShare(good=0.89, cut=True),
        SearchPlan(repeats=1, tolerance=0.5),
    )
    assert found.per_s == pytest.approx(math.sqrt(2 * math.sqrt(2) * 4), rel=1e-9)


def test_a_model_too_slow_at_any_rate_is_said() -> None:
    with pytest.raises(NoGoodputError, match=r"only 12 % of the requests are good at .* any rate"):
        find_goodput(lambda *_: GoodShare(good=0.12), SearchPlan())


def test_a_client_that_is_the_limit_is_said() -> None:
    with pytest.raises(NoGoodputError, match="the client is the limit"):
        find_goodput(lambda *_: GoodShare(good=1.0), SearchPlan())
