"""Talks to the vendors' batch APIs where it stands: reads keys there, reports facts only."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.replay.batch_calls import Fetch, Fetched, Poll, Polled, Submit, Submitted
from harness.replay.calls import Fault
from harness.replay.faults import fault_of
from providers.batch import BatchAnswered
from providers.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.replay.batch_calls import BatchCall, BatchReply
    from providers.batch import BatchProvider
    from providers.provider import Endpoint

CEILING_S = 900.0
"""No call about a batch lasts longer: files of requests and results are large."""


class BatchWorker:
    """Answers what is asked of batches; a connection lives for one call, polls are far apart."""

    def __init__(
        self, open_batches: Callable[[Endpoint], BatchProvider], utc_now: Callable[[], str]
    ) -> None:
        self._open = open_batches
        self._utc_now = utc_now

    async def answer(self, call: BatchCall) -> BatchReply:
        """Make one call."""
        try:
            batches = self._open(call.endpoint)
            try:
                async with asyncio.timeout(CEILING_S):
                    return await self._made(batches, call)
            finally:
                await batches.aclose()
        except ProviderError as error:
            return fault_of(error)
        except TimeoutError:
            return Fault(error="CeilingExceededError", blame="transient", total_s=CEILING_S)
        except UsageError as error:
            return Fault(error=type(error).__name__, blame="lane", billable=False)
        except Exception as error:  # noqa: BLE001  # a provider's bug costs one batch, not the run
            return Fault(error=type(error).__name__, blame="request")

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
