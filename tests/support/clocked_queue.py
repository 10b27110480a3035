"""A probe over real sockets of a queue whose waiting happens on the event loop's own clock.

Bytes take none of its seconds: the clock stands while any call is on the wire, and leaps over
nothing else than waiting. What is found is exact, however busy the machine is.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.ask.probe.probing import Found, ProbePlan, Replica, Tell, probe
from providers.completion import Timing
from tests.support.own_clock import OwnClockLoop, own_loop
from tests.support.queue_server import queue_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.completion import Completion
    from providers.provider import Provider
    from providers.request import ModelRequest


@dataclass(kw_only=True)
class ClockedQueue:
    """One slot, so many seconds each, first come first served; answers come from `port`."""

    service_s: float
    port: int
    asked: int = 0
    free_at: float = 0.0

    def probe(self, target: Replica, plan: ProbePlan, progress: Tell) -> Found:
        """Measures as a `Probing` does."""
        queued = replace(target, open=lambda: _Queued(self, target.open()))
        return probe(queued, plan, progress, loop=lambda: OwnClockLoop(leaps=True))


@dataclass(frozen=True)
class _Queued:
    """A provider whose calls wait their turn once their answer has come over the wire."""

    queue: ClockedQueue
    inner: Provider

    async def complete(self, request: ModelRequest) -> Completion:
        loop, queue = own_loop(), self.queue
        began = loop.time()
        queue.asked += 1
        # Before the wire: the turn is by the order of the calls, not of the answers.
        queue.free_at = done = max(began, queue.free_at) + queue.service_s
        with loop.outside():
            answer = await self.inner.complete(request)
        await asyncio.sleep(done - loop.time())
        took_s = loop.time() - began
        return replace(answer, timing=Timing(total_s=took_s, first_token_s=took_s))

    async def aclose(self) -> None:
        with own_loop().outside():
            await self.inner.aclose()


@contextmanager
def clocked_queue(service_s: float) -> Iterator[ClockedQueue]:
    """Over a server that answers at once."""
    with queue_server(servers=1, service_s=0.0, constant=True, seed=1) as port:
        yield ClockedQueue(service_s=service_s, port=port)
