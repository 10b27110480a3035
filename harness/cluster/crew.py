"""What the engine knows of a cluster: a crew of workers that take tasks and give back results.

A *factory* (`module:function`, no arguments) builds a worker's handler inside the worker: one
async callable from a task's payload to its result. Payloads and results are pickled; nothing
secret belongs in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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


class Crew(Protocol):
    """Workers with the same handler. Used from one thread."""

    @property
    def size(self) -> int:
        """How many workers there are, for tasks that have no home."""
        ...

    def size_at(self, home: str | None) -> int:
        """How many workers do the tasks of a home (`home` of the payload, an address)."""
        ...

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """Hand tasks to the workers; returns their numbers, in order."""
        ...

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """Wait for at least one end, at most `timeout_s` seconds; returns what has ended."""
        ...


class Cluster(Protocol):
    """Where crews work."""

    def crew(self, factory: str) -> Crew:
        """The crew of a factory; the same one each time, alive as long as the cluster."""
        ...


def load_factory(name: str) -> Callable[[], Handler]:
    """Import a factory by its `module:function` name."""
    module, _, function = name.partition(":")
    found: object = getattr(import_module(module), function, None)
    if not callable(found):
        raise UsageError(f"no worker factory {name!r}: expected module:function")
    return cast("Callable[[], Handler]", found)
