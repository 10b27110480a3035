"""Asks in this process until the workers of another cluster are up, and there from then on.

Ray takes seconds to start. Whether a call may be made is decided before a pool is given it (cap,
journal, the lanes' limits), so that it makes no difference there who makes it. What this process
has begun it ends; what came later waits for room where both together would go beyond a lane's
width. A payload's `session` stays with one worker, so that reviews of programs have no part in
this.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Event, Thread
from typing import Protocol, TypeAlias

from harness.ask.cluster.workers import Cluster, Ended, InlineCluster, WorkerPool

Task: TypeAlias = tuple[int, object]

LOOK_S = 0.01
"""How long one side is waited for while the other may bring something, too."""


class StartingCluster(Cluster, Protocol):
    """A cluster that takes time to start."""

    def wait(self) -> None:
        """Wait until it has started."""
        ...

    def begin_shutdown(self) -> None:
        """Start its shutdown; no call is made through it after this."""
        ...


class HandoverCluster:
    """Two clusters as one: the first until the second is there."""

    def __init__(
        self, here: Cluster, there: StartingCluster, tell: Callable[[str], object]
    ) -> None:
        """`tell` is told, in another thread, why the second one never came."""
        self._here, self._there, self._tell = here, there, tell
        self._closing = Event()
        self._openers: list[Thread] = []
        self._pools: dict[str, HandoverPool] = {}

    def close(self) -> None:
        """Open no further pool, and wait for the threads that are opening one."""
        self._closing.set()
        for opener in self._openers:
            opener.join()

    def begin_shutdown(self) -> None:
        """Start the second cluster's shutdown, unless a thread is still opening it."""
        self._closing.set()
        if not any(opener.is_alive() for opener in self._openers):
            self._there.begin_shutdown()

    def pool(self, factory: str) -> WorkerPool:
        """See `Cluster.pool`."""
        if factory not in self._pools:
            coming: Future[WorkerPool] = Future()
            opener = Thread(target=self._open, args=(factory, coming), name="hand-over")
            self._pools[factory] = HandoverPool(self._here.pool(factory), coming, self._tell)
            self._openers.append(opener)
            opener.daemon = True
            opener.start()
        return self._pools[factory]

    def _open(self, factory: str, coming: Future[WorkerPool]) -> None:
        try:
            self._there.wait()
            if not self._closing.is_set():
                coming.set_result(self._there.pool(factory))
        except BaseException as error:  # noqa: BLE001  # `HandoverPool` reports it to the user
            coming.set_exception(error)


@contextmanager
def handed_over(
    starting: AbstractContextManager[StartingCluster], tell: Callable[[str], object]
) -> Generator[HandoverCluster]:
    """This process, until the other cluster has started."""
    with (
        InlineCluster() as here,
        starting as there,
        closing(HandoverCluster(here, there, tell)) as both,
    ):
        yield both


class HandoverPool:
    """The pools of one factory in both clusters."""

    def __init__(
        self, here: WorkerPool, coming: Future[WorkerPool], tell: Callable[[str], object]
    ) -> None:
        self._here = _Side(here)
        self._there: _Side | None = None
        self._coming: Future[WorkerPool] | None = coming
        self._tell = tell
        self._numbers = count(1)
        self._held: deque[Task] = deque()

    @property
    def size(self) -> int:
        """See `WorkerPool.size`."""
        return self._newest.pool.size

    def size_at(self, server_url: str | None) -> int:
        """See `WorkerPool.size_at`."""
        return self._newest.pool.size_at(server_url)

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `WorkerPool.send`."""
        tasks = [(next(self._numbers), payload) for payload in payloads]
        self._held += tasks
        self._release(self._newest)
        return [number for number, _ in tasks]

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `WorkerPool.receive`."""
        self._hand_over()
        there = self._there
        if there is None:
            return self._here.receive(timeout_s)
        until = time.monotonic() + timeout_s
        while True:
            ended = self._here.receive(0) if self._here.tasks else []
            left_s = max(0.0, until - time.monotonic())
            wait_s = min(left_s, LOOK_S) if self._here.tasks else left_s
            ended += there.receive(0 if ended else wait_s)
            self._release(there)
            if ended or not left_s:
                return ended

    @property
    def _newest(self) -> _Side:
        return self._there or self._here

    def _hand_over(self) -> None:
        """Look whether the second pool has come; one that never will is told of once."""
        coming = self._coming
        if coming is None or not coming.done():
            return
        self._coming = None
        error = coming.exception()
        if error is None:
            self._there = _Side(coming.result())
        else:
            self._tell(f"warning: {error}. This process goes on, and makes every call by itself")

    def _release(self, side: _Side) -> None:
        """Send the held tasks whose lane is not full, calls of both sides counted."""
        held, self._held = self._held, deque()
        for task in held:
            if self._has_room(task[1], side):
                side.take(task)
            else:
                self._held.append(task)
        side.send()

    def _has_room(self, payload: object, side: _Side) -> bool:
        lane, width = _lane(payload), getattr(payload, "width", None)
        if side is self._here or width is None or not _waits(payload):
            return True
        ours = self._here.lanes[lane]
        return not ours or ours + side.lanes[lane] < width * side.pool.size


@dataclass(slots=True, eq=False)
class _Side:
    """One of the two pools, and what it was given."""

    pool: WorkerPool
    tasks: dict[int, Task] = field(default_factory=dict[int, "Task"])
    """On their way, by the pool's own number."""
    lanes: Counter[str] = field(default_factory=Counter[str])
    """How many of each lane share its width, and are given and not brought back."""
    _next: list[Task] = field(default_factory=list["Task"])

    def take(self, task: Task) -> None:
        """Put a task in the next block."""
        self._next.append(task)
        self.lanes[_lane(task[1])] += _waits(task[1])

    def send(self) -> None:
        """Hand the block over."""
        block, self._next = self._next, []
        if block:
            numbers = self.pool.send([payload for _, payload in block])
            self.tasks |= dict(zip(numbers, block, strict=True))

    def receive(self, timeout_s: float) -> list[Ended]:
        """What has ended, under the numbers that it was handed over with."""
        ended: list[Ended] = []
        for end in self.pool.receive(timeout_s):
            number, payload = self.tasks.pop(end.task)
            self.lanes[_lane(payload)] -= _waits(payload)
            ended.append(replace(end, task=number))
        return ended


def _lane(payload: object) -> str:
    return getattr(payload, "lane", "")


def _waits(payload: object) -> bool:
    """Whether it shares its lane's width; a call in a kept place does not."""
    return getattr(payload, "waits", False)
