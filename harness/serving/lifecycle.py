"""Models are started, used, and always ended."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.serving.engines import served_name
from harness.serving.server import Running, end, free_port, load_seconds, require_key, start

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from harness.serving.specs import ServeSpec

POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model that answers."""

    base_url: str
    name: str
    """Name in the request and in the reply."""
    pid: int
    """Of the guard, which ends the server when it is ended."""
    load_s: float
    """Seconds from its start to its first answer."""


@contextmanager
def serve_models(
    specs: Mapping[str, ServeSpec], *, logs: Path, environ: Mapping[str, str]
) -> Generator[Mapping[str, Served]]:
    """Serve models on free ports of 127.0.0.1, each distinct spec once, all starting together.

    Logs stay in `logs` (0600). On leaving, however it comes about, every server is ended; when
    this process is killed, the guards end them. ServeError: one line per fault.
    """
    groups: dict[ServeSpec, str] = {}
    for model, spec in specs.items():
        require_key(model, spec, environ)
        groups.setdefault(spec, model)
    running: dict[ServeSpec, Running] = {}
    try:
        for spec, model in groups.items():
            running[spec] = start(model, spec, port=free_port(), logs=logs, environ=environ)
        served = _wait(running, environ)
        yield {model: served[spec] for model, spec in specs.items()}
    finally:
        for server in running.values():
            if server.guard.stdin is not None:
                server.guard.stdin.close()
        for server in running.values():
            end(server)


def _wait(
    running: Mapping[ServeSpec, Running], environ: Mapping[str, str]
) -> dict[ServeSpec, Served]:
    """Wait until every server answers; each is looked at in turn, so each load time is its own."""
    served: dict[ServeSpec, Served] = {}
    while len(served) < len(running):
        for spec, server in running.items():
            load_s = None if spec in served else load_seconds(server, environ)
            if load_s is not None:
                served[spec] = _served(server, load_s)
        time.sleep(POLL_S)
    return served


def _served(server: Running, load_s: float) -> Served:
    return Served(
        base_url=server.base_url(),
        name=served_name(server.model, server.spec),
        pid=server.guard.pid,
        load_s=load_s,
    )
