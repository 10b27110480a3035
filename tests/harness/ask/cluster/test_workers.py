from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import Done, Ended, Lost, load_factory
from harness.errors import UsageError
from tests.support.clusters import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster, WorkerPool

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

__all__ = ["cluster"]

ECHO = "tests.support.handlers:echo"


def receive(pool: WorkerPool, count: int) -> list[Ended]:
    ended: list[Ended] = []
    until = time.monotonic() + 120
    while len(ended) < count and time.monotonic() < until:
        ended.extend(pool.receive(1))
    return ended


def test_every_task_comes_back_under_its_number(cluster: Cluster) -> None:
    pool = cluster.pool(ECHO)
    numbers = pool.send([f"text {n}" for n in range(1000)])
    ended = receive(pool, 1000)
    assert len(set(numbers)) == 1000
    assert {end.task: end.result for end in ended if isinstance(end, Done)} == {
        number: f"text {n}" for n, number in enumerate(numbers)
    }


def test_a_result_leaves_before_slower_ones_of_its_block(cluster: Cluster, tmp_path: Path) -> None:
    pool = cluster.pool(ECHO)
    go_on = tmp_path / "go on"
    slow, fast = pool.send([("until", str(go_on)), "fast"])
    assert [end.task for end in receive(pool, 1)] == [fast]
    go_on.touch()
    assert [end.task for end in receive(pool, 1)] == [slow]


def test_a_handlers_bug_loses_its_task_only(cluster: Cluster) -> None:
    pool = cluster.pool(ECHO)
    bad, good = pool.send([("raise", "x"), "good"])
    ended = sorted(receive(pool, 2), key=lambda end: end.task)
    assert ended == [Lost(task=bad, reason="ValueError"), Done(task=good, result="good")]


def test_nothing_in_flight_means_nothing_to_receive(cluster: Cluster) -> None:
    assert list(cluster.pool(ECHO).receive(0.05)) == []


def test_a_crew_is_made_once(cluster: Cluster) -> None:
    assert cluster.pool(ECHO) is cluster.pool(ECHO)


@pytest.mark.parametrize("name", ["tests.support.handlers:nothing", "tests.support.handlers"])
def test_an_unknown_factory_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_factory(name)
