"""What travels between the driver and a worker about a vendor's batch, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from harness.replay.calls import Fault

if TYPE_CHECKING:
    from providers.answer import Answer
    from providers.batch import BatchItem, BatchStatus
    from providers.provider import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Send these requests, of one model, as one batch."""

    endpoint: Endpoint
    items: tuple[BatchItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Ask where a batch stands."""

    endpoint: Endpoint
    batch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Read the results of a batch that has ended."""

    endpoint: Endpoint
    batch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The vendor took the batch."""

    batch: str
    at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """Where the batch stands."""

    status: BatchStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How the batch's items ended, by id."""

    ends: dict[str, Answer | Fault]


BatchCall: TypeAlias = Submit | Poll | Fetch
BatchReply: TypeAlias = Submitted | Polled | Fetched | Fault
