"""Runs a worker's tasks on its event loop and collects their ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.cluster.crew import Done, Ended, Lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.cluster.crew import Handler


class Inbox:
    """Tasks in, ends out, on one event loop; each end can leave as soon as it is there."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._running: set[asyncio.Task[None]] = set()
        self._ended: list[Ended] = []
        self._any = asyncio.Event()

    def start(self, block: Iterable[tuple[int, object]]) -> None:
        """Begin every task of a block."""
        for number, payload in block:
            task = asyncio.create_task(self._run(number, payload))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def collect(self, linger_s: float) -> Sequence[Ended]:
        """Wait until something ended, linger for company, and hand over all that ended."""
        await self._any.wait()
        if self._running:
            await asyncio.sleep(linger_s)
        ended, self._ended = self._ended, []
        self._any.clear()
        return ended

    async def cancel(self) -> None:
        """Stop what still runs."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, number: int, payload: object) -> None:
        try:
            end: Ended = Done(task=number, result=await self._handler(payload))
        except Exception as error:  # noqa: BLE001  # any bug of a handler ends its task, not the worker
            end = Lost(task=number, reason=type(error).__name__)
        self._ended.append(end)
        self._any.set()
