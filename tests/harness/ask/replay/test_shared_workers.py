from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

from harness.ask.cluster.workers import Done, InlineCluster, Lost
from harness.ask.replay.shared_workers import SharedCluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ask.cluster.workers import WorkerPool

TASKS = 200


def work(line: WorkerPool, name: str) -> list[str]:
    """Send tasks a few at a time; what came back, in the order of sending."""
    rng = Random(name)
    sent: dict[int, str] = {}
    found: dict[int, str] = {}
    waiting = [f"{name}-{n}" for n in range(TASKS)]
    while waiting or len(found) < len(sent):
        part, waiting = waiting[: rng.randint(0, 9)], waiting[9:]
        sent |= dict(zip(line.send(part), part, strict=True))
        for end in line.receive(0.05):
            assert isinstance(end, Done)
            found[end.task] = str(end.result)
    assert found.keys() == sent.keys()
    return [found[number] for number in sent]


def test_each_party_gets_its_own_ends_and_only_those() -> None:
    with InlineCluster() as cluster:
        shared = SharedCluster(cluster)
        lines = [shared.pool("tests.support.handlers:echo") for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(work, lines, "abc"))
    for name, results in zip("abc", found, strict=True):
        assert all(result.startswith(f"{name}-") for result in results)


class Dying:
    """A worker pool that loses every task, and ends one that nobody sent."""

    size = 2

    def __init__(self) -> None:
        self._sent = 0

    def size_at(self, server_url: str | None) -> int:
        return 1 if server_url else 2

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        first, self._sent = self._sent + 1, self._sent + len(payloads)
        return range(first, self._sent + 1)

    def receive(self, timeout_s: float) -> Sequence[Done | Lost]:
        assert timeout_s >= 0
        return [Done(task=99, result=0), *(Lost(task=n, reason="x") for n in range(1, 3))]

    def pool(self, factory: str) -> WorkerPool:
        assert factory == "f"
        return self


def test_a_lost_task_keeps_its_reason_and_a_strangers_end_is_dropped() -> None:
    line = SharedCluster(Dying()).pool("f")
    first, second = line.send(["a", "b"])
    assert line.receive(0.01) == [Lost(task=first, reason="x"), Lost(task=second, reason="x")]
    assert line.receive(0) == []
    assert (line.size, line.size_at("http://here"), line.size_at(None)) == (2, 1, 2)
