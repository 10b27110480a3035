"""Makes wire calls where it stands: reads keys there, times there, and reports facts only."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from harness.errors import UsageError
from harness.replay.batch_calls import Fetch, Poll, Submit
from harness.replay.batch_worker import BatchWorker
from harness.replay.calls import Call, Fault, Reply
from harness.replay.faults import fault_of
from harness.replay.gate import Gate
from harness.replay.keys import KeyCheck
from harness.replay.lag import LagMeter
from providers.errors import AuthRejectedError, ProviderError
from providers.opening import open_batch_provider, open_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.replay.batch_calls import BatchReply
    from harness.replay.keys import KeysLacking
    from providers.batch import BatchProvider
    from providers.completion import Completion
    from providers.provider import Endpoint, Provider

T = TypeVar("T")
OPENER = "harness.replay.worker:open_worker"
"""The factory of a crew that makes real calls."""

CEILING_S = 900.0
"""No call lasts longer, however slowly its bytes trickle in."""


def open_worker() -> Worker:
    """A worker with this process's environment, clock and providers."""
    return Worker(
        open_provider=open_with_key(os.environ),
        open_batches=open_with_key(os.environ, open_batch_provider),
        utc_now=utc_now,
        environ=os.environ,
    )


def utc_now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


def open_with_key(
    environ: Mapping[str, str], opener: Callable[..., T] = open_provider
) -> Callable[[Endpoint], T]:
    """How to open an endpoint, or its batches, with its key from `environ`."""

    def opened(endpoint: Endpoint) -> T:
        if endpoint.key_name is None:
            return opener(endpoint, key=None)
        key = environ.get(endpoint.key_name)
        if not key:
            raise AuthRejectedError(
                f"no environment variable {endpoint.key_name} on the worker", billable=False
            )
        return opener(endpoint, key=key)

    return opened


class Worker:
    """The handler of a crew: a `Call` in, a `Reply` out. One open provider per endpoint.

    What is asked of a batch goes to `BatchWorker`, which has replies of its own.
    """

    def __init__(
        self,
        *,
        open_provider: Callable[[Endpoint], Provider],
        utc_now: Callable[[], str],
        open_batches: Callable[[Endpoint], BatchProvider] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._open = open_provider
        self._utc_now = utc_now
        self._batches = BatchWorker(open_batches, utc_now) if open_batches else None
        self._monotonic = monotonic
        self._environ = environ
        self._providers: dict[Endpoint, Provider] = {}
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)
        self._lag = LagMeter(monotonic)

    async def __call__(self, payload: object) -> Reply | BatchReply | KeysLacking:
        """Make one call."""
        if isinstance(payload, KeyCheck):
            return payload.found(self._environ)
        if self._batches is not None and isinstance(payload, Submit | Poll | Fetch):
            return await self._batches.answer(payload)
        call = cast("Call", payload)
        self._lag.start()
        gate = self._gates[call.lane]
        gate.width = call.width
        async with gate.passing():
            started_at = self._utc_now()
            began = self._monotonic()
            result = await self._complete(call)
            return Reply(started_at=started_at, result=result, lagged=self._lag.late_since(began))

    async def aclose(self) -> None:
        """Close every connection."""
        self._lag.stop()
        for provider in self._providers.values():
            await provider.aclose()

    async def _complete(self, call: Call) -> Completion | Fault:
        try:
            provider = self._providers.get(call.endpoint)
            if provider is None:
                provider = self._providers[call.endpoint] = self._open(call.endpoint)
            async with asyncio.timeout(CEILING_S):
                return await provider.complete(call.request)
        except ProviderError as error:
            return fault_of(error)
        except TimeoutError:
            return Fault(error="CeilingExceededError", blame="transient", total_s=CEILING_S)
        except UsageError as error:
            return Fault(error=type(error).__name__, blame="lane", billable=False)
        except Exception as error:  # noqa: BLE001  # a provider's bug costs one trial, not the run
            return Fault(error=type(error).__name__, blame="request")
