"""Servers start, answer, and leave no process behind, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.serving.server import (
    PORTS,
    ServeError,
    ServerContext,
    end,
    free_port,
    start,
)
from harness.ask.serving.server_lifecycle import leave_running, serve_models, stop_server
from harness.ask.serving.specs import ServeSpec
from harness.ask.serving.states import list_servers
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
SCRIPT = Path(__file__).parents[3] / "support" / "scripted_server.py"


def spec(*options: str, ready_s: float = 300.0, ttl_s: float = 600.0, **more: object) -> ServeSpec:
    command = (sys.executable, str(SCRIPT), "{port}", *options)
    return ServeSpec(
        engine="command", weights=None, command=command, ready_s=ready_s, ttl_s=ttl_s, **more
    )  # type: ignore[arg-type]


def place(logs: Path, port: int | None = None, **more: object) -> ServerContext:
    return ServerContext(logs=logs, environ=os.environ, port=port or free_port(), **more)  # type: ignore[arg-type]


def eventually(condition: Callable[[], bool], within_s: float = 120.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def tree(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def test_entries_with_equal_specs_share_one_process_and_all_end(tmp_path: Path) -> None:
    small, large = spec(), spec("--key", "k")
    environ = {**os.environ, "RIGHTSIZE_TEST_KEY": "k"}
    large = spec("--key", "k", key_name="RIGHTSIZE_TEST_KEY")
    with serve_models(
        {"small": small, "short": small, "large": large}, logs=tmp_path, environ=environ
    ) as served:
        assert served["small"] == served["short"]
        assert served["small"].base_url != served["large"].base_url
        assert served["large"].load_s > 0
        pids = [pid for model in served.values() for pid in tree(model.pid)]
        states = sorted(tmp_path.glob("*.json"))
        assert [json.loads(state.read_text())["model"] for state in states] == ["large", "small"]
    assert all(gone(pid) for pid in pids)
    assert not list(tmp_path.glob("*.json"))


def test_logs_are_the_owners_alone(tmp_path: Path) -> None:
    with serve_models({"m": spec()}, logs=tmp_path / "logs", environ=os.environ):
        pass
    log = tmp_path / "logs" / "m.log"
    assert "serving" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_a_failure_inside_ends_the_servers_and_their_children(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    with (
        pytest.raises(RuntimeError, match="the review failed"),
        serve_models({"m": spec("--spawn", str(pidfile))}, logs=tmp_path, environ=os.environ),
    ):
        raise RuntimeError("the review failed")
    assert eventually(lambda: gone(int(pidfile.read_text())))


@pytest.mark.parametrize(
    ("options", "ready_s", "line"),
    [
        pytest.param(
            ("--crash-at-start",), 300, r"ended with code 3 .*CUDA error: out of memory", id="crash"
        ),
        pytest.param(
            ("--unhealthy",), 6, r"no answer within 6 s; last line of .*bad\.log", id="unhealthy"
        ),
        pytest.param(("--never-answer",), 1.5, r"no answer within 1.5 s", id="loads for ever"),
        pytest.param(("--key", "other"), 1.5, r"no answer within 1.5 s", id="key refused"),
    ],
)
def test_a_server_that_does_not_come_up_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], ready_s: float, line: str
) -> None:
    with (
        pytest.raises(ServeError, match=line) as caught,
        serve_models(
            {"good": spec(), "bad": spec(*options, ready_s=ready_s)},
            logs=tmp_path,
            environ=os.environ,
        ),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("bad: ")
    assert not list(tmp_path.glob("*.json"))


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"m: port {port} is taken by another program"):
            start("m", spec(), place(tmp_path, port))


def test_no_port_is_given_that_another_program_could_get_before_its_server_listens() -> None:
    ours = {free_port() for _ in range(100)}
    with ExitStack() as stack:
        systems = {
            stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(100)
        }
    assert max(ours) < min(systems)
    assert len(ours) > 80
    odd = [port for port in PORTS if port % 2]
    assert not {free_port(odd) for _ in range(20)} & set(odd)


def test_the_time_to_live_ends_a_server_that_nobody_ends(tmp_path: Path) -> None:
    running = start("m", spec(ttl_s=0.5), place(tmp_path))
    try:
        assert running.guard.wait(120) == 0
        assert "time to live of 0.5 s is over" in running.log.read_text()
    finally:
        end(running)


def test_a_missing_key_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="m: key: the environment has no ABSENT_KEY"),
        serve_models({"m": spec(key_name="ABSENT_KEY")}, logs=tmp_path, environ={}),
    ):
        pass
    assert not list(tmp_path.iterdir())


DRIVER = """
import json, os, sys, time
from pathlib import Path
from harness.ask.serving.server_lifecycle import leave_running, serve_models
from harness.ask.serving.specs import ServeSpec
spec = ServeSpec(engine="command", weights=None, command=tuple(json.loads(sys.argv[1])))
with serve_models({"m": spec}, logs=Path(sys.argv[2]), environ=os.environ) as served:
    print(served["m"].pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ids=["kill -9", "Ctrl-C", "kill", "terminal closed"],
)
def test_a_driver_that_dies_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    pidfile = tmp_path / "pid"
    command = [sys.executable, str(SCRIPT), "{port}", "--spawn", str(pidfile)]
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(command), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert driver.stdout is not None
    pids = [*tree(int(driver.stdout.readline())), int(pidfile.read_text())]
    driver.send_signal(number)
    driver.communicate()
    assert eventually(lambda: all(gone(pid) for pid in pids))
    assert eventually(lambda: not list(tmp_path.glob("*.json")))


def test_a_killed_guard_takes_its_server_along(tmp_path: Path) -> None:
    running = start("m", spec(), place(tmp_path))
    try:
        assert eventually(lambda: "serving" in running.log.read_text())
        server = tree(running.guard.pid)[1]
        running.guard.kill()
        assert eventually(lambda: gone(server))
    finally:
        end(running)


def test_packages_of_the_users_own_do_not_shadow_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("harness", "providers", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    own = ServeSpec(
        engine="command", weights=None, command=(sys.executable, "-I", str(SCRIPT), "{port}")
    )
    with serve_models({"m": own}, logs=tmp_path / "logs", environ=environ) as served:
        assert served["m"].base_url.startswith("http://127.0.0.1:")


def test_a_grandchild_that_left_the_process_group_ends_too(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    options = ("--spawn", str(pidfile), "--escape")
    with serve_models({"m": spec(*options)}, logs=tmp_path, environ=os.environ):
        grandchild = int(pidfile.read_text())
        assert not gone(grandchild)
    assert gone(grandchild)


def test_a_server_that_ends_in_mid_run_is_reported_once(tmp_path: Path) -> None:
    said: list[str] = []
    first, second = tmp_path / "first", tmp_path / "second"
    specs = {name.name: spec("--crash-when", str(name)) for name in (first, second)}
    with serve_models(specs, logs=tmp_path, environ=os.environ, say=said.append) as served:
        first.touch()
        assert eventually(lambda: len(said) == 1)
        assert psutil.pid_exists(served["second"].pid)
        second.touch()
        assert eventually(lambda: len(said) > 1)
    # It was looked at again before the other was found dead, and not said again.
    assert [line.partition(": ")[0] for line in said] == ["first", "second"]
    assert said[0].startswith("first: its server ended with code 9 in mid-run: GPUs none, serving")


def test_what_is_left_running_is_listed_and_stopped(tmp_path: Path) -> None:
    served = leave_running("m", spec(), place(tmp_path, detached=True, teams=("search",)))
    (state,) = list_servers(tmp_path, NOW)
    assert (state.model, state.base_url, state.teams) == ("m", served.base_url, ("search",))
    with pytest.raises(UsageError, match="no server of 'other' runs here; running: m"):
        stop_server(tmp_path, "other", NOW)
    pids = tree(served.pid)
    assert [stopped.model for stopped in stop_server(tmp_path, "m", NOW)] == ["m"]
    assert all(gone(pid) for pid in pids)
    assert list_servers(tmp_path, NOW) == ()


def test_what_is_left_running_and_does_not_come_up_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="no answer within 1 s"):
        leave_running("m", spec("--unhealthy", ready_s=1), place(tmp_path, detached=True))
    assert list_servers(tmp_path, NOW) == ()


def test_an_idle_server_is_suspended_and_a_busy_one_is_not(tmp_path: Path) -> None:
    idle, looks = tmp_path / "idle", tmp_path / "idle.looks"
    busy = spec("--busy-until", str(idle))
    served = leave_running("m", busy, place(tmp_path, detached=True, idle_s=0.6))
    # The guard looks twice a second: ten looks are several times as long as it may be idle.
    assert eventually(lambda: looks.exists() and looks.stat().st_size >= 10)
    assert not gone(served.pid)
    idle.touch()
    assert eventually(lambda: gone(served.pid))
    assert (tmp_path / "m.log").read_text().endswith("guard: idle for 0.6 s, suspended\n")


FAREWELL = """
import http.server, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    do_POST = do_GET
def leave(number, frame):
    print("Shutting down", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_why_a_server_was_ended_stands_below_its_own_farewell(tmp_path: Path) -> None:
    polite = ServeSpec(
        engine="command", weights=None, command=(sys.executable, "-c", FAREWELL, "{port}")
    )
    said: list[str] = []
    with serve_models({"m": polite}, logs=tmp_path, environ=os.environ, say=said.append):
        stop_server(tmp_path, "m", NOW)
        assert eventually(lambda: bool(said))
    assert said[0].startswith("m: its server ended with code 0 in mid-run: guard: was told to stop")
    assert "Shutting down" in (tmp_path / "m.log").read_text()


def test_a_shared_server_is_held_by_the_teams_of_all_its_models(tmp_path: Path) -> None:
    teams = {"m": ("search",), "same": ("support", "search")}
    with serve_models(
        {"m": spec(), "same": spec()}, logs=tmp_path, environ=os.environ, teams=teams
    ):
        (state,) = list_servers(tmp_path, NOW)
    assert state.teams == ("search", "support")


CLIENT = """
import signal, subprocess, sys, time
def leave(number, frame):
    time.sleep(0.5)
    open(sys.argv[2], "w").close()
    while daemon.poll() is None:
        time.sleep(0.1)
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
daemon = subprocess.Popen(
    [sys.executable, "-c", sys.argv[3], *sys.argv[1:3], sys.argv[4]], start_new_session=True
)
signal.pause()
"""
DAEMON = """
import os, subprocess, sys, time
from pathlib import Path
container = subprocess.Popen([sys.executable, sys.argv[3], sys.argv[1]], start_new_session=True)
Path(sys.argv[2] + ".pid").write_text(str(container.pid))
while not Path(sys.argv[2]).exists():
    time.sleep(0.1)
container.terminate()
container.wait()
Path(sys.argv[2] + ".ended").write_text("in order")
"""


def test_a_containers_client_has_the_time_to_end_its_container(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    command = (sys.executable, "-c", CLIENT, "{port}", str(asked), DAEMON, str(SCRIPT))
    contained = ServeSpec(engine="command", weights=None, command=command)
    with serve_models({"m": contained}, logs=tmp_path, environ=os.environ):
        written = Path(f"{asked}.pid")
        assert eventually(lambda: written.exists() and bool(written.read_text()))
        pid = int(written.read_text())
        assert not gone(pid)
    assert gone(pid)
    assert Path(f"{asked}.ended").read_text() == "in order"
