"""A connection to Ray, held by one thread that lives until it is closed.

Ray's daemons die with the *thread* that started them, so the thread waits for `close`. They
listen on every address even when told otherwise; therefore token authentication is always on.
"""

from __future__ import annotations

import ctypes
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from harness.errors import RightsizeError, UsageError
from harness.workspace.state import write_private

# pyright: basic


QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

VISIBLE = "CUDA_VISIBLE_DEVICES"
STARTS = 3
JOIN_TRIES = "5"
"""How often Ray asks a cluster that refuses it; of its own accord it would for minutes."""
REACH_S = 10.0
SOURCES = Path(__file__).resolve().parents[3]
"""Where our packages lie."""


class RaySession:
    """Starts in the background at once; `ray()` waits for it."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._ready, self._close = Event(), Event()
        self._ray: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._live, name="ray-session", daemon=True)
        self._thread.start()

    def ray(self) -> Any:
        """Wait until connected; returns the `ray` module."""
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self._ray

    def begin_shutdown(self) -> None:
        """Start closing; no call is made through it after this."""
        self._close.set()

    def close(self) -> None:
        """Disconnect, and end what was started."""
        self._close.set()
        self._thread.join()

    def _live(self) -> None:
        # What is started here goes on when a terminal closes: what is in flight is waited for.
        if (hangup := getattr(signal, "SIGHUP", None)) is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {hangup})
        take_back = signals_of_now()
        try:
            self._ray = self._connect()
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits in `ray()`
            self._error = error
        take_back()
        self._ready.set()
        self._close.wait()
        if self._ray is not None:
            self._ray.shutdown()


def signals_of_now() -> Callable[[], None]:
    """Note the process's handlers of SIGTERM and SIGINT; the function returned restores them.

    Ray's library installs its own, which print a stack and abort. `signal.signal` works in the main
    thread alone, which does not wait for Ray; these are C handlers, which any thread may set.
    """
    heard, hear = ctypes.pythonapi.PyOS_getsig, ctypes.pythonapi.PyOS_setsig
    heard.argtypes, heard.restype = [ctypes.c_int], ctypes.c_void_p
    hear.argtypes, hear.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    handlers = {number: heard(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def take_back() -> None:
        for number, handler in handlers.items():
            hear(number, handler)

    return take_back


def start_local(
    token_file: Path, temp: Path, cpus: int | None, gpus: Sequence[str] | None = None
) -> Callable[[], Any]:
    """How to start Ray on this machine, with a random token of its own, on these GPUs (ids)."""

    def connect() -> Any:
        write_token(token_file)
        ray = _authenticated(token_file)
        options = {
            "num_cpus": cpus,
            "num_gpus": None if gpus is None else len(gpus),
            "address": "local",
            "include_dashboard": False,
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "_temp_dir": str(temp),
        }
        with _seeing(gpus):
            return start_patiently(ray, options)

    return connect


@contextmanager
def _seeing(gpus: Sequence[str] | None) -> Generator[None]:
    """What is started meanwhile sees these GPUs and no others: Ray gives out those it sees."""
    before = os.environ.get(VISIBLE)
    if gpus:
        os.environ[VISIBLE] = ",".join(gpus)
    try:
        yield
    finally:
        if gpus and before is None:
            del os.environ[VISIBLE]
        elif gpus and before is not None:
            os.environ[VISIBLE] = before


def join_remote(address: str, token_file: Path) -> Callable[[], Any]:
    """How to join a running cluster."""

    def connect() -> Any:
        refuse_unreachable(address)
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", JOIN_TRIES)
        ray = _authenticated(token_file)
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                job_config=_job(),
            )
        except Exception as error:
            raise UsageError(
                f"--address {address}: cannot join ({type(error).__name__}): is the token that "
                "cluster's, and is this machine one of its nodes?"
            ) from error
        return ray

    return connect


def refuse_unreachable(address: str) -> None:
    """Raise `UsageError` if no port listens at `host:port`: Ray itself would retry for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except OSError as error:
        raise UsageError(
            f"--address {address}: nobody answers there ({error.strerror or error}): say the "
            "head's host:port, or `auto` on a node of the cluster"
        ) from None


def remote_token(environ: Mapping[str, str], token_file: Path) -> Path:
    """The file with a remote cluster's token, which must exist or stand in `RAY_AUTH_TOKEN`."""
    if environ.get("RAY_AUTH_TOKEN"):
        write_token(token_file, environ["RAY_AUTH_TOKEN"])
        return token_file
    named = environ.get("RAY_AUTH_TOKEN_PATH")
    if not named:
        raise UsageError(
            "--address needs the cluster's token: set RAY_AUTH_TOKEN_PATH (a file) or "
            "RAY_AUTH_TOKEN; a Ray cluster without a token lets anyone run code"
        )
    return Path(named)


def write_token(file: Path, token: str | None = None) -> None:
    """Write a token, random unless given, that only its owner can read."""
    write_private(file, token or secrets.token_hex(32))


def start_patiently(ray: Any, options: Mapping[str, Any]) -> Any:
    """Start Ray; on a busy machine it gives itself up after half a minute, so try again."""
    for left in reversed(range(STARTS)):
        try:
            ray.init(job_config=_job(str(SOURCES)), **options)
        except Exception as error:
            ray.shutdown()
            if not left:
                raise RightsizeError(
                    f"Ray did not start on this machine ({error}): is it out of CPU, memory or "
                    "disk? The same command goes on where this one stopped"
                ) from error
        else:
            break
    return ray


def _authenticated(token_file: Path) -> Any:
    """Import ray with token authentication on, whatever this process did before."""
    os.environ.update(QUIET, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token_file))
    for name in ("RAY_AUTH_TOKEN", "RAY_ADDRESS", "RAY_NAMESPACE"):
        os.environ.pop(name, None)
    import ray
    from ray import _raylet

    raylet: Any = _raylet
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()
    return ray


def _job(*folders: str) -> Any:
    """A job whose workers look for code in these folders first, and never in the current one.

    A plain job puts the driver's current directory in front of its workers' path, where a user's
    own `harness` or `providers` would be taken for ours; a job declared as a client's does not.
    """
    from ray.job_config import JobConfig

    return JobConfig(_client_job=True, _py_driver_sys_path=list(folders))
