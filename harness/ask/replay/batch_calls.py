"""Calls to the vendors' batch APIs: the messages between driver and worker, and the worker's side.

The worker reads its keys from its own environment, and replies carry no text of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from harness.ask.replay.calls import CallFailure, fault_of, unexpected
from harness.errors import UsageError
from harness.journal.trials import FaultKind
from providers.answer import Answer
from providers.batch import BatchAnswered, BatchItem, BatchProvider, BatchStatus
from providers.errors import ProviderError
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

    ends: dict[str, Answer | CallFailure]


BatchCall: TypeAlias = Submit | Poll | Fetch
BatchReply: TypeAlias = Submitted | Polled | Fetched | CallFailure


CEILING_S = 900.0
"""No call about a batch lasts longer: files of requests and results are large."""
POLL_CEILING_S = 30.0
"""Time limit of a request for a batch's status: other features wait meanwhile."""


class BatchWorker:
    """Answers what is asked of batches; a connection lives for one call, polls are far apart."""

    def __init__(
        self, open_batches: Callable[[Endpoint], BatchProvider], utc_now: Callable[[], str]
    ) -> None:
        self._open = open_batches
        self._utc_now = utc_now

    async def answer(self, call: BatchCall) -> BatchReply:
        """Make one call."""
        ceiling_s = POLL_CEILING_S if isinstance(call, Poll) else CEILING_S
        try:
            batches = self._open(call.endpoint)
            try:
                async with asyncio.timeout(ceiling_s):
                    return await self._made(batches, call)
            finally:
                await batches.aclose()
        except ProviderError as error:
            return fault_of(error)
        except TimeoutError:
            return CallFailure(
                kind=FaultKind.CEILING_EXCEEDED, blame="transient", total_s=ceiling_s
            )
        except UsageError as error:
            return unexpected(error, blame="lane", billable=False)
        except Exception as error:  # noqa: BLE001  # a provider's bug costs one batch, not the run
            return unexpected(error, blame="request")

    async def _made(self, batches: BatchProvider, call: BatchCall) -> BatchReply:
        match call:
            case Submit():
                at = self._utc_now()
                return Submitted(batch=await batches.submit(call.items), at=at)
            case Poll():
                return Polled(status=await batches.poll(call.batch))
            case Fetch():
                outcomes = await batches.fetch(call.batch)
                return Fetched(
                    ends={
                        one.id: one.answer
                        if isinstance(one, BatchAnswered)
                        else fault_of(one.error)
                        for one in outcomes
                    }
                )
