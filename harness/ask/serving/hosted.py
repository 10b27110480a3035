"""Models that Ray places: each server on the node whose GPUs it holds, under the same life cycle.

A worker on that node starts the server's guard as its own child. It ends with the worker, and the
worker with the driver's job: a driver that is killed leaves no server, as on one machine; the time
to live counts on. The server listens on its node's loopback and nowhere else, so calls to it are
made on that node too (`RayCluster.pin_servers`).

`ServerMonitor` watches the servers during a review: it keeps a state file of each, reports those
that ended, and stops those that `rightsize serving stop` names.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from harness.ask.cluster.gpu_workers import GpuWorker, GpuWorkerError
from harness.ask.serving.server import (
    Running,
    ServeError,
    ServerContext,
    end,
    free_port,
    load_seconds,
    start,
    why_it_ended,
)
from harness.ask.serving.server_lifecycle import Served, holders, sharing, to_stderr
from harness.ask.serving.specs import ServeSpec, require_key, served_name
from harness.ask.serving.states import (
    ServerState,
    drop_state,
    is_asked_to_stop,
    mark_of,
    write_state,
)
from harness.ask.serving.weights import cache_folder, ensure_weights
from harness.ask.serving.weights_file import WeightsSpec
from harness.workspace.state import write_private

WATCH_S = 1.0
STOPPED = "was stopped with `rightsize serving stop`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A server that was started in a GPU worker."""

    worker: GpuWorker
    state: ServerState
    base_url: str
    log: str
    """Where its log lies on its node."""


class ServerMonitor:
    """Keeps a state file of each server, reports those that end, and stops them on request."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs, self._say = logs, say
        self._running: list[Hosted] = []

    def admit(self, one: Hosted, teams: tuple[str, ...]) -> None:
        """Look after one more; `teams` hold its GPUs, and this process has it."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._running.append(one)
        write_state(self._logs, replace(one.state, teams=teams, driver=mark_of(os.getpid())))

    def log(self, one: Hosted) -> Path:
        """Where the end of its log is kept."""
        return self._logs / f"{one.state.model}.log"

    def refuse_stopped(self, one: Hosted) -> None:
        """Raise when somebody wants a server ended that does not answer yet."""
        if is_asked_to_stop(self._logs, one.state):
            raise ServeError(f"{one.state.model}: {STOPPED} before it answered")

    def look(self) -> None:
        """Say what ended by itself, and end what somebody wants ended; each once."""
        for one in tuple(self._running):
            try:
                line = one.worker.call("ended")
                if line is None and is_asked_to_stop(self._logs, one.state):
                    line = f"{one.state.model}: {STOPPED} in mid-run"
                if line is not None:
                    self._end(one)
                    self._say(str(line).replace(one.log, str(self.log(one))))
            except GpuWorkerError as error:
                self._lose(one, error)

    def end(self) -> None:
        """End every server, all at once; one whose worker is gone was ended by its guard."""
        running = tuple(self._running)
        with ThreadPoolExecutor(max_workers=len(running) or 1) as pool:
            for one, ended in [(one, pool.submit(self._end, one)) for one in running]:
                try:
                    ended.result()
                except GpuWorkerError as error:
                    self._lose(one, error)

    @contextmanager
    def watching(self) -> Generator[None]:
        """Poll the servers in the background until the context is left."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(WATCH_S):
                self.look()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self.look()

    def _end(self, one: Hosted) -> None:
        text = str(one.worker.call("stop"))
        write_private(self.log(one), text)
        self._forget(one)

    def _lose(self, one: Hosted, error: GpuWorkerError) -> None:
        self._say(f"{one.state.model}: {error}; its guard ends its server")
        self._forget(one)

    def _forget(self, one: Hosted) -> None:
        drop_state(self._logs, one.state)
        self._running.remove(one)


FACTORY = "harness.ask.serving.hosted:open_hosted"
POLL_S = 0.2
LOG_CHARACTERS = 1_000_000
RAYS_GUESS = "OMP_NUM_THREADS"
"""Ray sets it to the CPUs that a worker asked for, which for a server is next to none."""


class GpuPlacement(Protocol):
    """Where GPU workers are taken."""

    def gpu_workers(
        self, factory: str, gpus: Sequence[int]
    ) -> AbstractContextManager[tuple[GpuWorker, ...]]:
        """One worker per entry of `gpus`, each with that many GPUs of one node; all or none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWeights:
    """Weights of `weights.yaml`, for a node to fetch into its own cache."""

    spec: WeightsSpec
    notice: bytes
    """Text of the licence notice."""

    @classmethod
    def of(cls, spec: WeightsSpec) -> NodeWeights:
        """With the notice's text, since its path means nothing on another machine."""
        return cls(spec=spec, notice=Path(spec.notice).read_bytes())

    def here(self, environ: Mapping[str, str], scratch: Path) -> Path:
        """Fetch them on this machine; `scratch` is a folder that goes away."""
        notice = scratch / "notice.txt"
        notice.write_bytes(self.notice)
        return ensure_weights(
            self.spec.model_copy(update={"notice": str(notice)}),
            cache=cache_folder(environ, Path.home()),
            given=None,
            progress=_quiet,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A server that was started, as its node tells."""

    state: ServerState
    base_url: str
    log: str


class HostedServer:
    """What sits in the worker: one server, started, looked at and ended."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if name != RAYS_GUESS}
        self._running: Running | None = None

    def port(self, taken: tuple[int, ...]) -> int:
        """A free port that no other server of this review has, on whatever node."""
        return free_port(taken)

    def start(self, model: str, spec: ServeSpec, port: int, fetch: NodeWeights | None) -> Started:
        """Start the server."""
        require_key(model, spec, self._environ)
        logs = Path(tempfile.mkdtemp(prefix="rightsize-serving-"))
        try:
            if fetch is not None:
                spec = replace(spec, weights=fetch.here(self._environ, logs))
            place = ServerContext(logs=logs, environ=self._environ, port=port, scratch=True)
            self._running = start(model, spec, place)
        except BaseException:
            shutil.rmtree(logs, ignore_errors=True)
            raise
        return Started(
            state=self._running.state,
            base_url=self._running.base_url(),
            log=str(self._running.log),
        )

    def load_s(self) -> float | None:
        """Seconds from the start to the first answer; None while there is none."""
        return load_seconds(self._server())

    def ended(self) -> str | None:
        """One line when the server ended by itself."""
        return why_it_ended(self._server(), "in mid-run")

    def stop(self) -> str:
        """End the server and forget it; returns the end of its log."""
        server = self._server()
        end(server)
        text = server.log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
        shutil.rmtree(server.place.logs, ignore_errors=True)
        self._running = None
        return text

    def _server(self) -> Running:
        if self._running is None:
            raise ServeError("no server was started here")
        return self._running


def _quiet(_line: str, _done: int, _size: int) -> None:
    """Nobody watches a worker fetch."""


def open_hosted() -> HostedServer:
    """The factory of a GPU worker: a server with its node's environment."""
    return HostedServer(os.environ)


@contextmanager
def host_models(  # noqa: PLR0913  # what a server needs of its surroundings, each replaceable
    specs: Mapping[str, ServeSpec],
    *,
    placement: GpuPlacement,
    logs: Path,
    fetches: Mapping[str, NodeWeights],
    say: Callable[[str], None] = to_stderr,
    teams: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Generator[Mapping[str, Served]]:
    """Serve models on a cluster, each distinct spec once; see `serve_models`.

    Args:
        specs: by model; a path of weights must lead to them on the node, too.
        placement: gives each server its GPUs, all or none.
        logs: state files lie there, and the end of each log is kept there (0600).
        fetches: weights to be fetched by the node, by model.
        say: is told of a server that ended by itself, or was stopped by hand.
        teams: who hold a model's GPUs.

    Raises:
        ServeError: a server does not come up; one line says why.
        UsageError: the cluster does not have the GPUs.
    """
    groups = sharing(specs)
    monitor = ServerMonitor(logs, say)
    with ExitStack() as stack:
        gpu_workers = stack.enter_context(
            placement.gpu_workers(FACTORY, [spec.gpus for spec in groups])
        )
        stack.callback(monitor.end)
        hosted: dict[ServeSpec, Hosted] = {}
        for (spec, models), worker in zip(groups.items(), gpu_workers, strict=True):
            taken = tuple(one.state.port for one in hosted.values() if one.state.port)
            one = hosted[spec] = _start(models[0], spec, worker, taken, fetches.get(models[0]))
            monitor.admit(one, holders(models, teams))
        served = _wait(hosted, monitor)
        stack.enter_context(monitor.watching())
        yield {model: served[spec] for model, spec in specs.items()}


def _start(
    model: str,
    spec: ServeSpec,
    worker: GpuWorker,
    taken: tuple[int, ...],
    fetch: NodeWeights | None,
) -> Hosted:
    port = cast("int", _call(model, worker, "port", taken))
    started = cast("Started", _call(model, worker, "start", model, spec, port, fetch))
    return Hosted(worker=worker, state=started.state, base_url=started.base_url, log=started.log)


def _wait(hosted: Mapping[ServeSpec, Hosted], monitor: ServerMonitor) -> dict[ServeSpec, Served]:
    served: dict[ServeSpec, Served] = {}
    while len(served) < len(hosted):
        for spec, one in hosted.items():
            load_s = None if spec in served else _load_s(one, monitor)
            if load_s is not None:
                served[spec] = _served(spec, one, load_s)
        time.sleep(POLL_S)
    return served


def _load_s(one: Hosted, monitor: ServerMonitor) -> float | None:
    monitor.refuse_stopped(one)
    try:
        return cast("float | None", _call(one.state.model, one.worker, "load_s"))
    except ServeError as error:
        raise ServeError(str(error).replace(one.log, str(monitor.log(one)))) from error


def _served(spec: ServeSpec, one: Hosted, load_s: float) -> Served:
    return Served(
        base_url=one.base_url,
        name=served_name(one.state.model, spec),
        pid=one.state.guard.pid,
        load_s=load_s,
        node=one.worker.node,
    )


def _call(model: str, worker: GpuWorker, method: str, *arguments: object) -> object:
    try:
        return worker.call(method, *arguments)
    except GpuWorkerError as error:
        line = str(error)
        raise ServeError(line if line.startswith(f"{model}: ") else f"{model}: {line}") from error
