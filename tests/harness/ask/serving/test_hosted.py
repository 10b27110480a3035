"""Servers on a Ray cluster: on the node with the GPUs, asked from there, and always ended."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.ask.cluster.gpu_workers import GpuWorker, GpuWorkerActor, GpuWorkerError
from harness.ask.cluster.ray_session import SOURCES
from harness.ask.serving.hosted import HostedServer, NodeWeights, Started, host_models
from harness.ask.serving.server import ServeError, free_port
from harness.ask.serving.server_lifecycle import stop_server
from harness.ask.serving.specs import ServeSpec
from harness.ask.serving.states import list_servers
from harness.ask.serving.weights_file import WeightsSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
SCRIPT = Path(__file__).parents[3] / "support" / "scripted_server.py"


def drive(folder: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.ask.serving.hosting_driver", str(folder), mode],
        stdout=subprocess.PIPE,
        text=True,
        cwd=SOURCES,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )


def lines(driver: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, _ = driver.communicate(timeout=600)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def all_gone(pids: Sequence[int], within_s: float = 120.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.2)
    return False


def eventually(condition: Callable[[], bool], within_s: float = 120.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.ray
def test_servers_run_where_the_gpus_are_and_are_asked_from_there(tmp_path: Path) -> None:
    served, asked = lines(drive(tmp_path, "whole"))
    assert served["gpus"] == [2]
    assert served["nodes"] == [True]
    assert served["shared"]
    assert served["load_s"] > 0
    assert asked["at_home"] == [True] * 10
    assert asked["sizes"] == [1, 1, 1] or asked["sizes"] == [2, 1, 1]
    assert asked["said"] == []
    assert all_gone(served["pids"])
    logs = {path.name: path for path in (tmp_path / "logs").iterdir()}
    assert set(logs) == {"one.log", "other.log"}
    seen = {path.read_text().splitlines()[0].split(",")[0] for path in logs.values()}
    assert seen == {"GPUs 0", "GPUs 1"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in logs.values())


@pytest.mark.ray
def test_a_server_without_gpus_finds_a_place_where_the_callers_have_every_cpu(
    tmp_path: Path,
) -> None:
    served, asked = lines(drive(tmp_path, "late"))
    assert (served["load_s"] > 0, asked["at_home"], asked["said"]) == (True, [True] * 5, [])
    assert all_gone(served["pids"])


@pytest.mark.ray
def test_a_killed_driver_leaves_no_server_on_any_node(tmp_path: Path) -> None:
    driver = drive(tmp_path, "hang")
    assert driver.stdout is not None
    served = json.loads(next(line for line in driver.stdout if line.startswith("{")))
    assert all(alive(pid) for pid in served["pids"])
    cluster = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    try:
        assert all_gone(served["pids"])
    finally:
        # The cluster is the test's own: nobody else ends it.
        for process in cluster:
            if process.is_running():
                process.kill()


@pytest.mark.ray
def test_a_server_that_crashes_on_its_node_says_why_in_one_line(tmp_path: Path) -> None:
    (line,) = lines(drive(tmp_path, "crash"))
    assert line["error"].startswith("one: its server ended with code 3 before it answered: CUDA")
    assert "\n" not in line["error"]


def test_what_sits_in_a_worker_starts_and_ends_one_server() -> None:
    server = HostedServer({**os.environ, "OMP_NUM_THREADS": "1"})
    with pytest.raises(ServeError, match="no server was started here"):
        server.load_s()
    taken = free_port()
    port = server.port((taken,))
    assert port != taken
    spec = ServeSpec(
        engine="command", weights=None, command=(sys.executable, str(SCRIPT), "{port}")
    )
    started = server.start("m", spec, port, None)
    while server.load_s() is None:
        time.sleep(0.05)
    assert server.ended() is None
    assert Path(started.log).exists()
    assert "serving" in server.stop()
    assert all_gone([started.state.guard.pid])
    assert not Path(started.log).parent.exists()


WORKER = """
import os, sys, time
from harness.ask.serving.hosted import HostedServer
from harness.ask.serving.specs import ServeSpec
server = HostedServer(os.environ)
spec = ServeSpec(engine="command", weights=None, command=(sys.executable, sys.argv[1], "{port}"))
started = server.start("m", spec, server.port(()), None)
while server.load_s() is None:
    time.sleep(0.05)
print(started.state.guard.pid, started.log, flush=True)
time.sleep(600)
"""


def test_a_worker_that_is_killed_leaves_no_server_and_no_folder() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(SCRIPT)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    guard, log = worker.stdout.readline().split()
    assert "serving" in Path(log).read_text()
    worker.kill()
    worker.communicate()
    assert all_gone([int(guard)])
    assert not Path(log).parent.exists()


def test_a_node_fetches_the_weights_that_are_named(tmp_path: Path) -> None:
    notice, cached = tmp_path / "notice.txt", tmp_path / "cache" / "model-rightsizing" / "toy.gguf"
    notice.write_text("Apache-2.0")
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"weights")
    named = WeightsSpec(
        file="toy.gguf",
        sha256=hashlib.sha256(b"weights").hexdigest(),
        bytes=7,
        licence="Apache-2.0",
        notice=str(notice),
    )
    fetch = NodeWeights.of(named)
    notice.unlink()
    server = HostedServer({**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    show = "import sys; print('given', sys.argv[1], flush=True); sys.exit(4)"
    spec = ServeSpec(
        engine="command",
        weights=Path("toy"),
        command=(sys.executable, "-c", show, "{weights}", "{port}"),
    )
    server.start("m", spec, free_port(), fetch)
    assert eventually(lambda: server.ended() is not None)
    assert server.stop() == f"given {cached}\n"
    assert cached.with_name("toy.gguf.LICENCE.txt").read_text() == "Apache-2.0"


class LocalRay:
    """Calls an actor here and now; one that is dead raises."""

    class exceptions:  # noqa: N801  # as Ray has it
        class RayError(Exception):
            pass

    def get(self, call: Any, timeout: float) -> Any:  # noqa: ARG002
        return call()


class LocalActor:
    """As if on another machine: `elsewhere`."""

    def __init__(self, host: GpuWorkerActor, *, dies_at: str = "", elsewhere: bool = False) -> None:
        self.host, self.dies_at, self.elsewhere = host, dies_at, elsewhere

    def __getattr__(self, name: str) -> Any:
        return LocalMethod(self, name)


class LocalMethod:
    def __init__(self, actor: LocalActor, name: str) -> None:
        self.actor, self.name = actor, name

    def remote(self, *arguments: Any) -> Any:
        def call() -> Any:
            if arguments and arguments[0] == self.actor.dies_at:
                raise LocalRay.exceptions.RayError
            if self.name == "node":
                return "node"
            good, result = (
                reply
                if isinstance(reply := getattr(self.actor.host, self.name)(*arguments), tuple)
                else (None, reply)
            )
            if self.actor.elsewhere and isinstance(result, Started):
                guard = replace(result.state.guard, host="node-7")
                result = replace(result, state=replace(result.state, guard=guard))
            return result if good is None else (good, result)

        return call


class LocalSeating:
    """Seats in this process."""

    def __init__(self, *, dies_at: str = "", elsewhere: bool = False) -> None:
        self.dies_at, self.elsewhere = dies_at, elsewhere

    @contextmanager
    def gpu_workers(self, factory: str, gpus: Sequence[int]) -> Iterator[tuple[GpuWorker, ...]]:
        hosts = [GpuWorkerActor(factory) for _ in gpus]
        yield tuple(
            GpuWorker(
                LocalRay(),
                LocalActor(host, dies_at=self.dies_at, elsewhere=self.elsewhere),
                same_disk=True,
            )
            for host in hosts
        )
        if self.dies_at:
            for host in hosts:
                host.call("stop", ())


def test_equal_specs_share_a_server_and_its_log_is_kept_here(tmp_path: Path) -> None:
    spec = ServeSpec(
        engine="command", weights=None, command=(sys.executable, str(SCRIPT), "{port}")
    )
    said: list[str] = []
    with host_models(
        {"m": spec, "same": spec}, placement=LocalSeating(), logs=tmp_path, fetches={},
        say=said.append,
    ) as served:  # fmt: skip
        assert served["m"] == served["same"]
        assert served["m"].node == "node"
        pid = served["m"].pid
    assert all_gone([pid])
    assert "serving" in (tmp_path / "m.log").read_text()
    assert said == []


def test_a_server_that_ends_in_mid_run_is_said_at_once(tmp_path: Path) -> None:
    now = tmp_path / "now"
    crashing = (sys.executable, str(SCRIPT), "{port}", "--crash-when", str(now))
    spec = ServeSpec(engine="command", weights=None, command=crashing)
    said: list[str] = []
    with host_models(
        {"m": spec}, placement=LocalSeating(), logs=tmp_path, fetches={}, say=said.append
    ):
        now.touch()
        assert eventually(lambda: bool(said))
        assert list_servers(tmp_path, NOW) == ()
    (line,) = said
    assert line.startswith("m: its server ended with code 9 in mid-run: ")
    assert line.endswith(f"(log: {tmp_path / 'm.log'})")
    assert "serving" in (tmp_path / "m.log").read_text()


def test_a_worker_that_is_gone_is_said(tmp_path: Path) -> None:
    spec = ServeSpec(
        engine="command", weights=None, command=(sys.executable, str(SCRIPT), "{port}")
    )
    said: list[str] = []
    with host_models(
        {"m": spec}, placement=LocalSeating(dies_at="stop"), logs=tmp_path, fetches={},
        say=said.append,
    ):  # fmt: skip
        pass
    assert said == ["m: its worker is gone (RayError); its guard ends its server"]
    assert list_servers(tmp_path, NOW) == ()
    said.clear()
    with host_models(
        {"m": spec}, placement=LocalSeating(dies_at="ended"), logs=tmp_path, fetches={},
        say=said.append,
    ) as served:  # fmt: skip
        assert eventually(lambda: bool(said))
        psutil.Process(served["m"].pid).terminate()
        assert all_gone([served["m"].pid])
    assert said == ["m: its worker is gone (RayError); its guard ends its server"]


@pytest.mark.parametrize(
    ("elsewhere", "why"),
    [
        pytest.param(False, "ended with code 0 in mid-run: guard: was told to stop", id="here"),
        pytest.param(True, "m: was stopped with `rightsize serving stop` in mid-run", id="there"),
    ],
)
def test_what_a_review_has_is_listed_with_its_teams_and_stopped(
    tmp_path: Path, why: str, *, elsewhere: bool
) -> None:
    spec = ServeSpec(
        engine="command", weights=None, command=(sys.executable, str(SCRIPT), "{port}")
    )
    said: list[str] = []
    with host_models(
        {"m": spec, "same": spec}, placement=LocalSeating(elsewhere=elsewhere), logs=tmp_path,
        fetches={}, say=said.append, teams={"m": ("search",), "same": ("support",)},
    ) as served:  # fmt: skip
        (state,) = list_servers(tmp_path, NOW)
        assert (state.model, state.base_url) == ("m", served["m"].base_url)
        assert (state.teams, state.guard.is_here) == (("search", "support"), not elsewhere)
        assert stop_server(tmp_path, "m", NOW) == (state,)
        assert all_gone([served["m"].pid])
        assert eventually(lambda: bool(said))
        assert list_servers(tmp_path, NOW) == ()
    assert why in said[0]
    assert len(said) == 1
    assert "serving" in (tmp_path / "m.log").read_text()
    assert not list(tmp_path.glob("*.stop"))


def test_a_server_that_still_loads_is_stopped_too(tmp_path: Path) -> None:
    command = (sys.executable, str(SCRIPT), "{port}", "--never-answer")
    spec = ServeSpec(engine="command", weights=None, command=command)

    def stop() -> None:
        assert eventually(lambda: bool(list_servers(tmp_path, NOW)))
        stop_server(tmp_path, "m", NOW)

    stopper = threading.Thread(target=stop)
    stopper.start()
    line = "^m: was stopped with `rightsize serving stop` before it answered$"
    with (
        pytest.raises(ServeError, match=line),
        host_models({"m": spec}, placement=LocalSeating(elsewhere=True), logs=tmp_path, fetches={}),
    ):
        pass
    stopper.join()
    assert list_servers(tmp_path, NOW) == ()


def test_a_crash_at_start_is_one_line_that_names_the_log_kept_here(tmp_path: Path) -> None:
    command = (sys.executable, str(SCRIPT), "{port}", "--crash-at-start")
    spec = ServeSpec(engine="command", weights=None, command=command)
    said: list[str] = []
    line = (
        rf"^m: its server ended with code 3 before it answered: CUDA.*\(log: {tmp_path}/m\.log\)$"
    )
    with (
        pytest.raises(ServeError, match=line),
        host_models(
            {"m": spec}, placement=LocalSeating(), logs=tmp_path, fetches={}, say=said.append
        ),
    ):
        pass
    assert said == []
    assert "CUDA error" in (tmp_path / "m.log").read_text()


def test_what_a_seats_object_refuses_is_its_own_line(tmp_path: Path) -> None:
    lost = ServeSpec(engine="vllm", weights=tmp_path / "absent")
    with (
        pytest.raises(ServeError, match=r"^m: serve\.weights: .*absent does not exist$"),
        host_models({"m": lost}, placement=LocalSeating(), logs=tmp_path, fetches={}),
    ):
        pass
    (tmp_path / "absent").mkdir()
    with (
        LocalSeating().gpu_workers("harness.ask.serving.hosted:open_hosted", [1]) as (worker,),
        pytest.raises(GpuWorkerError, match="no server was started here"),
    ):
        worker.call("load_s")
