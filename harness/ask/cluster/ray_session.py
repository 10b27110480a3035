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
import sys
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


LOOK_S = 0.05
"""How long a start is waited for before looking whether it is still needed."""
_NO_OTHER_S = 60.0
_RAY_WAITS = frozenset({("state.py", "get_node"), ("services.py", "start_api_server")})
"""Where Ray waits, in Python, for its daemons: file and function."""


class GivenUpError(RightsizeError):
    """What was being started is not needed any more."""

    def __init__(self, why: str = "Ray is not needed any more") -> None:
        super().__init__(why)


class _CalledBackError(BaseException):
    """The same, sent into the thread that starts Ray: no `except Exception` of Ray's keeps it."""


class RaySession:
    """Starts in the background at once; `ray()` waits for it.

    `connect` is given an event: once it is set, what is not begun yet is left, by `GivenUpError`.
    `leftovers` ends what a start that came to nothing has begun; with `hurries` it also ends Ray's
    daemons as soon as Ray begins to end them, one by one and with a second for each.
    """

    def __init__(
        self,
        connect: Callable[[Event], Any],
        leftovers: Callable[[], object] | None = None,
        *,
        hurries: bool = False,
    ) -> None:
        self._connect, self._leftovers = connect, leftovers
        self._hurries, self._ended = hurries, Event()
        self._was_called_back = False
        self._ready, self._close = Event(), Event()
        self.given_up = Event()
        """Whether nobody needs what is being started, here or by whoever uses the session."""
        self._ray: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._live, name="ray-session", daemon=True)
        self._thread.start()

    def ray(self) -> Any:
        """Wait until connected; returns the `ray` module."""
        self._wait()
        if self._error is not None:
            raise self._error
        return self._ray

    def let_go(self) -> None:
        """Start closing; no call is made through it after this."""
        self._close.set()

    def close(self) -> None:
        """Disconnect, and end what was started."""
        self.given_up.set()
        self._close.set()
        self._wait()
        self._thread.join()

    def _wait(self) -> None:
        while not self._ready.wait(LOOK_S):
            if self.given_up.is_set() and not self._was_called_back:
                self._was_called_back = called_back(self._thread)

    def _live(self) -> None:
        # What is started here goes on when a terminal closes: what is in flight is waited for.
        if (hangup := getattr(signal, "SIGHUP", None)) is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {hangup})
        take_back = signals_of_now()
        try:
            self._ray = self._connect(self.given_up)
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits in `ray()`
            self._error = GivenUpError() if isinstance(error, _CalledBackError) else error
            if self._leftovers is not None:
                self._leftovers()
        take_back()
        self._ready.set()
        self._close.wait()
        if self._ray is not None:
            if self._hurries:
                Thread(target=self._hurry, daemon=True).start()
            self._ray.shutdown()
        self._ended.set()

    def _hurry(self) -> None:
        while not self._ended.wait(LOOK_S):
            if self._leftovers is not None and stands_in(self._thread, "kill_all_processes"):
                self._leftovers()
                return


def called_back(thread: Thread) -> bool:
    """Send an exception into a thread that waits for what Ray has started, and nowhere else.

    While no other thread may run, that one stands where it was seen: in a loop of Ray's own that
    holds no lock. So the exception comes up there, as soon as the call that waits is over.
    """
    turn_s = sys.getswitchinterval()
    sys.setswitchinterval(_NO_OTHER_S)
    try:
        frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # no other way to look
        code = None if frame is None else frame.f_code
        if code is None or (Path(code.co_filename).name, code.co_name) not in _RAY_WAITS:
            return False
        number = ctypes.c_ulong(thread.ident or 0)
        told = ctypes.pythonapi.PyThreadState_SetAsyncExc(
            number, ctypes.py_object(_CalledBackError)
        )
        return bool(told)
    finally:
        sys.setswitchinterval(turn_s)


def stands_in(thread: Thread, function: str) -> bool:
    """Whether a thread is inside a function of this name; Ray's own says what Ray is doing."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001  # no other way to look
    while frame is not None and frame.f_code.co_name != function:
        frame = frame.f_back
    return frame is not None


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
) -> Callable[[Event], Any]:
    """How to start Ray on this machine, with a random token of its own, on these GPUs (ids)."""

    def connect(given_up: Event) -> Any:
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
            return start_patiently(ray, options, given_up)

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


def join_remote(address: str, token_file: Path) -> Callable[[Event], Any]:
    """How to join a running cluster."""

    def connect(_given_up: Event) -> Any:
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


def start_patiently(ray: Any, options: Mapping[str, Any], given_up: Event) -> Any:
    """Start Ray; on a busy machine it gives itself up after half a minute, so try again.

    Raises:
        GivenUpError: nobody needs it any more.
        RightsizeError: it does not start.
    """
    for left in reversed(range(STARTS)):
        if given_up.is_set():
            raise GivenUpError
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
