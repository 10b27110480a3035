"""What travels between the driver and a worker: one call, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from providers.completion import Completion, RateLimit, TokenUsage
    from providers.provider import Endpoint
    from providers.request import ModelRequest

Blame: TypeAlias = Literal["transient", "model", "lane", "request"]
"""Whom a fault is charged to: the moment (ask again), the model (score 0), the whole lane
(nobody need ask), or this request (no score)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One wire call to make. Names its key, never holds it."""

    endpoint: Endpoint
    request: ModelRequest
    lane: str = ""
    width: int | None = None
    """Most calls of this lane that the worker has on the wire at once; the rest wait their turn
    there, so that a freed place is filled without a word from the driver. None: no such limit."""

    @property
    def home(self) -> str | None:
        """Address that is asked; a server of ours listens on its own node only."""
        return self.endpoint.base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a call brought no answer, without a word of the request or the reply."""

    error: str
    """Class of the provider's error."""
    blame: Blame
    status: int | None = None
    request_id: str | None = None
    retry_after_s: float | None = None
    usage: TokenUsage | None = None
    rate_limit: RateLimit | None = None
    billable: bool = True
    total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a call went."""

    started_at: str
    """UTC, ISO 8601."""
    result: Completion | Fault
    lagged: bool
    """The worker's event loop was late during the call."""


LOST_WORKER = "WorkerLostError"
"""The worker died with the call in flight: whether it was billed is unknown."""
