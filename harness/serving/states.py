"""What is running: a state file a server, written at its start and removed by its guard."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from harness.errors import UsageError

STOP_S = 15.0
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A server that was started, as its state file tells."""

    model: str
    engine: str
    port: int
    guard_pid: int
    guard_started: float
    """The guard's creation time (of its process id another process may be the owner by now)."""
    ttl_s: float
    gpus: int = 0
    teams: tuple[str, ...] = ()
    """Who hold the GPUs."""

    @property
    def base_url(self) -> str:
        """Address of its API."""
        return f"http://127.0.0.1:{self.port}/v1"


def state_file(folder: Path, model: str, port: int) -> Path:
    """Where a server's state lies."""
    return folder / f"{model}.{port}.json"


def write_state(folder: Path, state: ServerState) -> None:
    """Write the state file, 0600."""
    path = state_file(folder, state.model, state.port)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file)


def list_servers(folder: Path) -> tuple[ServerState, ...]:
    """Servers that run now; state files of those that do not are removed."""
    running: list[ServerState] = []
    for path in sorted(folder.glob("*.json")):
        state = _read(path)
        if guard_of(state) is None:
            path.unlink(missing_ok=True)
        else:
            running.append(state)
    return tuple(running)


def _read(path: Path) -> ServerState:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["teams"] = tuple(content["teams"])
    return ServerState(**content)


def stop_server(folder: Path, model: str) -> tuple[ServerState, ...]:
    """End every running server of a model; returns them.

    Raises:
        UsageError: none of that name runs.
    """
    found = [state for state in list_servers(folder) if state.model == model]
    if not found:
        names = ", ".join(state.model for state in list_servers(folder)) or "none"
        raise UsageError(f"no server of {model!r} runs here; running: {names}")
    for state in found:
        guard = guard_of(state)
        if guard is not None:
            guard.terminate()
            guard.wait(STOP_S)
    return tuple(found)


def gpus_by_team(states: tuple[ServerState, ...]) -> dict[str, int]:
    """GPUs that the running servers hold, by team."""
    held: dict[str, int] = {}
    for state in states:
        for team in state.teams:
            held[team] = held.get(team, 0) + state.gpus
    return held


def guard_of(state: ServerState) -> psutil.Process | None:
    """The guard's process, None when it is gone or its id belongs to another process now."""
    try:
        process = psutil.Process(state.guard_pid)
        same = process.create_time() == state.guard_started and process.is_running()
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
