"""Worker pools of Ray actors, on Ray that is started on this machine or on a running cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from harness.ask.cluster.gpu_workers import GpuWorker, reserve
from harness.ask.cluster.ray_session import RaySession, join_remote, remote_token, start_local
from harness.ask.cluster.watchdog import guard
from harness.ask.cluster.workers import Ended, Host, Lost, WorkerPool, own_identity, refuse_mismatch
from harness.errors import RightsizeError, UsageError
from harness.journal.trials import FaultKind

# pyright: basic


OPEN_S = 120.0
"""Longest wait for a worker to start."""

MOST_WORKERS = 8
"""Each runs hundreds of tasks at once; on a single machine, one CPU is left to the driver."""

_MOST_STILLBORN = 3


class RayCluster:
    """Worker pools of actors on one connection; one actor to a worker."""

    def __init__(self, session: RaySession, *, workers: int | None, same_disk: bool) -> None:
        self._session = session
        self._workers = workers
        self._same_disk = same_disk
        self._pools: dict[str, RayWorkerPool] = {}
        self._nodes: dict[str, str] = {}

    def wait(self) -> None:
        """Wait until Ray is connected, which it is being in the background."""
        self._session.ray()

    def begin_shutdown(self) -> None:
        """Start Ray's shutdown in the background; leaving the `with` block waits for its end."""
        self._session.begin_shutdown()

    def gpus(self) -> tuple[int, ...]:
        """GPUs of each node that has any."""
        nodes = self._session.ray().nodes()
        counts = (int(node["Resources"].get("GPU", 0)) for node in nodes if node["Alive"])
        return tuple(count for count in counts if count)

    @contextmanager
    def gpu_workers(self, factory: str, gpus: Sequence[int]) -> Generator[tuple[GpuWorker, ...]]:
        """Workers that hold GPUs; see `harness.ask.cluster.gpu_workers`."""
        ray = self._session.ray()
        with reserve(ray, factory, gpus, same_disk=self._same_disk) as taken:
            yield taken

    def pin_servers(self, nodes: Mapping[str, str]) -> None:
        """From now on, run tasks for each server on its node (`nodes`: server URL to node id)."""
        self._nodes.update(nodes)
        for pool in self._pools.values():
            pool.pin_servers(self._nodes)

    def pool(self, factory: str) -> WorkerPool:
        """See `Cluster.pool`."""
        if factory not in self._pools:
            ray = self._session.ray()
            cpus = int(ray.cluster_resources().get("CPU", 1)) - (1 if self._same_disk else 0)
            workers = self._workers or min(MOST_WORKERS, max(1, cpus))
            pool = RayWorkerPool(ray, factory, workers=workers, same_disk=self._same_disk)
            pool.pin_servers(self._nodes)
            self._pools[factory] = pool
        return self._pools[factory]


class RayWorkerPool:
    """Actors with hundreds of tasks in flight each; a dead one is replaced, its tasks are lost."""

    def __init__(self, ray: Any, factory: str, *, workers: int, same_disk: bool) -> None:
        self._ray = ray
        self._factory = factory
        self._same_disk = same_disk
        self._numbers = count(1)
        self._hosts: dict[Any, set[int]] = {}
        self._nodes: dict[str, str] = {}
        self._pinned: dict[str, Any] = {}
        """The one worker of each node that runs servers."""
        self._sessions: dict[str, Any] = {}
        """The worker that a session's first task went to."""
        self._seats: dict[str, Any] = {}
        """The worker that a seat's sessions go to, as long as it lives."""
        self._undelivered: list[Ended] = []
        self._polls: dict[Any, Any] = {}
        self._joining: dict[Any, Any] = {}
        self._stillborn = 0
        """Replacements that died before they opened."""
        opened = [self._create() for _ in range(workers)]
        for host in opened:
            self._admit(host)

    @property
    def size(self) -> int:
        """See `WorkerPool.size`."""
        return len(self._unpinned())

    def size_at(self, server_url: str | None) -> int:
        """See `WorkerPool.size_at`."""
        return 1 if server_url in self._nodes else self.size

    def pin_servers(self, nodes: Mapping[str, str]) -> None:
        """Pin one worker to each node that runs servers; it reserves no CPU."""
        self._nodes = dict(nodes)
        for node in dict.fromkeys(nodes.values()):
            if node not in self._pinned:
                self._pinned[node] = host = self._create(node)
                self._admit(host)

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        """See `WorkerPool.send`."""
        block = [(next(self._numbers), payload) for payload in payloads]
        unpinned: list[tuple[int, object]] = []
        pinned: dict[str, list[tuple[int, object]]] = {}
        for task in self._without_sessions(block):
            node = self._nodes.get(getattr(task[1], "server_url", None) or "")
            (unpinned if node is None else pinned.setdefault(node, [])).append(task)
        for node, part in pinned.items():
            self._hand(self._pinned[node], part)
        hosts = sorted(self._unpinned(), key=lambda host: len(self._hosts[host]))
        share = -(-len(unpinned) // len(hosts))
        for place, host in enumerate(hosts):
            self._hand(host, unpinned[place * share : (place + 1) * share])
        return [number for number, _ in block]

    def _without_sessions(self, block: list[tuple[int, object]]) -> list[tuple[int, object]]:
        """Hand a session's tasks (the payload's `session`) to its own worker; returns the rest.

        Sessions of one `seat` go to one worker, which keeps what it has open for them. A payload
        that `ends_session` is its session's last.
        """
        rest: list[tuple[int, object]] = []
        for task in block:
            session = getattr(task[1], "session", None)
            if session is None:
                rest.append(task)
                continue
            if session not in self._sessions:
                seat = getattr(task[1], "seat", session)
                if self._seats.get(seat) not in self._hosts:
                    self._seats[seat] = min(self._unpinned(), key=self._seated)
                self._sessions[session] = self._seats[seat]
            self._hand(self._sessions[session], [task])
            if getattr(task[1], "ends_session", False):
                del self._sessions[session]
        return rest

    def _seated(self, host: Any) -> tuple[int, int]:
        return sum(one == host for one in self._seats.values()), len(self._hosts[host])

    def _unpinned(self) -> list[Any]:
        pinned = list(self._pinned.values())
        return [host for host in self._hosts if host not in pinned]

    def _hand(self, host: Any, part: list[tuple[int, object]]) -> None:
        if host not in self._hosts:
            self._undelivered += _lost(number for number, _ in part)
        elif part:
            self._hosts[host].update(number for number, _ in part)
            host.submit.options(num_returns=0).remote(part)

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        """See `WorkerPool.receive`."""
        if self._undelivered:
            undelivered, self._undelivered = self._undelivered, []
            return undelivered
        waited = [*self._polls, *self._joining]
        ready, _ = self._ray.wait(waited, num_returns=1, timeout=timeout_s)
        if len(waited) > 1 and ready:
            ready, _ = self._ray.wait(waited, num_returns=len(waited), timeout=0)
        for newcomer in [ref for ref in ready if ref in self._joining]:
            self._join(self._joining.pop(newcomer))
        return [end for poll in ready if poll in self._polls for end in self._collect(poll)]

    def _collect(self, poll: Any) -> Sequence[Ended]:
        host = self._polls.pop(poll)
        tasks = self._hosts[host]
        try:
            ended: Sequence[Ended] = self._ray.get(poll)
        except self._ray.exceptions.RayActorError:
            del self._hosts[host]
            # A pinned worker is not replaced: if its node is gone, so is the server there.
            if host not in self._pinned.values():
                self._replace()
            return _lost(sorted(tasks))
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
        """Start another worker in the background; wait for it only if no other one is left."""
        host = self._create()
        if self._unpinned():
            self._joining[host.identity.remote()] = host
        else:
            self._join(host)

    def _join(self, host: Any) -> None:
        """Admit another worker; one that died first, as its node may have, is replaced again.

        Raises:
            UsageError: it runs other code, or so many died that it is not their nodes' fault.
            RightsizeError: It did not start in time.
        """
        try:
            self._admit(host)
        except UsageError as error:
            died = isinstance(error.__cause__, self._ray.exceptions.RayActorError)
            if not died or self._stillborn >= _MOST_STILLBORN:
                raise
            self._stillborn += 1
            self._replace()

    def _admit(self, host: Any) -> None:
        """Check that a new actor runs the driver's code, open it, and start polling it.

        Raises:
            UsageError: The worker runs other code, or cannot load this version.
            RightsizeError: It did not start in time.
        """
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


def _lost(tasks: Iterable[int]) -> list[Ended]:
    return [Lost(task=number, reason=FaultKind.WORKER_LOST) for number in tasks]


def _on(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


LONGEST_FOLDER = 44
"""Letters of the folder that Ray is given: its sockets' names end after 107."""


def own_folder(bases: Sequence[str] = ()) -> Path:
    """A new folder that only its owner may enter, with a name short enough for Ray's sockets.

    Ray opens the folder that it is given to everybody, so it is given one inside.

    Args:
        bases: where it may lie, the best first; without: the system's own folders.

    Raises:
        UsageError: every place has too long a name, or cannot be written.
    """
    places = bases or (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108  # made 0700, unguessable
    for base in places:
        if len(base) + len("/rightsize-12345678/r") > LONGEST_FOLDER:
            continue
        try:
            return Path(tempfile.mkdtemp(prefix="rightsize-", dir=base))
        except OSError:
            continue
    raise UsageError(
        f"no folder for Ray's sockets in {' or '.join(places)}: a short path that can be written "
        "is needed; set TMPDIR to one of at most 23 letters"
    )


@contextmanager
def local_cluster(
    *,
    state: Path,
    cpus: int | None = None,
    gpus: Sequence[str] | None = None,
    workers: int | None = None,
) -> Generator[RayCluster]:
    """Start Ray on this machine in the background, with a new token in `state`.

    `cpus` is how many CPUs Ray may use, `gpus` the ids of its GPUs (default: all of both), and
    `workers` the number of actors in each worker pool.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = own_folder()
    watchdog = guard(temp)
    session = RaySession(start_local(state / "ray-token", temp / "r", cpus, gpus))
    try:
        yield RayCluster(session, workers=workers, same_disk=True)
    finally:
        session.close()
        watchdog.communicate()


@contextmanager
def remote_cluster(
    address: str, *, state: Path, environ: Mapping[str, str], workers: int | None = None
) -> Generator[RayCluster]:
    """Join a running Ray cluster, whose token comes from `environ`.

    `address` is `host:port`, or `auto` for the cluster that this machine is a node of. Ray's
    client protocol (`ray://`) is not supported: its proxy would carry every answer.

    Raises:
        UsageError: The address is not of that form, or there is no token.
    """
    if "://" in address:
        raise UsageError(
            f"--address {address}: run this on a node of the cluster (its head, a pod) and say "
            "`auto`, or the head's host:port; Ray's client protocol is not spoken"
        )
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    token_file = remote_token(environ, state / "ray-token")
    session = RaySession(join_remote(address, token_file))
    try:
        yield RayCluster(session, workers=workers, same_disk=False)
    finally:
        session.close()
