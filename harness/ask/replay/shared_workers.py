"""One worker at a time is asked about batches, and waited for.

One crew for two threads: what is asked live, and what is asked of the vendors' batches.

A crew is used from one thread at a time. Each party has a line of its own; whoever waits on a line
holds the crew for a moment, sends what all parties have handed in and hands out what came back.
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
"""Longest that one party holds the crew while others may want it."""


class SharedCluster:
    """A cluster whose crews may be asked for by several threads: each gets a line of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._crews: dict[str, SharedWorkerPool] = {}

    def crew(self, factory: str) -> WorkerPool:
        """A new line to the crew of a factory."""
        if factory not in self._crews:
            self._crews[factory] = SharedWorkerPool(self._cluster.crew(factory))
        return Line(self._crews[factory])


class SharedWorkerPool:
    """The crew behind the lines."""

    def __init__(self, crew: WorkerPool) -> None:
        self.crew = crew
        self._held = Lock()
        self._outbox: SimpleQueue[tuple[Line, Sequence[int], Sequence[object]]] = SimpleQueue()
        self._owners: dict[int, tuple[Line, int]] = {}

    def hand_in(self, line: Line, numbers: Sequence[int], payloads: Sequence[object]) -> None:
        """Send, now or when whoever holds the crew lets go of it."""
        self._outbox.put((line, numbers, payloads))
        if self._held.acquire(blocking=False):
            try:
                self._send()
            finally:
                self._held.release()

    def turn(self, timeout_s: float) -> None:
        """Wait for the crew, then for it to end something; at most so long for each."""
        if not self._held.acquire(timeout=timeout_s):
            return
        try:
            self._send()
            for end in self.crew.receive(timeout_s):
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
            sent = self.crew.send(payloads)
            self._owners |= {
                task: (line, number) for task, number in zip(sent, numbers, strict=True)
            }


class Line:
    """One party's side of a shared crew, with numbers of its own."""

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
        return self._shared.crew.size

    def size_at(self, home: str | None) -> int:
        """See `WorkerPool.size_at`."""
        return self._shared.crew.size_at(home)

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
    """Used from one thread, while nothing else uses the crew."""

    crew: WorkerPool
    retry: RetryPolicy
    pause: Callable[[float], None]
    left_alone: str = "go on at the vendors"
    then: str = "read them"

    def ask(self, call: BatchCall) -> BatchReply:
        """The reply to one call."""
        return self._wait(self._hand_over(call))

    def submit(self, submission: Submit) -> tuple[BatchReply, bool]:
        """The reply to a submission, and whether Ctrl-C came while it was waited for.

        Submitted again is only what the vendor refused for the moment: behind a silence a batch
        may stand.
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
        return self.crew.send([call])[0]

    def _wait(self, task: int) -> BatchReply:
        """The worker's own ceiling bounds the wait; what earlier passes left is not ours."""
        while True:
            for end in self.crew.receive(IDLE_S):
                if end.task == task:
                    return _reply(end.result) if isinstance(end, Done) else LOST


def _reply(result: object) -> BatchReply:
    return result if isinstance(result, Submitted | Polled | Fetched | CallFailure) else LOST
