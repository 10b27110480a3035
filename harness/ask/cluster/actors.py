"""A crew of Ray actors.

Opens a cluster: Ray on this machine, or a running one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from harness.ask.cluster.gpu_workers import GpuWorker, reserve
from harness.ask.cluster.session import Session, join_remote, remote_token, start_local
from harness.ask.cluster.watchdog import guard
from harness.ask.cluster.workers import Ended, Host, Lost, WorkerPool, own_identity, refuse_mismatch
from harness.errors import RightsizeError, UsageError

# pyright: basic


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
        self._crews: dict[str, RayWorkerPool] = {}
        self._homes: dict[str, str] = {}

    def gpus(self) -> tuple[int, ...]:
        """GPUs of each node that has any."""
        nodes = self._session.ray().nodes()
        counts = (int(node["Resources"].get("GPU", 0)) for node in nodes if node["Alive"])
        return tuple(count for count in counts if count)

    @contextmanager
    def seats(self, factory: str, gpus: Sequence[int]) -> Generator[tuple[GpuWorker, ...]]:
        """Workers that hold GPUs; see `harness.ask.cluster.gpu_workers`."""
        ray = self._session.ray()
        with reserve(ray, factory, gpus, same_disk=self._same_disk) as taken:
            yield taken

    def live_at(self, homes: Mapping[str, str]) -> None:
        """Tasks whose `home` is named are done on its node from now on, and no others there."""
        self._homes.update(homes)
        for crew in self._crews.values():
            crew.live_at(self._homes)

    def crew(self, factory: str) -> WorkerPool:
        """See `Cluster.crew`."""
        if factory not in self._crews:
            ray = self._session.ray()
            cpus = int(ray.cluster_resources().get("CPU", 1)) - (1 if self._same_disk else 0)
            workers = self._workers or min(MOST_WORKERS, max(1, cpus))
            crew = RayWorkerPool(ray, factory, workers=workers, same_disk=self._same_disk)
            crew.live_at(self._homes)
            self._crews[factory] = crew
        return self._crews[factory]


class RayWorkerPool:
    """Actors with hundreds of tasks in flight each; a dead one is replaced, its tasks are lost."""

    def __init__(self, ray: Any, factory: str, *, workers: int, same_disk: bool) -> None:
        self._ray = ray
        self._factory = factory
        self._same_disk = same_disk
        self._numbers = count(1)
        self._hosts: dict[Any, set[int]] = {}
        self._homes: dict[str, str] = {}
        self._settled: dict[str, Any] = {}
        """The one worker of each node that has homes."""
        self._strays: list[Ended] = []
        self._polls: dict[Any, Any] = {}
        self._joining: dict[Any, Any] = {}
        opened = [self._create() for _ in range(workers)]
        for host in opened:
            self._admit(host)

    @property
    def size(self) -> int:
        """See `WorkerPool.size`."""
        return len(self._roving())

    def size_at(self, home: str | None) -> int:
        """See `WorkerPool.size_at`."""
        return 1 if home in self._homes else self.size

    def live_at(self, homes: Mapping[str, str]) -> None:
        """Settle one worker on each node that has homes; it holds no CPU."""
        self._homes = dict(homes)
        for node in dict.fromkeys(homes.values()):
            if node not in self._settled:
                self._settled[node] = host = self._create(node)
                self._admit(host)

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `WorkerPool.send`."""
        block = [(next(self._numbers), payload) for payload in payloads]
        roving: list[tuple[int, object]] = []
        settled: dict[str, list[tuple[int, object]]] = {}
        for task in block:
            node = self._homes.get(getattr(task[1], "home", None) or "")
            (roving if node is None else settled.setdefault(node, [])).append(task)
        for node, part in settled.items():
            self._hand(self._settled[node], part)
        hosts = sorted(self._roving(), key=lambda host: len(self._hosts[host]))
        share = -(-len(roving) // len(hosts))
        for place, host in enumerate(hosts):
            self._hand(host, roving[place * share : (place + 1) * share])
        return [number for number, _ in block]

    def _roving(self) -> list[Any]:
        settled = list(self._settled.values())
        return [host for host in self._hosts if host not in settled]

    def _hand(self, host: Any, part: list[tuple[int, object]]) -> None:
        if host not in self._hosts:
            self._strays += [Lost(task=number, reason="WorkerLostError") for number, _ in part]
        elif part:
            self._hosts[host].update(number for number, _ in part)
            host.submit.options(num_returns=0).remote(part)

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `WorkerPool.receive`."""
        if self._strays:
            strays, self._strays = self._strays, []
            return strays
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
            # With its node the server is gone that it was settled beside.
            if host not in self._settled.values():
                self._replace()
            return [Lost(task=number, reason="WorkerLostError") for number in sorted(tasks)]
        self._poll(host)
        tasks.difference_update(end.task for end in ended)
        return ended

    def _create(self, node: str | None = None) -> Any:
        actor = self._ray.remote(Host)
        return actor.options(
            num_cpus=1 if node is None else 0,
            max_restarts=0,
            max_concurrency=1000,
            scheduling_strategy="SPREAD" if node is None else _on(node),
        ).remote(self._factory)

    def _replace(self) -> None:
        """Start another worker; it joins when it is there, unless nobody is left to go on."""
        host = self._create()
        if self._roving():
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


def _on(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


@contextmanager
def local_cluster(
    *,
    state: Path,
    cpus: int | None = None,
    gpus: Sequence[str] | None = None,
    workers: int | None = None,
) -> Generator[RayCluster]:
    """Ray on this machine, with a token of its own in `state`; starts in the background.

    `cpus` is how many Ray may use, `gpus` which (their ids; default: all of both), `workers` how
    many actors a crew has.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = Path(tempfile.mkdtemp(prefix="rightsize-"))
    watchdog = guard(temp)
    session = Session(start_local(state / "ray-token", temp, cpus, gpus))
    try:
        yield RayCluster(session, workers=workers, same_disk=True)
    finally:
        session.close()
        watchdog.communicate()


@contextmanager
def remote_cluster(
    address: str, *, state: Path, environ: Mapping[str, str], workers: int | None = None
) -> Generator[RayCluster]:
    """A running Ray cluster; its token comes from `environ`, and without one it is refused.

    `address` is `host:port`, or `auto` for the cluster that this machine is a node of. Ray's
    client (`ray://`) is another protocol, whose proxy would stand between us and every answer.
    """
    if "://" in address:
        raise UsageError(
            f"--address {address}: run this on a node of the cluster (its head, a pod) and say "
            "`auto`, or the head's host:port; Ray's client protocol is not spoken"
        )
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    token_file = remote_token(environ, state / "ray-token")
    session = Session(join_remote(address, token_file))
    try:
        yield RayCluster(session, workers=workers, same_disk=False)
    finally:
        session.close()
