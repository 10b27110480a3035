"""Decision models: each reply is read against the question that it answers."""

from __future__ import annotations

from collections.abc import Callable

from providers.answer import Dialect
from providers.completion import Completion
from providers.dialects.decisions import DecisionsDialect
from providers.dialects.systemone import SystemOneDialect
from providers.provider import Endpoint
from providers.request import ModelRequest, TypedQuestion
from providers.wire.calling import Wire, WireProvider

_DIALECTS: dict[str, Callable[[TypedQuestion | None], Dialect]] = {
    "decisions": lambda question: DecisionsDialect(question=question),
    "systemone": lambda question: SystemOneDialect(question=question),
}


class DecisionProvider:
    """A `Provider` whose requests hold a typed question."""

    def __init__(self, wire: Wire, endpoint: Endpoint) -> None:
        self._wire = wire
        self._dialect = _DIALECTS[endpoint.api]

    async def complete(self, request: ModelRequest) -> Completion:
        """Ask once."""
        return await WireProvider(self._wire, self._dialect(request.question)).complete(request)

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()
