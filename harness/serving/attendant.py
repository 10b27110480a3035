"""Who looks after servers on other nodes while a review uses them."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.cluster.seats import SeatError
from harness.serving.marks import mark_of
from harness.serving.server import ServeError
from harness.serving.states import drop_state, is_asked_to_stop, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from harness.cluster.seats import Seat
    from harness.serving.states import ServerState

WATCH_S = 1.0
STOPPED = "was stopped with `rightsize serving stop`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A server that was started in a seat."""

    seat: Seat
    state: ServerState
    base_url: str
    log: str
    """Where its log lies on its node."""


class Attendant:
    """Keeps a state file of each server here, says what ended, stops what it is asked to."""

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
                line = one.seat.call("ended")
                if line is None and is_asked_to_stop(self._logs, one.state):
                    line = f"{one.state.model}: {STOPPED} in mid-run"
                if line is not None:
                    self._end(one)
                    self._say(str(line).replace(one.log, str(self.log(one))))
            except SeatError as error:
                self._lose(one, error)

    def end(self) -> None:
        """End every server, all at once; one whose worker is gone was ended by its guard."""
        running = tuple(self._running)
        with ThreadPoolExecutor(max_workers=len(running) or 1) as pool:
            for one, ended in [(one, pool.submit(self._end, one)) for one in running]:
                try:
                    ended.result()
                except SeatError as error:
                    self._lose(one, error)

    @contextmanager
    def watching(self) -> Generator[None]:
        """Look now and then, until it is left."""
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
        text = str(one.seat.call("stop"))
        log = self.log(one)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        self._forget(one)

    def _lose(self, one: Hosted, error: SeatError) -> None:
        self._say(f"{one.state.model}: {error}; its guard ends its server")
        self._forget(one)

    def _forget(self, one: Hosted) -> None:
        drop_state(self._logs, one.state)
        self._running.remove(one)
