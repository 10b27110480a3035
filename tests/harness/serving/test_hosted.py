"""Servers on a Ray cluster: on the node with the GPUs, asked from there, and always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.cluster.session import SOURCES
from harness.serving.hosted import HostedServer
from harness.serving.server import ServeError, free_port
from harness.serving.specs import ServeSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"
on_ray = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


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
