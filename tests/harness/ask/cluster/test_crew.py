from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import Done, Ended, Lost, load_factory
from harness.errors import UsageError
from tests.support.clusters import cluster

if TYPE_CHECKING:
    from harness.ask.cluster.workers import Cluster, WorkerPool

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

__all__ = ["cluster"]

ECHO = "tests.support.handlers:echo"


def receive(crew: WorkerPool, count: int) -> list[Ended]:
    ended: list[Ended] = []
    until = time.monotonic() + 30
    while len(ended) < count and time.monotonic() < until:
        ended.extend(crew.receive(1))
    return ended


def test_every_task_comes_back_under_its_number(cluster: Cluster) -> None:
    crew = cluster.crew(ECHO)
    numbers = crew.send([f"text {n}" for n in range(1000)])
    ended = receive(crew, 1000)
    assert len(set(numbers)) == 1000
    assert {end.task: end.result for end in ended if isinstance(end, Done)} == {
        number: f"text {n}" for n, number in enumerate(numbers)
    }


def test_a_result_leaves_before_slower_ones_of_its_block(cluster: Cluster) -> None:
    crew = cluster.crew(ECHO)
    slow, fast = crew.send([("sleep", 1.5), "fast"])
    assert [end.task for end in receive(crew, 1)] == [fast]
    assert [end.task for end in receive(crew, 1)] == [slow]


def test_a_handlers_bug_loses_its_task_only(cluster: Cluster) -> None:
    crew = cluster.crew(ECHO)
    bad, good = crew.send([("raise", "x"), "good"])
    ended = sorted(receive(crew, 2), key=lambda end: end.task)
    assert ended == [Lost(task=bad, reason="ValueError"), Done(task=good, result="good")]


def test_nothing_in_flight_means_nothing_to_receive(cluster: Cluster) -> None:
    assert list(cluster.crew(ECHO).receive(0.05)) == []


def test_a_crew_is_made_once(cluster: Cluster) -> None:
    assert cluster.crew(ECHO) is cluster.crew(ECHO)


@pytest.mark.parametrize("name", ["tests.support.handlers:nothing", "tests.support.handlers"])
def test_an_unknown_factory_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_factory(name)
