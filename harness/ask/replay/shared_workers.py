"""One worker pool shared by several threads: those that make live calls, and the one for batches.

A worker pool may be used from one thread at a time. Each thread has a `PoolThread`; one that waits
holds the pool for a moment, sends everybody's tasks and hands out everybody's results.
`BatchClient` makes batch calls over a pool, one at a time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock

from harness.ask.cluster.workers import Cluster, Done, Ended, Lost, WorkerPool
from harness.ask.replay.batch_calls import BatchCall, BatchReply, Fetched, Polled, Submit, Submitted
from harness.ask.replay.calls import LOST, CallFailure
from harness.ask.replay.retry import RetryPolicy

TURN_S = 0.01
"""Longest time that one thread holds the pool while others may want it."""


class SharedCluster:
    """A cluster whose worker pools several threads may use, each over its own line."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._pools: dict[str, SharedWorkerPool] = {}

    def pool(self, factory: str) -> WorkerPool:
        """A new line to the pool of a factory."""
        if factory not in self._pools:
            self._pools[factory] = SharedWorkerPool(self._cluster.pool(factory))
        return PoolThread(self._pools[factory])


class SharedWorkerPool:
    """The pool behind the lines."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self._held = Lock()
        self._outbox: SimpleQueue[tuple[PoolThread, Sequence[int], Sequence[object]]] = (
            SimpleQueue()
        )
        self._owners: dict[int, tuple[PoolThread, int]] = {}

    def hand_in(self, line: PoolThread, numbers: Sequence[int], payloads: Sequence[object]) -> None:
        """Send now, or as soon as the thread that holds the pool releases it."""
        self._outbox.put((line, numbers, payloads))
        if self._held.acquire(blocking=False):
            try:
                self._send()
            finally:
                self._held.release()

    def turn(self, timeout_s: float) -> None:
        """Acquire the pool, then wait for results; `timeout_s` bounds each of the two waits."""
        if not self._held.acquire(timeout=timeout_s):
            return
        try:
            self._send()
            for end in self.pool.receive(timeout_s):
                owner = self._owners.pop(end.task, None)
                if owner is not None:
                    owner[0].inbox.append(_renumbered(end, owner[1]))
        finally:
            self._held.release()

    def _send(self) -> None:
        while True:
            try:
                line, numbers, payloads = self._outbox.get_nowait()
            except Empty:
                return
            sent = self.pool.send(payloads)
            self._owners |= {
                task: (line, number) for task, number in zip(sent, numbers, strict=True)
            }


class PoolThread:
    """One thread's side of a shared pool, with its own task numbers."""

    def __init__(
        self, shared: SharedWorkerPool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.inbox: deque[Ended] = deque()
        self._shared = shared
        self._monotonic = monotonic
        self._numbers = count(1)

    @property
    def size(self) -> int:
        """See `WorkerPool.size`."""
        return self._shared.pool.size

    def size_at(self, server_url: str | None) -> int:
        """See `WorkerPool.size_at`."""
        return self._shared.pool.size_at(server_url)

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `WorkerPool.send`."""
        numbers = [next(self._numbers) for _ in payloads]
        self._shared.hand_in(self, numbers, payloads)
        return numbers

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `WorkerPool.receive`."""
        until = self._monotonic() + timeout_s
        while not self.inbox:
            left_s = until - self._monotonic()
            self._shared.turn(max(0.0, min(TURN_S, left_s)))
            if left_s <= 0:
                break
        return [self.inbox.popleft() for _ in range(len(self.inbox))]


def _renumbered(end: Ended, number: int) -> Ended:
    if isinstance(end, Done):
        return Done(task=number, result=end.result)
    return Lost(task=number, reason=end.reason)


SUBMISSIONS = 4
IDLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClient:
    """Makes batch calls over a pool, one at a time. Used from one thread."""

    pool: WorkerPool
    retry: RetryPolicy
    pause: Callable[[float], None]
    left_alone: str = "go on at the vendors"
    then: str = "read them"

    def ask(self, call: BatchCall) -> BatchReply:
        """The reply to one call."""
        return self._wait(self._hand_over(call))

    def submit(self, submission: Submit) -> tuple[BatchReply, bool]:
        """The reply to a submission, and whether Ctrl-C came while waiting for it.

        Only a submission that the vendor refused for the moment is retried: after a time-out the
        vendor may have taken the batch.
        """
        tries = 1
        while True:
            task = self._hand_over(submission)
            try:
                reply = self._wait(task)
            except KeyboardInterrupt:
                return self._wait(task), True
            delay_s = self._delay_s(reply, tries)
            if delay_s is None:
                return reply, False
            self.pause(delay_s)
            tries += 1

    def _delay_s(self, reply: BatchReply, tries: int) -> float | None:
        if not isinstance(reply, CallFailure) or reply.status is None or tries >= SUBMISSIONS:
            return None
        return self.retry.delay_s(reply, counted=tries, elapsed_s=0.0)

    def _hand_over(self, call: BatchCall) -> int:
        return self.pool.send([call])[0]

    def _wait(self, task: int) -> BatchReply:
        """The worker's time-out bounds the wait; results of earlier tasks are skipped."""
        while True:
            for end in self.pool.receive(IDLE_S):
                if end.task == task:
                    return _reply(end.result) if isinstance(end, Done) else LOST


def _reply(result: object) -> BatchReply:
    return result if isinstance(result, Submitted | Polled | Fetched | CallFailure) else LOST
