"""Models that Ray places: each server on the node whose GPUs it holds, under the same life cycle.

A worker on that node starts the server's guard as its own child. It ends with the worker, and the
worker with the driver's job: a driver that is killed leaves no server, as on one machine; the time
to live counts on. The server listens on its node's loopback and nowhere else, so whoever asks it
works on that node too (`homes`: which address is on which node).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from harness.cluster.seats import SeatError
from harness.serving.attendant import Attendant, Hosted
from harness.serving.engines import served_name
from harness.serving.environment import require_key
from harness.serving.lifecycle import Served, holders, sharing, to_stderr
from harness.serving.server import (
    Place,
    Running,
    ServeError,
    end,
    free_port,
    load_seconds,
    start,
    why_it_ended,
)
from harness.serving.weights import cache_folder, ensure_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.cluster.seats import Seat
    from harness.serving.specs import ServeSpec
    from harness.serving.states import ServerState
    from harness.serving.weights_file import WeightsSpec

FACTORY = "harness.serving.hosted:open_seat"
POLL_S = 0.2
LOG_CHARACTERS = 1_000_000
RAYS_GUESS = "OMP_NUM_THREADS"
"""Ray sets it to the CPUs that a worker asked for, which for a server is next to none."""


class Seating(Protocol):
    """Where seats are taken."""

    def seats(self, factory: str, gpus: Sequence[int]) -> AbstractContextManager[tuple[Seat, ...]]:
        """One worker per entry, each with so many GPUs of one node; all or none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Weights of `weights.yaml`, for a node to fetch into its own cache."""

    spec: WeightsSpec
    notice: bytes
    """Text of the licence notice."""

    @classmethod
    def of(cls, spec: WeightsSpec) -> Fetch:
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

    def start(self, model: str, spec: ServeSpec, port: int, fetch: Fetch | None) -> Started:
        """Start the server."""
        require_key(model, spec, self._environ)
        logs = Path(tempfile.mkdtemp(prefix="rightsize-serving-"))
        try:
            if fetch is not None:
                spec = replace(spec, weights=fetch.here(self._environ, logs))
            place = Place(logs=logs, environ=self._environ, port=port, scratch=True)
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


def open_seat() -> HostedServer:
    """The factory of a seat: a server with its node's environment."""
    return HostedServer(os.environ)


@contextmanager
def host_models(  # noqa: PLR0913  # what a server needs of its surroundings, each replaceable
    specs: Mapping[str, ServeSpec],
    *,
    seating: Seating,
    logs: Path,
    fetches: Mapping[str, Fetch],
    say: Callable[[str], None] = to_stderr,
    teams: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Generator[Mapping[str, Served]]:
    """Serve models on a cluster, each distinct spec once; see `serve_models`.

    Args:
        specs: by model; a path of weights must lead to them on the node, too.
        seating: gives each server its GPUs, all or none.
        logs: state files lie there, and the end of each log is kept there (0600).
        fetches: weights to be fetched by the node, by model.
        say: is told of a server that ended by itself, or was stopped by hand.
        teams: who hold a model's GPUs.

    Raises:
        ServeError: a server does not come up; one line says why.
        UsageError: the cluster does not have the GPUs.
    """
    groups = sharing(specs)
    attendant = Attendant(logs, say)
    with ExitStack() as stack:
        seats = stack.enter_context(seating.seats(FACTORY, [spec.gpus for spec in groups]))
        stack.callback(attendant.end)
        hosted: dict[ServeSpec, Hosted] = {}
        for (spec, models), seat in zip(groups.items(), seats, strict=True):
            taken = tuple(one.state.port for one in hosted.values() if one.state.port)
            one = hosted[spec] = _start(models[0], spec, seat, taken, fetches.get(models[0]))
            attendant.admit(one, holders(models, teams))
        served = _wait(hosted, attendant)
        stack.enter_context(attendant.watching())
        yield {model: served[spec] for model, spec in specs.items()}


def _start(
    model: str, spec: ServeSpec, seat: Seat, taken: tuple[int, ...], fetch: Fetch | None
) -> Hosted:
    port = cast("int", _call(model, seat, "port", taken))
    started = cast("Started", _call(model, seat, "start", model, spec, port, fetch))
    return Hosted(seat=seat, state=started.state, base_url=started.base_url, log=started.log)


def _wait(hosted: Mapping[ServeSpec, Hosted], attendant: Attendant) -> dict[ServeSpec, Served]:
    served: dict[ServeSpec, Served] = {}
    while len(served) < len(hosted):
        for spec, one in hosted.items():
            load_s = None if spec in served else _load_s(one, attendant)
            if load_s is not None:
                served[spec] = _served(spec, one, load_s)
        time.sleep(POLL_S)
    return served


def _load_s(one: Hosted, attendant: Attendant) -> float | None:
    attendant.refuse_stopped(one)
    try:
        return cast("float | None", _call(one.state.model, one.seat, "load_s"))
    except ServeError as error:
        raise ServeError(str(error).replace(one.log, str(attendant.log(one)))) from error


def _served(spec: ServeSpec, one: Hosted, load_s: float) -> Served:
    return Served(
        base_url=one.base_url,
        name=served_name(one.state.model, spec),
        pid=one.state.guard.pid,
        load_s=load_s,
        node=one.seat.node,
    )


def _call(model: str, seat: Seat, method: str, *arguments: object) -> object:
    try:
        return seat.call(method, *arguments)
    except SeatError as error:
        line = str(error)
        raise ServeError(line if line.startswith(f"{model}: ") else f"{model}: {line}") from error
