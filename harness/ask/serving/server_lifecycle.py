"""The life cycle of the models that we serve: started, used, and always ended.

`stop_server` ends one by hand: by a signal on this machine, or by a request to the review that
started it elsewhere.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import psutil

from harness.ask.serving.gpus import Gpu, gpus_here, pack
from harness.ask.serving.server import (
    Running,
    ServeError,
    ServerContext,
    ask_to_end,
    end,
    free_port,
    load_seconds,
    start,
    why_it_ended,
)
from harness.ask.serving.specs import ServeSpec, require_key, served_name
from harness.ask.serving.states import (
    ProcessMark,
    ServerState,
    ask_to_stop,
    drop_state,
    find,
    list_servers,
)
from harness.errors import UsageError

POLL_S = 0.1
WATCH_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that answers."""

    base_url: str
    name: str
    """Name in the reply."""
    pid: int
    """Of the guard, which ends the server when it is ended."""
    load_s: float
    """Seconds from its start to its first answer."""
    gpus: tuple[str, ...] = ()
    """Which of this machine's GPUs it has, as CUDA_VISIBLE_DEVICES numbers them."""
    node: str | None = None
    """Ray's id of the node whose loopback it listens on; None: this machine's."""


def to_stderr(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{line}\n")


@contextmanager
def serve_models(  # noqa: PLR0913  # what a server needs of its surroundings, each replaceable
    specs: Mapping[str, ServeSpec],
    *,
    logs: Path,
    environ: Mapping[str, str],
    say: Callable[[str], None] = to_stderr,
    gpus: Callable[[Mapping[str, str]], tuple[Gpu, ...]] = gpus_here,
    teams: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Generator[Mapping[str, Served]]:
    """Serve models on free ports of 127.0.0.1, each distinct spec once, all starting together.

    Logs stay in `logs` (0600). On leaving, however it comes about, every server is ended; when
    this process is killed, the guards end them. A server that ends while it is used is reported
    to `say`, once; its calls fail like those to any server that is gone. `teams` are who hold a
    model's GPUs.

    Raises:
        ServeError: a server does not come up; one line says why.
        NoGpuError: the GPUs that the specs need are not here.
    """
    for model, spec in specs.items():
        require_key(model, spec, environ)
    groups = sharing(specs)
    needs = {models[0]: spec.gpus for spec, models in groups.items()}
    given = pack(needs, gpus(environ)) if any(needs.values()) else dict.fromkeys(needs, ())
    running: dict[ServeSpec, Running] = {}
    try:
        for spec, models in groups.items():
            place = ServerContext(
                logs=logs,
                environ=environ,
                port=free_port([other.place.port for other in running.values()]),
                gpus=given[models[0]],
                teams=holders(models, teams),
            )
            running[spec] = start(models[0], spec, place)
        served = wait_until_served(running.values())
        with _watched(running.values(), say):
            yield {model: served[groups[spec][0]] for model, spec in specs.items()}
    finally:
        for server in running.values():
            ask_to_end(server)
        for server in running.values():
            end(server)


def sharing(specs: Mapping[str, ServeSpec]) -> dict[ServeSpec, tuple[str, ...]]:
    """Models that share a server, by its spec; it is called by the first."""
    groups: dict[ServeSpec, tuple[str, ...]] = {}
    for model, spec in specs.items():
        groups[spec] = (*groups.get(spec, ()), model)
    return groups


def holders(models: Sequence[str], teams: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The teams of all models that share a server, each once."""
    return tuple(dict.fromkeys(team for model in models for team in teams.get(model, ())))


def wait_until_served(servers: Collection[Running]) -> dict[str, Served]:
    """Wait until every server answers; each is looked at in turn, so each load time is its own."""
    served: dict[str, Served] = {}
    while len(served) < len(servers):
        for server in servers:
            load_s = None if server.model in served else load_seconds(server)
            if load_s is not None:
                served[server.model] = _served(server, load_s)
        time.sleep(POLL_S)
    return served


def leave_running(model: str, spec: ServeSpec, place: ServerContext) -> Served:
    """Start a server that outlives us, until its time to live, its idle time, or `stop_server`."""
    require_key(model, spec, place.environ)
    server = start(model, spec, place)
    try:
        served = wait_until_served([server])[model]
    except BaseException:
        end(server)
        raise
    # Reaped when it ends while we live; dropped, it would be a zombie and a warning.
    threading.Thread(target=server.guard.wait, daemon=True).start()
    return served


@contextmanager
def _watched(servers: Collection[Running], say: Callable[[str], None]) -> Generator[None]:
    done = threading.Event()

    def watch() -> None:
        said: set[str] = set()
        while not done.wait(WATCH_S):
            for server in servers:
                line = why_it_ended(server, "in mid-run")
                if line is not None and server.model not in said:
                    said.add(server.model)
                    say(line)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _served(server: Running, load_s: float) -> Served:
    return Served(
        base_url=server.base_url(),
        name=served_name(server.model, server.spec),
        pid=server.guard.pid,
        load_s=load_s,
        gpus=server.place.gpus,
    )


END_S = 15.0
ASK_S = 45.0
"""A review looks every second or so, and a server may take its time to end."""
STOP_POLL_S = 0.2


def stop_server(
    folder: Path, model: str, now: datetime, *, end_s: float = END_S, ask_s: float = ASK_S
) -> tuple[ServerState, ...]:
    """End every running server of a model; returns them.

    `end_s` is how long a guard of this machine may take, `ask_s` a review that has one elsewhere.

    Raises:
        UsageError: none of that name runs, or it is on a machine where only its own can end it.
        ServeError: it did not end.
    """
    running = list_servers(folder, now)
    found = tuple(state for state in running if state.model == model)
    if not found:
        names = ", ".join(dict.fromkeys(state.model for state in running)) or "none"
        raise UsageError(f"no server of {model!r} runs here; running: {names}")
    for state in found:
        _refuse_offline(state)
        if state.guard.is_here:
            _end_here(state, end_s)
        elif state.driver is not None:
            _ask(folder, state, state.driver, ask_s)
        else:
            raise UsageError(
                f"{model}: runs on {state.guard.host}; call `rightsize serving stop {model}` there"
            )
        drop_state(folder, state)
    return found


def _refuse_offline(state: ServerState) -> None:
    if state.port is None:
        raise UsageError(
            f"{state.model}: answers offline for a review (process {state.guard.pid} on "
            f"{state.guard.host}); interrupt the review, the same command goes on"
        )


def _end_here(state: ServerState, end_s: float) -> None:
    guard = find(state.guard)
    if guard is None:
        return
    try:
        guard.terminate()
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise UsageError(
            f"{state.model}: process {guard.pid} belongs to another user, who can stop it"
        ) from None
    if not _until(lambda: find(state.guard) is None, end_s):
        raise ServeError(
            f"{state.model}: process {guard.pid} did not end within {end_s:.0f} s; look at it "
            "with `ps`, and end it by `kill -9`"
        )


def _ask(folder: Path, state: ServerState, driver: ProcessMark, ask_s: float) -> None:
    asked = ask_to_stop(folder, state)
    if not _until(lambda: not asked.exists() or _is_gone(driver), ask_s):
        asked.unlink(missing_ok=True)
        raise ServeError(
            f"{state.model}: runs on {state.guard.host} for a review (process {driver.pid} on "
            f"{driver.host}) that did not end it within {ask_s:.0f} s; end the review, its "
            "servers end with it"
        )


def _is_gone(driver: ProcessMark) -> bool:
    return driver.is_here and find(driver) is None


def _until(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(STOP_POLL_S)
    return True
