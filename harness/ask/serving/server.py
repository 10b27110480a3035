"""One server process: started under its guard, waited for, ended.

It is ready when `/health` answers and one request was completed.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from harness.ask.serving.gpus import VISIBLE
from harness.ask.serving.specs import ServeSpec, Wire, child_environment, command_line, served_name
from harness.ask.serving.states import (
    GUARD,
    ServerState,
    api_at,
    drop_state,
    mark_of,
    state_file,
    write_state,
)
from harness.errors import RightsizeError
from harness.workspace.state import create_private

HEALTH_S = 2.0
ANSWER_S = 120.0


def is_healthy(port: int) -> bool:
    """Does `/health` answer 200 (404 counts too: a server that has no such page)?"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status in {200, 404}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def counts_tokens(port: int) -> bool:
    """Does `/metrics` count tokens? By them the guard knows whether a server is idle."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_S)
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        return reply.status == http.client.OK and b"token" in reply.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers(port: int, model: str, wire: Wire, key: str | None) -> bool:
    """Does the model answer one request of one token?"""
    body: dict[str, object] = {"model": model, "max_tokens": 1, "temperature": 0}
    if wire == "chat":
        body["messages"] = [{"role": "user", "content": "Hello"}]
        path = "/v1/chat/completions"
    else:
        body["prompt"] = "Hello"
        path = "/v1/completions"
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


END_S = 15.0
LLAMA_CPP = "llama.cpp: "  # how `llama_child.py` begins the line that says why it ends
PORTS = range(20_000, 30_000)
"""Above Ray's workers (from 10002), below what Linux (from 32768), macOS and Windows hand out."""
PORT_TRIES = 100


class ServeError(RightsizeError):
    """A model could not be started, or its server ended; one line says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """Where a server runs and what it is given."""

    logs: Path
    """Folder of logs and state files."""
    environ: Mapping[str, str]
    port: int
    gpus: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    """Who hold the GPUs; a model that several teams' features ask counts for each."""
    detached: bool = False
    """Outlives us, until its time to live is over or it has been idle."""
    idle_s: float = 0.0
    """Ends after this time without a token; 0: never."""
    scratch: bool = False
    """The folder is this server's alone; the guard removes it once the parent is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that was started and is ours to end."""

    model: str
    spec: ServeSpec
    place: ServerContext
    guard: subprocess.Popen[bytes]
    log: Path
    started_ns: int
    state: ServerState

    def base_url(self) -> str:
        """Address of its OpenAI-compatible API."""
        return api_at(self.place.port)


def free_port(taken: Collection[int] = ()) -> int:
    """A free port on loopback, outside the range that the system gives to other programs.

    Until its server listens, minutes later for large weights, another program could be given a
    port that comes from the system; that program's answers would pass for the model's. `taken`
    are the ports of servers that were started and may not listen yet.

    Raises:
        ServeError: no such port was found.
    """
    for _ in range(PORT_TRIES):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        if port in taken:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServeError(f"no free port was found in {PORTS.start} to {PORTS.stop - 1}; end a server")


def start(model: str, spec: ServeSpec, place: ServerContext) -> Running:
    """Start the server of `model` under a guard; returns before it is ready."""
    command = command_line(model, spec, place.port)
    if is_taken(place.port):
        raise ServeError(
            f"{model}: port {place.port} is taken by another program; end it or run again"
        )
    place.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = place.logs / f"{model}.log"
    # A new file: another server of this model may still write to the last one.
    with os.fdopen(create_private(log), "wb") as out:
        guard = subprocess.Popen(  # noqa: S603  # our own guard and the workspace's own command
            [*_guard_line(model, spec, place), *command],
            stdin=subprocess.DEVNULL if place.detached else subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=tempfile.gettempdir(),
            env=child_environment(spec, place.environ, place.gpus),
            start_new_session=True,
        )
    started_ns = time.monotonic_ns()
    state = _state(model, spec, place, guard.pid)
    write_state(place.logs, state)
    return Running(
        model=model, spec=spec, place=place, guard=guard, log=log, started_ns=started_ns,
        state=state,
    )  # fmt: skip


def load_seconds(running: Running) -> float | None:
    """Seconds from the start to the first answer, None while there is none.

    Raises ServeError when the server ended, or did not answer within `ready_s`.
    """
    spec, port = running.spec, running.place.port
    ended = why_it_ended(running, "before it answered")
    if ended is not None:
        raise ServeError(ended)
    key = running.place.environ.get(spec.key_name) if spec.key_name else None
    name = served_name(running.model, spec)
    ready = is_healthy(port) and answers(port, name, spec.wire, key)
    elapsed_s = (time.monotonic_ns() - running.started_ns) / 1e9
    if ready and elapsed_s <= spec.ready_s:
        return elapsed_s
    if elapsed_s > spec.ready_s:
        raise ServeError(
            f"{running.model}: no answer within {spec.ready_s:g} s; last line of "
            f"{running.log}: {last_line(running.log)}; raise serve.ready_s or use a smaller model"
        )
    return None


def why_it_ended(running: Running, when: str) -> str | None:
    """One line when the server ended by itself, None while it runs."""
    if running.guard.poll() is None:
        return None
    return (
        f"{running.model}: its server ended with code {running.guard.returncode} {when}: "
        f"{last_line(running.log)} (log: {running.log})"
    )


def end(running: Running) -> None:
    """End the server and everything that it started."""
    ask_to_end(running)
    try:
        running.guard.wait(END_S)
    except subprocess.TimeoutExpired:
        running.guard.kill()
        running.guard.wait()
    if running.guard.stdin is not None:
        running.guard.stdin.close()
    drop_state(running.place.logs, running.state)


def ask_to_end(running: Running) -> None:
    """Close our end of the guard's pipe, or tell it by a signal; returns at once."""
    if running.guard.stdin is None or running.place.scratch:
        running.guard.terminate()
    else:
        running.guard.stdin.close()


def is_taken(port: int) -> bool:
    """Does somebody listen on this port of 127.0.0.1?"""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def last_line(log: Path) -> str:
    """Last line of a log that says something.

    The line of our own llama.cpp child counts before all others: llama.cpp's logging thread may
    still write after it.
    """
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    own = [line for line in said if line.startswith(LLAMA_CPP)]
    return (own or said or ["(empty)"])[-1]


def _guard_line(model: str, spec: ServeSpec, place: ServerContext) -> list[str]:
    line = [sys.executable, "-I", str(GUARD), "--ttl", str(spec.ttl_s)]
    if not place.detached:
        line += ["--parent", str(os.getpid())]
    if place.idle_s:
        line += ["--idle", str(place.idle_s), "--port", str(place.port)]
    if place.scratch:
        line += ["--scratch", str(place.logs)]
    return [*line, "--state", str(state_file(place.logs, model, place.port)), "--"]


def _rays_gpus(spec: ServeSpec, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Which GPUs Ray gave to this worker, for its server."""
    return tuple(environ.get(VISIBLE, "").split(",")) if spec.gpus else ()


def _state(model: str, spec: ServeSpec, place: ServerContext, guard: int) -> ServerState:
    return ServerState(
        model=model,
        engine=spec.engine,
        port=place.port,
        guard=mark_of(guard),
        since=datetime.fromtimestamp(psutil.Process(guard).create_time(), UTC),
        ttl_s=spec.ttl_s,
        gpus=spec.gpus,
        gpu_ids=place.gpus or _rays_gpus(spec, place.environ),
        teams=place.teams,
    )
