"""One server process: started under its guard, waited for, ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import RightsizeError, UsageError
from harness.serving.engines import command_line, served_name
from harness.serving.readiness import answers, is_healthy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.serving.specs import ServeSpec

GUARD = Path(__file__).with_name("guard.py")
END_S = 10.0


class ServeError(RightsizeError):
    """A model could not be started, or its server ended; one line says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that was started and is ours to end."""

    model: str
    spec: ServeSpec
    port: int
    guard: subprocess.Popen[bytes]
    log: Path
    started_ns: int

    def base_url(self) -> str:
        """Address of its OpenAI-compatible API."""
        return f"http://127.0.0.1:{self.port}/v1"


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    model: str, spec: ServeSpec, *, port: int, logs: Path, environ: Mapping[str, str]
) -> Running:
    """Start the server of `model` under a guard; returns before it is ready."""
    command = command_line(model, spec, port)
    if is_taken(port):
        raise ServeError(f"{model}: port {port} is taken by another program; end it or run again")
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = logs / f"{model}.log"
    state = logs / f"{model}.{port}.json"
    guard_line = [
        sys.executable, "-I", str(GUARD), "--ttl", str(spec.ttl_s), "--parent", str(os.getpid()),
        "--state", str(state), "--", *command,
    ]  # fmt: skip
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        guard = subprocess.Popen(  # noqa: S603  # our own guard and the workspace's own command
            guard_line,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=tempfile.gettempdir(),
            env=dict(environ),
            start_new_session=True,
        )
    _write_state(state, model, spec, port, guard.pid)
    return Running(
        model=model, spec=spec, port=port, guard=guard, log=log, started_ns=time.monotonic_ns()
    )


def load_seconds(running: Running, environ: Mapping[str, str]) -> float | None:
    """Seconds from the start to the first answer, None while there is none.

    Raises ServeError when the server ended, or did not answer within `ready_s`.
    """
    spec = running.spec
    if running.guard.poll() is not None:
        raise ServeError(_why_it_ended(running))
    key = environ.get(spec.key_name) if spec.key_name else None
    name = served_name(running.model, spec)
    ready = is_healthy(running.port) and answers(running.port, name, spec.wire, key)
    elapsed_s = (time.monotonic_ns() - running.started_ns) / 1e9
    if ready:
        return elapsed_s
    if elapsed_s > spec.ready_s:
        raise ServeError(
            f"{running.model}: no answer within {spec.ready_s:g} s; last line of "
            f"{running.log}: {last_line(running.log)}; raise serve.ready_s or use a smaller model"
        )
    return None


def end(running: Running) -> None:
    """End the server and everything that it started."""
    if running.guard.stdin is not None:
        running.guard.stdin.close()
    try:
        running.guard.wait(END_S)
    except subprocess.TimeoutExpired:
        running.guard.kill()
        running.guard.wait()


def is_taken(port: int) -> bool:
    """Does somebody listen on this port of 127.0.0.1?"""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def last_line(log: Path) -> str:
    """Last line of a log that says something."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "(empty)")


def _why_it_ended(running: Running) -> str:
    return (
        f"{running.model}: its server ended with code {running.guard.returncode} before it "
        f"answered: {last_line(running.log)} (log: {running.log})"
    )


def _write_state(state: Path, model: str, spec: ServeSpec, port: int, guard: int) -> None:
    content = {
        "model": model,
        "engine": spec.engine,
        "gpus": spec.gpus,
        "guard_pid": guard,
        "driver_pid": os.getpid(),
        "port": port,
        "ttl_s": spec.ttl_s,
    }
    with os.fdopen(os.open(state, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)


def require_key(model: str, spec: ServeSpec, environ: Mapping[str, str]) -> None:
    """Refuse a spec whose key is not in the environment."""
    if spec.key_name and not environ.get(spec.key_name):
        raise UsageError(f"{model}: key: the environment has no {spec.key_name}")
