"""A cluster in this process whose calls time out by an event: when a server answers none of them.

Its workers' clock stands still. So much of it passes as a call may take whenever every call that
is open is one that the server has stalled: none else ends late, however busy the machine is.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from harness.ask.cluster.workers import InlineCluster, InlineWorkerPool, load_factory
from harness.ask.replay.calls import CallFailure, Reply
from harness.journal.trials import FaultKind
from tests.support.own_clock import OwnClockLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.cluster.workers import Handler, WorkerPool
    from tests.support.load_server import Running

POLL_S = 0.05


class _Counting:
    """A handler that knows how many of its calls are open, and how many have timed out."""

    def __init__(self, handler: Handler) -> None:
        self.open = self.timed_out = 0
        self._handler = handler

    async def __call__(self, payload: Any) -> object:
        self.open += 1
        try:
            reply = await self._handler(payload)
        finally:
            self.open -= 1
        result = reply.result if isinstance(reply, Reply) else None
        late = isinstance(result, CallFailure) and result.kind is FaultKind.TIMED_OUT
        self.timed_out += late
        return reply

    async def aclose(self) -> None:
        await self._handler.aclose()  # type: ignore[attr-defined]  # a worker's


class StandingCluster(InlineCluster):
    """See the module; every call may take `timeout_s`."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._loop.close()
        self._loop = self.clock = OwnClockLoop(leaps=False)
        self._thread = Thread(target=self.clock.run_forever, name="standing", daemon=True)
        self.timeout_s = timeout_s
        self.calls: list[_Counting] = []

    def pool(self, factory: str) -> WorkerPool:
        if factory not in self._pools:
            self.calls.append(_Counting(load_factory(factory)()))
            self._pools[factory] = InlineWorkerPool(self.calls[-1], self._loop)
        return self._pools[factory]

    @contextmanager
    def timing_out(self, server: Running) -> Iterator[None]:
        """What this server stalls times out until the block ends."""
        over = Event()

        def watch() -> None:
            while not over.wait(POLL_S):
                asyncio.run_coroutine_threadsafe(self._look(server), self._loop).result()

        watcher = Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    async def _look(self, server: Running) -> None:
        """On the workers' own loop, where no call begins or ends meanwhile."""
        stalled = server.stats()["faults"].get("stall", 0)
        waiting = stalled - sum(one.timed_out for one in self.calls)
        if waiting and waiting == sum(one.open for one in self.calls):
            self.clock.wait(self.timeout_s)
