"""A cluster in this process: one event loop in a thread. For tests and tiny runs."""

from __future__ import annotations

import asyncio
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Self

from harness.cluster.crew import load_factory
from harness.cluster.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from harness.cluster.crew import Crew, Ended, Handler


class InlineCluster:
    """Runs every crew on one event loop of its own; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="inline-cluster", daemon=True)
        self._crews: dict[str, InlineCrew] = {}

    def __enter__(self) -> Self:
        """Start the loop."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel what runs, close the handlers and end the loop."""
        for crew in self._crews.values():
            asyncio.run_coroutine_threadsafe(crew.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def crew(self, factory: str) -> Crew:
        """See `Cluster.crew`."""
        if factory not in self._crews:
            self._crews[factory] = InlineCrew(load_factory(factory)(), self._loop)
        return self._crews[factory]


class InlineCrew:
    """One worker on a given loop."""

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._numbers = count(1)
        self._ended: SimpleQueue[Sequence[Ended]] = SimpleQueue()
        self._inbox = Inbox(handler)
        self._pump = asyncio.run_coroutine_threadsafe(self._collect(), loop)

    @property
    def size(self) -> int:
        """See `Crew.size`."""
        return 1

    def size_at(self, home: str | None) -> int:  # noqa: ARG002  # every home is here
        """See `Crew.size_at`."""
        return 1

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `Crew.send`."""
        block = [(next(self._numbers), payload) for payload in payloads]
        self._loop.call_soon_threadsafe(self._inbox.start, block)
        return [number for number, _ in block]

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `Crew.receive`."""
        ended: list[Ended] = []
        try:
            ended.extend(self._ended.get(timeout=timeout_s))
            while True:
                ended.extend(self._ended.get_nowait())
        except Empty:
            return ended

    async def aclose(self) -> None:
        """Cancel what runs and close the handler, where it can be closed."""
        self._pump.cancel()
        await self._inbox.cancel()
        aclose = getattr(self._handler, "aclose", None)
        if aclose is not None:
            await aclose()

    async def _collect(self) -> None:
        while True:
            self._ended.put(await self._inbox.collect(0))
