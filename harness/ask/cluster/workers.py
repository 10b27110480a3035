"""Clusters and worker pools as the replay engine sees them, and an in-process cluster.

A *factory* (`module:function`, no arguments) builds a worker's handler inside the worker: one
async callable from a task's payload to its result. Payloads and results are pickled; nothing
secret belongs in them. The driver and its workers must run the same code (`Identity`).

`Host` is the Ray actor: an `Inbox` that runs tasks on an event loop. `InlineCluster` runs the
same inbox in a thread of this process, for tests and small runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Protocol, Self, TypeAlias, cast

from harness.errors import UsageError

Handler: TypeAlias = Callable[[object], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A task's result."""

    task: int
    result: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A task whose worker died, or whose handler raised; whether it had an effect is unknown."""

    task: int
    reason: str


Ended: TypeAlias = Done | Lost


class WorkerPool(Protocol):
    """Workers with the same handler. Used from one thread."""

    @property
    def size(self) -> int:
        """Number of workers for tasks that may run on any node."""
        ...

    def size_at(self, server_url: str | None) -> int:
        """Number of workers that run tasks for a server (the payload's `server_url`)."""
        ...

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """Hand tasks to the workers; returns their numbers, in order."""
        ...

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """Wait for at least one end, at most `timeout_s` seconds; returns what has ended."""
        ...


class Cluster(Protocol):
    """Opens worker pools."""

    def pool(self, factory: str) -> WorkerPool:
        """The worker pool of a factory: the same one each time, open as long as the cluster."""
        ...


def load_factory(name: str) -> Callable[[], Handler]:
    """Import a factory by its `module:function` name.

    Raises:
        UsageError: There is no such function.
    """
    module, _, function = name.partition(":")
    found: object = getattr(import_module(module), function, None)
    if not callable(found):
        raise UsageError(f"no worker factory {name!r}: expected module:function")
    return cast("Callable[[], Handler]", found)


PACKAGES = ("evalsets", "harness", "providers", "reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Version and sources of this distribution, as a process sees them."""

    version: str
    python: str
    digest: str
    """SHA-256 of the sources of our packages."""
    folders: tuple[str, ...]


def own_identity() -> Identity:
    """The identity of this process: where it finds our packages, and what is in them."""
    folders = tuple(_folder(name) for name in PACKAGES)
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.py")):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(file.read_bytes())
    try:
        distribution = version("model-rightsizing")
    except PackageNotFoundError:
        distribution = "not installed"
    return Identity(
        version=distribution,
        python=".".join(platform.python_version_tuple()[:2]),
        digest=digest.hexdigest(),
        folders=folders,
    )


def refuse_mismatch(driver: Identity, worker: Identity, *, same_disk: bool) -> None:
    """Raise unless a worker runs the driver's code; on one disk, from the same folders too."""
    if not same_disk:
        worker = replace(worker, folders=driver.folders)
    if worker == driver:
        return
    names = [name for name in Identity.__slots__ if getattr(worker, name) != getattr(driver, name)]
    shown = "; ".join(f"{n} {getattr(worker, n)} instead of {getattr(driver, n)}" for n in names)
    raise UsageError(
        f"a Ray worker would run other code than this process ({shown}): "
        "install the same model-rightsizing on every node"
    )


def _folder(name: str) -> str:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return f"no package {name}"
    return str(Path(spec.origin).resolve().parent)


class Inbox:
    """Runs tasks on one event loop; each result can be collected as soon as it is there."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._running: set[asyncio.Task[None]] = set()
        self._ended: list[Ended] = []
        self._any = asyncio.Event()

    def start(self, block: Iterable[tuple[int, object]]) -> None:
        """Begin every task of a block."""
        for number, payload in block:
            task = asyncio.create_task(self._run(number, payload))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def collect(self, linger_s: float) -> Sequence[Ended]:
        """Wait until a task ends and `linger_s` longer for others; return all that ended."""
        await self._any.wait()
        if self._running:
            await asyncio.sleep(linger_s)
        ended, self._ended = self._ended, []
        self._any.clear()
        return ended

    async def cancel(self) -> None:
        """Stop what still runs."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, number: int, payload: object) -> None:
        try:
            end: Ended = Done(task=number, result=await self._handler(payload))
        except Exception as error:  # noqa: BLE001  # any bug of a handler ends its task, not the worker
            end = Lost(task=number, reason=type(error).__name__)
        self._ended.append(end)
        self._any.set()


LINGER_S = 0.002
"""How long a result waits to be sent with others: at most 500 messages a second."""


class Host:
    """An async Ray actor: takes blocks of tasks and returns results through a long poll."""

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
        """Wait for results and return them."""
        return await self._opened().collect(LINGER_S)

    def _opened(self) -> Inbox:
        if self._inbox is None:
            raise RuntimeError("the worker was not opened")
        return self._inbox


class InlineCluster:
    """Runs every worker pool on one event loop of its own; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="inline-cluster", daemon=True)
        self._pools: dict[str, InlineWorkerPool] = {}

    def __enter__(self) -> Self:
        """Start the loop."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel what runs, close the handlers and end the loop."""
        for pool in self._pools.values():
            asyncio.run_coroutine_threadsafe(pool.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def begin_shutdown(self) -> None:
        """It ends at once when it is closed."""

    def pool(self, factory: str) -> WorkerPool:
        """See `Cluster.pool`."""
        if factory not in self._pools:
            self._pools[factory] = InlineWorkerPool(load_factory(factory)(), self._loop)
        return self._pools[factory]


class InlineWorkerPool:
    """One worker on a given loop."""

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._numbers = count(1)
        self._ended: SimpleQueue[Sequence[Ended]] = SimpleQueue()
        self._inbox = Inbox(handler)
        self._pump = asyncio.run_coroutine_threadsafe(self._collect(), loop)

    @property
    def size(self) -> int:
        """See `WorkerPool.size`."""
        return 1

    def size_at(self, server_url: str | None) -> int:  # noqa: ARG002  # there is one worker
        """See `WorkerPool.size_at`."""
        return 1

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `WorkerPool.send`."""
        block = [(next(self._numbers), payload) for payload in payloads]
        self._loop.call_soon_threadsafe(self._inbox.start, block)
        return [number for number, _ in block]

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `WorkerPool.receive`."""
        ended: list[Ended] = []
        try:
            ended.extend(self._ended.get(timeout=timeout_s))
            while True:
                ended.extend(self._ended.get_nowait())
        except Empty:
            return ended

    async def aclose(self) -> None:
        """Cancel what runs and close the handler, where it can be closed."""
        self._pump.cancel()
        await self._inbox.cancel()
        aclose = getattr(self._handler, "aclose", None)
        if aclose is not None:
            await aclose()

    async def _collect(self) -> None:
        while True:
            self._ended.put(await self._inbox.collect(0))
