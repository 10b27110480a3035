"""Servers ended by hand, by whoever can: a signal here, or word to the review that has them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil

from harness.errors import UsageError
from harness.serving.marks import find
from harness.serving.server import ServeError
from harness.serving.states import ask_to_stop, drop_state, list_servers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from harness.serving.marks import ProcessMark
    from harness.serving.states import ServerState

END_S = 15.0
ASK_S = 45.0
"""A review looks every second or so, and a server may take its time to end."""
POLL_S = 0.2


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
        time.sleep(POLL_S)
    return True
