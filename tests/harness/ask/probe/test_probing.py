"""The probe over real sockets: its interval covers what queueing theory computes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest

from harness.ask.probe.metrics import fetch_metrics
from harness.ask.probe.probed_requests import RateRun, Slo, good_share, rate_entry
from harness.ask.probe.probing import ProbePlan, Replica, probe
from harness.ask.probe.search import NoGoodputError, SearchPlan
from providers.opening import open_provider
from providers.provider import Endpoint
from providers.request import Message, ModelRequest
from tests.support.clocked_queue import clocked_queue
from tests.support.queue_server import queue_server
from tests.support.queues import Queue

pytestmark = pytest.mark.slow

# Times are long beside what a socket and a busy machine add: the truth knows of neither.
QUEUES = (
    Queue(servers=1, service_s=0.06, limit_s=0.48),
    Queue(servers=2, service_s=0.12, limit_s=0.6),
    Queue(servers=1, service_s=0.075, limit_s=0.36, constant=True),
)
REQUESTS = tuple(
    ModelRequest(
        model="queue", messages=(Message(role="user", text=f"case {n}"),), max_output_tokens=4
    )
    for n in range(5)
)


def target(port: int) -> Replica:
    endpoint = Endpoint(
        vendor="openai-compatible", api="chat", base_url=f"http://127.0.0.1:{port}/v1"
    )
    return Replica(
        open=lambda: open_provider(endpoint, key=None),
        requests=REQUESTS,
        metrics=partial(fetch_metrics, "127.0.0.1", port),
    )


def measured(queue: Queue) -> tuple[float | None, float | None, tuple[RateRun, ...]]:
    plan = ProbePlan(
        slo=Slo(total_s=queue.limit_s),
        # Three intervals must hold at once, in every run of this test: hence the level.
        search=SearchPlan(first_per_s=queue.goodput() / 1.7, growth=1.8, repeats=10, level=0.005),
        seed=3,
        seconds=4.0,
        least_requests=120,
        sample_s=0.5,
    )
    options = {"servers": queue.servers, "service_s": queue.service_s, "constant": queue.constant}
    with queue_server(**options, seed=5) as port:
        found, runs = probe(target(port), plan, lambda *_: None)
    return found.lower_per_s, found.upper_per_s, runs


# It measures real seconds: on a shared, noisy machine that is a benchmark, run by hand.
@pytest.mark.bench
def test_the_reported_interval_covers_the_truth_in_three_configurations() -> None:
    with ProcessPoolExecutor(len(QUEUES), get_context("spawn")) as pool:
        results = list(pool.map(measured, QUEUES))
    for queue, (lower, upper, runs) in zip(QUEUES, results, strict=True):
        assert lower is not None
        assert upper is not None
        assert lower <= queue.goodput() <= upper, (lower, queue.goodput(), upper)
        assert upper < 3 * lower
        loads = [run.server for run in runs if run.server is not None]
        assert max(load.most_running or 0 for load in loads) == queue.servers
        entry = rate_entry(runs[0], Slo(total_s=queue.limit_s))
        assert entry.total_s.p50 is not None
        assert entry.total_s.p50.value >= 0.5 * queue.service_s
        assert entry.output_tokens_per_s == pytest.approx(entry.requests / entry.seconds, rel=0.05)


def test_a_model_that_never_answers_is_left_after_a_few_requests() -> None:
    """The port is of a server that has gone."""
    with queue_server(servers=1, service_s=0.01, constant=True, seed=1) as port:
        pass
    plan = ProbePlan(slo=Slo(total_s=0.5), search=SearchPlan(), seed=1)
    with pytest.raises(NoGoodputError, match=r"only 0 of 5 .* 5 ended in \w+Error: this"):
        probe(target(port), plan, lambda *_: None)


def test_a_search_over_sockets_finds_a_rate_and_tells_of_each_run() -> None:
    told: list[RateRun] = []
    plan = ProbePlan(
        slo=Slo(total_s=0.1), search=SearchPlan(first_per_s=20.0, repeats=2), seed=3,
        seconds=0.3, least_requests=15, sample_s=0.2,
    )  # fmt: skip
    with clocked_queue(0.02) as queue:
        found, runs = queue.probe(target(queue.port), plan, lambda run, _: told.append(run))
    # One slot of 20 ms serves 50 a second.
    assert 20 < found.per_s < 50
    assert max(sample.late_s for run in runs for sample in run.samples) == pytest.approx(
        0.0, abs=1e-6
    )
    assert {good_share(run, plan.slo) >= plan.search.good_share for run in runs} == {True, False}
    assert tuple(told) == runs
    assert {run.repeat for run in runs} == {0, 1, 2}
    assert all(run.warm_up is not None and run.counted_s > 0 for run in runs if not run.cut)
