"""A crew of Ray actors."""
# pyright: basic

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from harness.cluster.crew import Lost
from harness.cluster.host import Host
from harness.cluster.identity import own_identity, refuse_mismatch
from harness.errors import RightsizeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.cluster.crew import Crew, Ended
    from harness.cluster.session import Session

OPEN_S = 120.0
"""Longest wait for a worker to start."""

MOST_WORKERS = 8
"""Each has hundreds of tasks in flight; on one machine, one CPU stays with the driver."""


class RayCluster:
    """Crews of actors on one connection; one actor to a worker."""

    def __init__(self, session: Session, *, workers: int | None, same_disk: bool) -> None:
        self._session = session
        self._workers = workers
        self._same_disk = same_disk
        self._crews: dict[str, RayCrew] = {}

    def crew(self, factory: str) -> Crew:
        """See `Cluster.crew`."""
        if factory not in self._crews:
            ray = self._session.ray()
            cpus = int(ray.cluster_resources().get("CPU", 1)) - (1 if self._same_disk else 0)
            workers = self._workers or min(MOST_WORKERS, max(1, cpus))
            self._crews[factory] = RayCrew(ray, factory, workers=workers, same_disk=self._same_disk)
        return self._crews[factory]


class RayCrew:
    """Actors with hundreds of tasks in flight each; a dead one is replaced, its tasks are lost."""

    def __init__(self, ray: Any, factory: str, *, workers: int, same_disk: bool) -> None:
        self._ray = ray
        self._factory = factory
        self._same_disk = same_disk
        self._numbers = count(1)
        self._hosts: dict[Any, set[int]] = {}
        self._polls: dict[Any, Any] = {}
        self._joining: dict[Any, Any] = {}
        opened = [self._create() for _ in range(workers)]
        for host in opened:
            self._admit(host)

    @property
    def size(self) -> int:
        """See `Crew.size`."""
        return len(self._hosts)

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `Crew.send`."""
        block = [(next(self._numbers), payload) for payload in payloads]
        share = -(-len(block) // len(self._hosts))
        idlest_first = sorted(self._hosts.items(), key=lambda host: len(host[1]))
        for place, (host, tasks) in enumerate(idlest_first):
            part = block[place * share : (place + 1) * share]
            if part:
                tasks.update(number for number, _ in part)
                host.submit.options(num_returns=0).remote(part)
        return [number for number, _ in block]

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `Crew.receive`."""
        waited = [*self._polls, *self._joining]
        ready, _ = self._ray.wait(waited, num_returns=1, timeout=timeout_s)
        if len(waited) > 1 and ready:
            ready, _ = self._ray.wait(waited, num_returns=len(waited), timeout=0)
        for newcomer in [ref for ref in ready if ref in self._joining]:
            self._admit(self._joining.pop(newcomer))
        return [end for poll in ready if poll in self._polls for end in self._collect(poll)]

    def _collect(self, poll: Any) -> Sequence[Ended]:
        host = self._polls.pop(poll)
        tasks = self._hosts[host]
        try:
            ended: Sequence[Ended] = self._ray.get(poll)
        except self._ray.exceptions.RayActorError:
            del self._hosts[host]
            self._replace()
            return [Lost(task=number, reason="WorkerLostError") for number in sorted(tasks)]
        self._poll(host)
        tasks.difference_update(end.task for end in ended)
        return ended

    def _create(self) -> Any:
        actor = self._ray.remote(Host)
        return actor.options(
            num_cpus=1, max_restarts=0, max_concurrency=1000, scheduling_strategy="SPREAD"
        ).remote(self._factory)

    def _replace(self) -> None:
        """Start another worker; it joins when it is there, unless nobody is left to go on."""
        host = self._create()
        if self._hosts:
            self._joining[host.identity.remote()] = host
        else:
            self._admit(host)

    def _admit(self, host: Any) -> None:
        """Check that a new actor runs our code, open it, and listen to it."""
        try:
            theirs = self._ray.get(host.identity.remote(), timeout=OPEN_S)
            refuse_mismatch(own_identity(), theirs, same_disk=self._same_disk)
            self._ray.get(host.open.remote(), timeout=OPEN_S)
        except UsageError:
            raise
        except self._ray.exceptions.GetTimeoutError:
            raise RightsizeError(
                f"no Ray worker started within {OPEN_S:.0f} s: is a CPU free on the cluster?"
            ) from None
        except Exception as error:
            raise UsageError(
                "a Ray worker could not load this model-rightsizing "
                f"({str(error).strip().splitlines()[-1]}): install the same version on every node"
            ) from error
        self._hosts[host] = set()
        self._poll(host)

    def _poll(self, host: Any) -> None:
        self._polls[host.collect.remote()] = host
