from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from harness.ask.cluster.actors import LONGEST_FOLDER, local_cluster, own_folder, remote_cluster
from harness.ask.cluster.ray_session import SOURCES, write_token
from harness.ask.cluster.workers import Ended, Identity, WorkerPool, own_identity, refuse_mismatch
from harness.errors import UsageError
from tests.support.other_user import attempts_on, only_as_root, succeeded

DRIVER = """
import sys, time
from pathlib import Path
from harness.ask.cluster.actors import local_cluster
with local_cluster(state=Path(sys.argv[1]), cpus=2) as cluster:
    pool = cluster.pool("tests.support.handlers:echo")
    pool.send([("sleep", 100.0)])
    print("up", flush=True)
    time.sleep(100)
"""

FOREIGN = """
import sys
import tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from harness.ask.cluster.actors import local_cluster
with local_cluster(state=Path(sys.argv[1]), cpus=1) as cluster:
    pool = cluster.pool("tests.support.handlers:echo")
    pool.send(["hello"])
    print(pool.receive(20)[0].result)
"""


def run_driver(code: str, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )


def living(processes: list[psutil.Process]) -> list[str]:
    return [one["name"] for one in seen(processes) if one["status"] != psutil.STATUS_ZOMBIE]


def seen(processes: list[psutil.Process]) -> list[dict[str, Any]]:
    """What can be seen of those that run; one that ends meanwhile is left out."""
    found: list[dict[str, Any]] = []
    for process in processes:
        if process.is_running():
            with suppress(psutil.NoSuchProcess):
                found.append(process.as_dict(["name", "status", "cmdline", "net_connections"]))
    return found


def started() -> list[dict[str, Any]]:
    return seen(psutil.Process().children(recursive=True))


@pytest.mark.ray
def test_nothing_is_left_soon_after_the_driver_is_killed(tmp_path: Path) -> None:
    driver = run_driver(DRIVER, str(tmp_path / "state"), cwd=tmp_path)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "up\n"
    family = psutil.Process(driver.pid).children(recursive=True)
    assert "raylet" in " ".join(living(family))
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    until = time.monotonic() + 300
    while living(family) and time.monotonic() < until:
        time.sleep(0.2)
    assert living(family) == []


@pytest.mark.ray
def test_workers_run_our_packages_in_a_folder_that_owns_all_four_names(tmp_path: Path) -> None:
    for name in ("harness", "providers", "evalsets", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    code = FOREIGN.replace("import sys\n", "import sys\nsys.path.remove('')\n", 1)
    driver = run_driver(code, str(tmp_path / "state"), str(SOURCES), cwd=tmp_path)
    assert driver.communicate()[0] == "hello\n"


STRANGER = """
import os, sys
os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ["RAY_NUM_REDIS_GET_RETRIES"] = "2"
import ray
ray.init(address=sys.argv[1], log_to_driver=False)
print("in")
"""

MISTAKEN = """
import sys
import tempfile
from pathlib import Path
from harness.ask.cluster.actors import remote_cluster
from harness.errors import UsageError
environ = {"RAY_AUTH_TOKEN": "not the token"}
with remote_cluster(sys.argv[1], state=Path(sys.argv[2]), environ=environ) as cluster:
    try:
        cluster.pool("tests.support.handlers:echo")
    except UsageError as error:
        print(error)
"""


def ask(pool: WorkerPool, payload: object) -> Ended:
    pool.send([payload])
    (end,) = pool.receive(60)
    return end


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorkerPool, Path]]:
    """A cluster that several attack, its pool and its state."""
    state = tmp_path_factory.mktemp("state")
    with local_cluster(state=state, cpus=1) as cluster:
        yield cluster.pool("tests.support.handlers:echo"), state


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@only_as_root
def test_another_user_reaches_nothing_of_a_running_cluster(
    running: tuple[WorkerPool, Path],
) -> None:
    pool, _ = running
    assert getattr(ask(pool, "here"), "result", None) == "here"
    words = [word for one in started() for word in one["cmdline"] or ()]
    (ours,) = {found[0] for word in words if (found := re.search(r"/[^=]*/rightsize-\w+", word))}
    sockets = list(Path(ours).glob("r/*/sockets/*"))
    assert sockets, "what an attacker would want is there"
    assert succeeded(attempts_on(ours)) == []
    assert succeeded([f"mv {one} {one}.away" for one in sockets]) == []
    assert getattr(ask(pool, "still there"), "result", None) == "still there"


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
def test_a_local_cluster_refuses_strangers_and_replaces_a_dead_worker(
    running: tuple[WorkerPool, Path], tmp_path: Path
) -> None:
    pool, state = running
    assert getattr(ask(pool, "friend"), "result", None) == "friend"
    assert stat.S_IMODE((state / "ray-token").stat().st_mode) == 0o600
    address = ray.get_runtime_context().gcs_address
    listening = {
        connection.laddr.ip
        for process in started()
        for connection in process["net_connections"] or ()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening & {"0.0.0.0", "::"}  # noqa: S104  # why there is a token at all
    stranger = run_driver(STRANGER, address, cwd=tmp_path)
    said, _ = stranger.communicate(timeout=300)
    assert (said, stranger.returncode == 0) == ("", False)
    mistaken = run_driver(MISTAKEN, address, str(tmp_path / "theirs"), cwd=tmp_path)
    said, _ = mistaken.communicate(timeout=300)
    assert "is the token that cluster's" in said
    lost = ask(pool, ("die",))
    assert getattr(lost, "reason", None) == "WorkerLostError"
    assert getattr(ask(pool, "after its death"), "result", None) == "after its death"


def test_a_remote_cluster_without_a_token_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="RAY_AUTH_TOKEN_PATH"),
        remote_cluster("192.0.2.1:6379", state=tmp_path, environ={}),
    ):
        pass


def test_rays_client_protocol_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    environ = {"RAY_AUTH_TOKEN": "t"}
    with (
        pytest.raises(UsageError, match="run this on a node of the cluster"),
        remote_cluster("ray://192.0.2.1:10001", state=tmp_path, environ=environ),
    ):
        pass


def test_an_address_where_nobody_listens_is_told_at_once(tmp_path: Path) -> None:
    environ = {"RAY_AUTH_TOKEN": "t"}
    with remote_cluster("127.0.0.1:1", state=tmp_path, environ=environ) as cluster:  # noqa: SIM117
        with pytest.raises(UsageError, match="nobody answers there"):
            cluster.pool("tests.support.handlers:echo")


def test_each_local_token_is_random(tmp_path: Path) -> None:
    tokens: set[str] = set()
    for _ in range(3):
        write_token(tmp_path / "token")
        tokens.add((tmp_path / "token").read_text())
    assert len(tokens) == 3
    assert min(map(len, tokens)) == 64


def test_a_given_token_is_written_for_its_owner_only(tmp_path: Path) -> None:
    write_token(tmp_path / "token", "secret")
    assert (tmp_path / "token").read_text() == "secret"
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


OURS = Identity(version="1", python="3.11", digest="abc", folders=("/a",))


@pytest.mark.parametrize(
    ("theirs", "word"),
    [
        pytest.param({"version": "2"}, "version 2 instead of 1", id="another version"),
        pytest.param({"python": "3.12"}, "python 3.12", id="another python"),
        pytest.param({"digest": "def"}, "digest def", id="other sources"),
        pytest.param({"folders": ("/b",)}, "folders", id="other folders on the same disk"),
    ],
)
def test_a_worker_with_other_code_is_refused(theirs: dict[str, str], word: str) -> None:
    base = {"version": "1", "python": "3.11", "digest": "abc", "folders": ("/a",)}
    with pytest.raises(UsageError, match=word):
        refuse_mismatch(OURS, Identity(**{**base, **theirs}), same_disk=True)  # type: ignore[arg-type]


def test_another_node_may_keep_the_same_code_elsewhere() -> None:
    theirs = Identity(version="1", python="3.11", digest="abc", folders=("/elsewhere",))
    refuse_mismatch(OURS, theirs, same_disk=False)
    with pytest.raises(UsageError, match="folders"):
        refuse_mismatch(OURS, theirs, same_disk=True)
    with pytest.raises(UsageError, match="digest def") as refused:
        refuse_mismatch(OURS, replace(theirs, digest="def"), same_disk=False)
    assert "folders" not in str(refused.value)


def test_own_identity_names_our_folders() -> None:
    identity = own_identity()
    assert str(SOURCES / "harness") in identity.folders
    assert len(identity.digest) == 64


def test_ray_s_folder_stands_inside_one_of_our_own(tmp_path: Path) -> None:
    """Ray opens the folder that it is given to everybody: nobody reaches it."""
    found = own_folder()
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert len(str(found / "r")) <= LONGEST_FOLDER
    found.rmdir()
    long, gone = str(tmp_path / ("x" * 100)), "/no/such"
    kept = own_folder([long, gone, tempfile.gettempdir()])
    assert kept.parent == Path(tempfile.gettempdir())
    kept.rmdir()
    with pytest.raises(UsageError, match="set TMPDIR to one of at most 23 letters"):
        own_folder([long, gone])
