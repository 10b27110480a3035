"""Decision models: each reply is read against the question that it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from providers.answer import Dialect
from providers.completion import Completion
from providers.dialects.decisions import DecisionsDialect
from providers.dialects.systemone import SystemOneDialect
from providers.errors import DeadlineExceededError
from providers.provider import Endpoint
from providers.request import ModelRequest, TypedQuestion, unstreamed
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
        """Ask once. A decision comes whole: its first token is its last.

        One that came after the deadline is the model's failure, as an answer is that was still
        being made then; one that never came is a time-out.
        """
        asked = unstreamed(request)
        found = await WireProvider(self._wire, self._dialect(request.question)).complete(asked)
        total_s, deadline_s = found.timing.total_s, request.deadline_s
        if deadline_s is not None and total_s > deadline_s:
            message = f"the decision came after the deadline of {deadline_s:g} s"
            raise DeadlineExceededError(message, usage=found.usage, total_s=total_s)
        if not request.stream:
            return found
        return replace(found, timing=replace(found.timing, first_token_s=total_s))

    async def aclose(self) -> None:
        """Close connections."""
        await self._wire.aclose()
