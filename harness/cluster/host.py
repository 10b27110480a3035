"""What runs in a Ray worker: an inbox around a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cluster.crew import load_factory
from harness.cluster.identity import Identity, own_identity
from harness.cluster.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cluster.crew import Ended

LINGER_S = 0.002
"""How long an end waits for others to leave with it: bounds messages to 500 a second."""


class Host:
    """An async Ray actor: blocks of tasks in, ends out through a long poll."""

    def __init__(self, factory: str) -> None:
        self._factory = factory
        self._inbox: Inbox | None = None

    async def identity(self) -> Identity:
        """Which code this worker runs."""
        return own_identity()

    async def open(self) -> None:
        """Build the handler, on the worker's event loop."""
        self._inbox = Inbox(load_factory(self._factory)())

    async def submit(self, block: Sequence[tuple[int, object]]) -> None:
        """Begin the tasks of a block."""
        self._opened().start(block)

    async def collect(self) -> Sequence[Ended]:
        """Wait for ends and hand them over."""
        return await self._opened().collect(LINGER_S)

    def _opened(self) -> Inbox:
        if self._inbox is None:
            raise RuntimeError("the worker was not opened")
        return self._inbox
