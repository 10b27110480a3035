"""Makes wire calls where it stands: reads keys there, times there, and reports facts only."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from harness.errors import UsageError
from harness.replay.calls import Call, Fault, Reply
from harness.replay.gate import Gate
from harness.replay.lag import LagMeter
from providers.errors import (
    AuthRejectedError,
    ContentBlockedError,
    DeadlineExceededError,
    ModelNotFoundError,
    PromptTooLongError,
    ProviderError,
    TransientError,
)
from providers.opening import open_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.replay.calls import Blame
    from providers.completion import Completion
    from providers.provider import Endpoint, Provider

OPENER = "harness.replay.worker:open_worker"
"""The factory of a crew that makes real calls."""

CEILING_S = 900.0
"""No call lasts longer, however slowly its bytes trickle in."""


def open_worker() -> Worker:
    """A worker with this process's environment, clock and providers."""
    return Worker(open_provider=open_with_key(os.environ), utc_now=utc_now)


def utc_now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


def open_with_key(environ: Mapping[str, str]) -> Callable[[Endpoint], Provider]:
    """How to open an endpoint with its key from `environ`."""

    def opened(endpoint: Endpoint) -> Provider:
        if endpoint.key_name is None:
            return open_provider(endpoint, key=None)
        key = environ.get(endpoint.key_name)
        if not key:
            raise AuthRejectedError(
                f"no environment variable {endpoint.key_name} on the worker", billable=False
            )
        return open_provider(endpoint, key=key)

    return opened


class Worker:
    """The handler of a crew: a `Call` in, a `Reply` out. One open provider per endpoint."""

    def __init__(
        self,
        *,
        open_provider: Callable[[Endpoint], Provider],
        utc_now: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open_provider
        self._utc_now = utc_now
        self._monotonic = monotonic
        self._providers: dict[Endpoint, Provider] = {}
        self._gates: defaultdict[str, Gate] = defaultdict(Gate)
        self._lag = LagMeter(monotonic)

    async def __call__(self, payload: object) -> Reply:
        """Make one call."""
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


def fault_of(error: ProviderError) -> Fault:
    """Keep what may be kept of a provider's error."""
    return Fault(
        error=type(error).__name__,
        blame=blame(error),
        status=error.status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
        usage=error.usage,
        rate_limit=error.rate_limit,
        billable=error.billable,
        total_s=error.total_s,
    )


def blame(error: ProviderError) -> Blame:
    """Whom an error is charged to."""
    match error:
        case TransientError():
            return "transient"
        case PromptTooLongError() | ContentBlockedError() | DeadlineExceededError():
            return "model"
        case AuthRejectedError() | ModelNotFoundError():
            return "lane"
        case _:
            return "request"
