"""What is running: a state file a server, written at its start and removed at its end.

A server of this machine is known by its guard, which removes the file. One that Ray placed on
another is known by the review that asked for it: its server ends when that review does, however
that ends, so the file of a review that is gone tells nothing and is removed by the next reader.

A process is identified by its machine, its number and its start time, as numbers are used again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError
from harness.workspace.state import open_private, write_private

SAME_S = 1.0
"""The kernel tells the moment of boot in whole seconds, and may correct itself by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """A process of some machine."""

    host: str
    pid: int
    began_s: float
    """Seconds after its machine's boot: a wall clock may be set, and that moves no process."""

    @property
    def is_here(self) -> bool:
        """Is it a process of this machine?"""
        return self.host == socket.gethostname()


def mark_of(pid: int) -> ProcessMark:
    """The mark of a process of this machine that lives, or was not yet waited for."""
    began_s = psutil.Process(pid).create_time() - psutil.boot_time()
    return ProcessMark(host=socket.gethostname(), pid=pid, began_s=began_s)


def find(mark: ProcessMark) -> psutil.Process | None:
    """The process on this machine; None when it is gone, or its number is another's by now."""
    try:
        process = psutil.Process(mark.pid)
        began_s = process.create_time() - psutil.boot_time()
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if abs(began_s - mark.began_s) <= SAME_S and not zombie else None


GUARD = Path(__file__).with_name("guard.py")
STATE, ASKED = ".state.json", ".stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """A server that was started, as its state file tells."""

    model: str
    engine: str
    port: int | None
    """None: it has none, and answers offline as long as its review does."""
    guard: ProcessMark
    """Whom it ends with: its own guard, or the review that answers offline."""
    since: datetime
    ttl_s: float
    gpus: int = 0
    gpu_ids: tuple[str, ...] = ()
    """Which of its machine's, as CUDA_VISIBLE_DEVICES numbers them."""
    teams: tuple[str, ...] = ()
    """Who hold the GPUs."""
    driver: ProcessMark | None = None
    """The review that had Ray place it; None: it was started on its own machine."""

    @property
    def base_url(self) -> str | None:
        """Address of its API, on its own machine."""
        return None if self.port is None else api_at(self.port)

    @property
    def ends_by(self) -> datetime:
        """When its time to live is over."""
        return self.since + timedelta(seconds=self.ttl_s)

    @property
    def name(self) -> str:
        """Of its files; no two servers have the same."""
        return f"{self.model}.{self.port or 'offline'}.{self.guard.host}"

    def runs(self, now: datetime) -> bool:
        """Does it run, as far as can be told from this machine?"""
        for mark in (self.guard, self.driver):
            if mark is not None and mark.is_here:
                return find(mark) is not None
        return now < self.ends_by


def api_at(port: int) -> str:
    """Address of an API on this machine."""
    return f"http://127.0.0.1:{port}/v1"


STATES: TypeAdapter[ServerState] = TypeAdapter(ServerState)


def state_file(folder: Path, model: str, port: int) -> Path:
    """Where the state of a server of this machine lies."""
    return folder / f"{model}.{port}.{socket.gethostname()}{STATE}"


def write_state(folder: Path, state: ServerState) -> None:
    """Write the state file, 0600; whole at once, for somebody may be reading."""
    path = folder / f"{state.name}{STATE}"
    write_private(path, STATES.dump_json(state))


@contextmanager
def held(folder: Path, state: ServerState) -> Generator[None]:
    """Let everybody see what this process holds, until it is left."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_state(folder, state)
    try:
        yield
    finally:
        drop_state(folder, state)


def drop_state(folder: Path, state: ServerState) -> None:
    """It does not run any more."""
    for ending in (STATE, ASKED):
        (folder / f"{state.name}{ending}").unlink(missing_ok=True)


def list_servers(folder: Path, now: datetime) -> tuple[ServerState, ...]:
    """Servers that run at `now`; state files of those that do not are removed.

    Raises:
        UsageError: a state file cannot be read.
    """
    running: list[ServerState] = []
    for path in sorted(folder.glob(f"*{STATE}")):
        state = _read(path)
        if state is None:
            continue
        if state.runs(now):
            running.append(state)
        else:
            drop_state(folder, state)
    return tuple(running)


def _read(path: Path) -> ServerState | None:
    """None: it was removed meanwhile."""
    try:
        return STATES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: no state of a server ({where}: {first['msg']}): end what it names, then "
            "remove the file"
        ) from error


def ask_to_stop(folder: Path, state: ServerState) -> Path:
    """Leave word for the review that has the server; the file is removed when it is done."""
    asked = folder / f"{state.name}{ASKED}"
    os.close(open_private(asked))
    return asked


def is_asked_to_stop(folder: Path, state: ServerState) -> bool:
    """Has somebody left word?"""
    return (folder / f"{state.name}{ASKED}").exists()


def gpus_taken(states: tuple[ServerState, ...]) -> frozenset[str]:
    """Ids of this machine's GPUs that running servers have."""
    return frozenset(gpu for state in states if state.guard.is_here for gpu in state.gpu_ids)


def gpus_by_team(states: tuple[ServerState, ...]) -> dict[str, int]:
    """GPUs that the running servers hold, by team."""
    held: dict[str, int] = {}
    for state in states:
        for team in state.teams:
            held[team] = held.get(team, 0) + state.gpus
    return held
