"""Servers on a Ray cluster: on the node with the GPUs, asked from there, and always ended."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.cluster.seats import Seat, SeatError, SeatHost
from harness.cluster.session import SOURCES
from harness.serving.hosted import Fetch, HostedServer, host_models
from harness.serving.server import ServeError, free_port
from harness.serving.specs import ServeSpec
from harness.serving.weights_file import WeightsSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"


def drive(folder: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.harness.serving.hosting_driver", str(folder), mode],
        stdout=subprocess.PIPE,
        text=True,
        cwd=SOURCES,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )


def lines(driver: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, _ = driver.communicate(timeout=240)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def all_gone(pids: Sequence[int], within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.2)
    return False


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
    pid = server.start("m", spec, port, None)
    while server.load_s() is None:
        time.sleep(0.05)
    assert server.ended() is None
    assert "serving" in server.stop()
    assert all_gone([pid], 10)


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
    fetch = Fetch.of(named)
    notice.unlink()
    server = HostedServer({**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    show = "import sys; print('given', sys.argv[1], flush=True); sys.exit(4)"
    spec = ServeSpec(
        engine="command",
        weights=Path("toy"),
        command=(sys.executable, "-c", show, "{weights}", "{port}"),
    )
    server.start("m", spec, free_port(), fetch)
    deadline = time.monotonic() + 20
    while server.ended() is None and time.monotonic() < deadline:
        time.sleep(0.05)
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
    def __init__(self, host: SeatHost, *, dies_at: str = "") -> None:
        self.host, self.dies_at = host, dies_at

    def __getattr__(self, name: str) -> Any:
        return LocalMethod(self, name)


class LocalMethod:
    def __init__(self, actor: LocalActor, name: str) -> None:
        self.actor, self.name = actor, name

    def remote(self, *arguments: Any) -> Any:
        def call() -> Any:
            if arguments and arguments[0] == self.actor.dies_at:
                raise LocalRay.exceptions.RayError
            return (
                "node" if self.name == "node" else getattr(self.actor.host, self.name)(*arguments)
            )

        return call


class LocalSeating:
    """Seats in this process."""

    def __init__(self, *, dies_at: str = "") -> None:
        self.dies_at = dies_at

    @contextmanager
    def seats(self, factory: str, gpus: Sequence[int]) -> Iterator[tuple[Seat, ...]]:
        hosts = [SeatHost(factory) for _ in gpus]
        yield tuple(
            Seat(LocalRay(), LocalActor(host, dies_at=self.dies_at), same_disk=True)
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
        {"m": spec, "same": spec}, seating=LocalSeating(), logs=tmp_path, fetches={},
        say=said.append,
    ) as served:  # fmt: skip
        assert served["m"] == served["same"]
        assert served["m"].node == "node"
        pid = served["m"].pid
    assert all_gone([pid], 10)
    assert "serving" in (tmp_path / "m.log").read_text()
    assert said == []


def test_a_server_that_ended_in_mid_run_and_a_worker_that_is_gone_are_said(tmp_path: Path) -> None:
    crashing = (sys.executable, str(SCRIPT), "{port}", "--crash-after", "2")
    spec = ServeSpec(engine="command", weights=None, command=crashing)
    said: list[str] = []
    with host_models(
        {"m": spec}, seating=LocalSeating(), logs=tmp_path, fetches={}, say=said.append
    ) as served:
        assert all_gone([served["m"].pid], 20)
    assert said[0].startswith("m: its server ended with code 9 in mid-run: ")
    said.clear()
    with host_models(
        {"m": spec}, seating=LocalSeating(dies_at="stop"), logs=tmp_path, fetches={},
        say=said.append,
    ) as served:  # fmt: skip
        assert all_gone([served["m"].pid], 20)
    assert said == ["m: its worker is gone (RayError); its guard ends its server"]


def test_what_a_seats_object_refuses_is_its_own_line(tmp_path: Path) -> None:
    lost = ServeSpec(engine="vllm", weights=tmp_path / "absent")
    with (
        pytest.raises(ServeError, match=r"^m: serve\.weights: .*absent does not exist$"),
        host_models({"m": lost}, seating=LocalSeating(), logs=tmp_path, fetches={}),
    ):
        pass
    (tmp_path / "absent").mkdir()
    with (
        LocalSeating().seats("harness.serving.hosted:open_seat", [1]) as (seat,),
        pytest.raises(SeatError, match="no server was started here"),
    ):
        seat.call("load_s")
