"""The worker's side of the replay: makes wire calls, times them, and replies with facts only.

Keys are read from the worker's own environment; `missing_keys` checks them before a review on
other machines begins. A fair semaphore per lane, which can be resized while in use, bounds the
calls in progress. `LagMeter` notices a late event loop: calls timed meanwhile are no latency
samples.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import defaultdict, deque
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar, cast

from harness.ask.cluster.workers import Done, WorkerPool
from harness.ask.programs.host import ProgramHost
from harness.ask.programs.protocol import (
    Happened,
    MissingPrograms,
    ProgramCall,
    ProgramCheck,
    ProgramPlace,
)
from harness.ask.replay.batch_calls import BatchReply, BatchWorker, Fetch, Poll, Submit
from harness.ask.replay.calls import (
    Call,
    CallFailure,
    Reply,
    fault_of,
    unexpected,
    without_the_request,
)
from harness.errors import RightsizeError, UsageError
from harness.journal.trials import FaultKind
from providers.batch import BatchProvider
from providers.completion import Completion
from providers.errors import AuthRejectedError, ProviderError
from providers.opening import open_batch_provider, open_provider
from providers.provider import Endpoint, Provider


class FairSemaphore:
    """A semaphore whose width may change at any time."""

    def __init__(self) -> None:
        self.width: int | None = None
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Wait for a place, and give it back on leaving."""
        if self._waiting or not self._has_place():
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            self._let_in()
            await place
        else:
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._has_place():
            place = self._waiting.popleft()
            if not place.done():
                self._inside += 1
                place.set_result(None)

    def _has_place(self) -> bool:
        return self.width is None or self._inside < self.width


TICK_S = 0.02
LATE_S = 0.02


class LagMeter:
    """Sleeps for a tick again and again, and remembers when it last woke up late."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due = monotonic()
        self._late_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the running loop, once."""
        if self._task is None:
            self._due = self._monotonic() + TICK_S
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def late_since(self, began: float) -> bool:
        """Whether the loop was late at any time from `began` until now."""
        return self._late_until >= began or self._monotonic() - self._due > LATE_S

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._monotonic()
            if now - self._due > LATE_S:
                self._late_until = now
            self._due = now + TICK_S


ASK_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """Names of environment variables; a worker says which it has not."""

    names: tuple[str, ...]

    def found(self, environ: Mapping[str, str]) -> MissingKeys:
        """The worker's answer. It holds names, never a key."""
        lacking = tuple(name for name in self.names if not environ.get(name))
        return MissingKeys(host=socket.gethostname(), names=lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingKeys:
    """What one worker's environment does not have."""

    host: str
    names: tuple[str, ...]


def missing_keys(pool: WorkerPool, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Machines without a key, by the key's name. For a worker pool that does nothing else yet.

    Raises:
        RightsizeError: the workers do not answer.
    """
    if not names:
        return {}
    found = _everywhere(pool, KeyCheck(names=tuple(sorted(names))))
    return _by_lack((one.host, one.names) for one in found if isinstance(one, MissingKeys))


def missing_programs(
    pool: WorkerPool, places: Collection[ProgramPlace]
) -> dict[str, tuple[str, ...]]:
    """Machines without a program, by its folder. For a worker pool that does nothing else yet.

    Raises:
        RightsizeError: the workers do not answer.
    """
    if not places:
        return {}
    found = _everywhere(pool, ProgramCheck(places=tuple(places)))
    return _by_lack((one.host, one.folders) for one in found if isinstance(one, MissingPrograms))


def _by_lack(lacks: Iterable[tuple[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    hosts: dict[str, set[str]] = {}
    for host, names in lacks:
        for name in names:
            hosts.setdefault(name, set()).add(host)
    return {name: tuple(sorted(found)) for name, found in sorted(hosts.items())}


def _everywhere(pool: WorkerPool, check: object) -> list[object]:
    """What every worker of an idle pool says to a check."""
    asked = set(pool.send([check] * pool.size))
    found: list[object] = []
    deadline = time.monotonic() + ASK_S
    while asked:
        if time.monotonic() > deadline:
            raise RightsizeError(
                f"the cluster's workers did not answer within {ASK_S:.0f} s; is it overloaded? "
                "The same command goes on where this one stopped"
            )
        for end in pool.receive(1.0):
            asked.discard(end.task)
            found += [end.result] if isinstance(end, Done) else []
    return found


T = TypeVar("T")
OPENER = "harness.ask.replay.worker:open_worker"
"""The factory of a worker pool that makes real calls."""

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
    """The handler of a worker pool: a `Call` in, a `Reply` out. One open provider per endpoint.

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
        self._programs = ProgramHost(environ=environ, utc_now=utc_now, monotonic=monotonic)
        self._providers: dict[Endpoint, Provider] = {}
        self._semaphores: defaultdict[str, FairSemaphore] = defaultdict(FairSemaphore)
        self._lag = LagMeter(monotonic)

    async def __call__(
        self, payload: object
    ) -> Reply | BatchReply | MissingKeys | Happened | MissingPrograms | None:
        """Make one call."""
        if isinstance(payload, KeyCheck):
            return payload.found(self._environ)
        if isinstance(payload, ProgramCall):
            return await self._programs.answer(payload)
        if self._batches is not None and isinstance(payload, Submit | Poll | Fetch):
            return await self._batches.answer(payload)
        call = cast("Call", payload)
        self._lag.start()
        async with self._turn(call):
            started_at = self._utc_now()
            began = self._monotonic()
            result = await self._complete(call)
            return Reply(started_at=started_at, result=result, lagged=self._lag.late_since(began))

    def _turn(self, call: Call) -> AbstractAsyncContextManager[None]:
        if not call.waits:
            return nullcontext()
        semaphore = self._semaphores[call.lane]
        semaphore.width = call.width
        return semaphore.slot()

    async def aclose(self) -> None:
        """Close every connection."""
        self._lag.stop()
        await self._programs.aclose()
        for provider in self._providers.values():
            await provider.aclose()

    async def _complete(self, call: Call) -> Completion | CallFailure:
        try:
            provider = self._providers.get(call.endpoint)
            if provider is None:
                provider = self._providers[call.endpoint] = self._open(call.endpoint)
            async with asyncio.timeout(CEILING_S):
                return await provider.complete(call.request)
        except ProviderError as error:
            return replace(fault_of(error), said=without_the_request(error.said, call.request))
        except TimeoutError:
            return CallFailure(
                kind=FaultKind.CEILING_EXCEEDED, blame="transient", total_s=CEILING_S
            )
        except UsageError as error:
            return unexpected(error, blame="lane", billable=False)
        except Exception as error:  # noqa: BLE001  # a provider's bug costs one trial, not the run
            return unexpected(error, blame="request")
