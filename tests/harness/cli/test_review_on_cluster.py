"""`rightsize review --address`: a hosted and a managed model, on a real cluster of two nodes.

The command is the installed one, with the environment of a driver that has no key: the keys are
the nodes' own. Only the second node has (logical) GPUs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.serving.states import list_servers
from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.stored import read_records
from tests.support.ray_nodes import ray_nodes
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wire.holding import Gate, held
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.ask.serving.states import ServerState
    from tests.support.ray_nodes import Nodes

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray-nodes")]

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"
KEYS = {"RIGHTSIZE_TEST_HOSTED_KEY": "sesame", "RIGHTSIZE_TEST_OWN_KEY": "mellon"}
OWN = f"""\
own:
  provider: openai-compatible
  may_see: [public, internal, customer]
  key: RIGHTSIZE_TEST_OWN_KEY
  gpu: h100
  price: [{{from: 2026-09-01, input: 0.1, output: 0.1, source: quote}}]
  serve:
    engine: command
    command: [{sys.executable}, {SCRIPT}, "{{port}}", --tickets, --key-from, RIGHTSIZE_TEST_OWN_KEY]
    gpus: 1
    ttl_s: 300
"""
POLICY = """\
gpus: {h100: {on_demand: 3.90, as_of: 2026-10-01, source: quote}}
gpu_quota: {support: 1}
"""
LONGEST_S = 300.0
"""Within so long, whatever is waited for comes on any machine."""
AT = 20
"""So many are answered before a server or a review is stopped, and the others after it."""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with ray_nodes(tmp_path_factory.mktemp("nodes"), KEYS) as found:
        yield found


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A workspace whose incumbent is hosted, and whose candidate is ours to start."""

    root: Path
    nodes: Nodes

    def start(
        self, environ: Mapping[str, str] = MappingProxyType({}), on: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """The review, as in a terminal of its own; `on` is what it is started by."""
        environ = {**{n: value for n, value in os.environ.items() if n not in KEYS}, **environ}
        command = Path(sys.executable).with_name("rightsize")
        return subprocess.Popen(
            [*on, command, "review", "-w", self.root, "--cycle", CYCLE, "--yes",
             "--address", self.nodes["address"]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.root,
            env={**environ, "RAY_AUTH_TOKEN_PATH": self.nodes["token"]},
            start_new_session=True,
        )  # fmt: skip

    def servers(self) -> tuple[ServerState, ...]:
        return list_servers(self.root / ".rightsize" / "logs", datetime.now(UTC))


def mixed(
    root: Path, port: int, nodes: Nodes, hosted_key: str = "RIGHTSIZE_TEST_HOSTED_KEY"
) -> Mixed:
    write_review_workspace(root, port, Shape(cases=120, candidates="own"))
    models, policy = root / "models" / "all.yaml", root / "policy.yaml"
    models.write_text(models.read_text().replace("  may_see", f"  key: {hosted_key}\n  may_see"))
    (root / "models" / "own.yaml").write_text(OWN)
    policy.write_text(policy.read_text() + POLICY)
    return Mixed(root=root, nodes=nodes)


def eventually(condition: Callable[[], bool], within_s: float = LONGEST_S) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def alive(pids: Sequence[int]) -> list[int]:
    found: list[int] = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def workers(nodes: Nodes) -> list[int]:
    """Processes of the cluster that work for a review."""
    return [
        process.pid
        for process in psutil.Process(nodes["pid"]).children(recursive=True)
        if any(actor in name_of(process) for actor in ("ray::Host", "ray::SeatHost"))
    ]


def name_of(process: psutil.Process) -> str:
    """Empty for one that ended since it was listed."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def test_each_model_is_asked_with_the_key_of_its_node(tmp_path: Path, nodes: Nodes) -> None:
    with OpenAIServer(answers) as server:
        review = mixed(tmp_path, server.port, nodes)
        started = review.start()
        said, errors = started.communicate(timeout=LONGEST_S)
        calls = server.log.calls
    assert started.returncode == ExitCode.OK, said + errors
    assert {call.headers["Authorization"] for call in calls} == {"Bearer sesame"}
    assert {call.body["model"] for call in calls} == {"big"}
    assert "starting own on the cluster" in said
    assert "0 trials missing" in said
    (record,) = read_records(tmp_path / "reviews" / CYCLE)
    assert record.chosen == "own"
    assert (tmp_path / ".rightsize" / "logs" / "own.log").read_text().startswith("GPUs 0, serving")
    assert review.servers() == ()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "ray-token"]
    assert not [path for path in kept for key in KEYS.values() if key.encode() in path.read_bytes()]


def test_a_key_that_a_node_has_not_is_one_line_before_any_call(
    tmp_path: Path, nodes: Nodes
) -> None:
    with OpenAIServer(answers) as server:
        review = mixed(tmp_path, server.port, nodes, hosted_key="RIGHTSIZE_TEST_ELSEWHERE")
        started = review.start({"RIGHTSIZE_TEST_ELSEWHERE": "the driver has it"})
        said, errors = started.communicate(timeout=LONGEST_S)
        assert server.log.calls == []
    assert started.returncode == ExitCode.USAGE_ERROR, said + errors
    assert "starting own" not in said
    line, last = errors.splitlines()[-2:]
    lacking = f"RIGHTSIZE_TEST_ELSEWHERE on {socket.gethostname()}"
    assert line.startswith(f"big: no environment variable {lacking}: set it where Ray is started")
    assert last == "nothing was asked"


def test_a_server_on_another_machine_is_stopped_through_its_review(
    tmp_path: Path, nodes: Nodes
) -> None:
    elsewhere = ("unshare", "--uts", "sh", "-c", 'hostname driver-1 && exec "$@"', "sh")
    if subprocess.run([*elsewhere, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no second host name is to be had here")
    stop = [Path(sys.executable).with_name("rightsize"), "serving", "stop", "own", "-w", tmp_path]
    gate = Gate(AT)
    with OpenAIServer(held(answers, gate)) as server:
        review = mixed(tmp_path, server.port, nodes)
        started = review.start(on=elsewhere)
        assert eventually(lambda: len(server.log.calls) > AT or started.poll() is not None)
        (state,) = review.servers()
        stopped = subprocess.run(
            [*elsewhere, *stop], capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
        assert stopped.stdout == f"own   {state.base_url} on {state.guard.host}   stopped\n"
        assert eventually(lambda: not alive([state.guard.pid]))
        assert review.servers() == ()
        gate.open()
        said, errors = started.communicate(timeout=LONGEST_S)
    assert started.returncode == ExitCode.OK, said + errors
    assert "own: was stopped with `rightsize serving stop` in mid-run" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_review_that_is_ended_leaves_nothing_and_goes_on(
    tmp_path: Path,
    nodes: Nodes,
    number: signal.Signals,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = Gate(AT)
    with OpenAIServer(held(answers, gate)) as server:
        review = mixed(tmp_path, server.port, nodes)
        first = review.start()
        assert eventually(lambda: len(server.log.calls) > AT or first.poll() is not None)
        assert run(["serving", "list", "-w", str(tmp_path)]) == ExitCode.OK
        (line,) = capsys.readouterr().out.splitlines()[1:]
        assert line.split()[:2] == ["own", "command"]
        assert "1      support" in line
        (state,) = review.servers()
        guard = psutil.Process(state.guard.pid)
        pids = [first.pid, guard.pid, *(child.pid for child in guard.children(recursive=True))]
        assert len(alive(pids)) == len(pids) >= 3
        assert len(alive(workers(nodes))) >= 2
        os.killpg(first.pid, number)
        gate.open()
        said, errors = first.communicate(timeout=LONGEST_S)
        assert eventually(lambda: not alive([*pids, *workers(nodes)]))
        assert review.servers() == ()
        if number == signal.SIGINT:
            assert first.returncode == ExitCode.INTERRUPTED, said + errors
            assert "run the same command again to go on" in errors
            return
        second = review.start()
        said, errors = second.communicate(timeout=LONGEST_S)
        assert second.returncode == ExitCode.OK, said + errors
        assert "0 trials missing" in said
        assert max(server.log.by_hash.values()) <= 2
