"""An engine without a server, under the same life cycle: real processes, ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.cluster.gpu_workers import GpuWorkerError
from harness.ask.serving.offline import OfflineProcess, OfflineRunner, open_offline
from harness.ask.serving.server import ServeError
from harness.ask.serving.specs import ServeSpec, offline_line
from harness.ask.serving.states import GUARD
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.ask.cluster.gpu_workers import GpuWorker

SCRIPT = Path(__file__).parents[3] / "support" / "scripted_offline.py"
SOURCES = Path(__file__).parents[4]
REQUESTS = b"".join(
    json.dumps(
        {"custom_id": f"c{n}", "body": {"model": "m", "messages": [f"Ticket number {n}"]}}
    ).encode()
    + b"\n"
    for n in (1, 2)
)


def spec(*options: str, ttl_s: float = 600) -> ServeSpec:
    command = (sys.executable, str(SCRIPT), "{input}", "{output}", *options)
    return ServeSpec(engine="command", weights=None, offline_command=command, ttl_s=ttl_s)


@pytest.fixture
def process() -> Iterator[OfflineProcess]:
    made = OfflineProcess({**os.environ, "OMP_NUM_THREADS": "1"})
    yield made
    made.stop()


def comes(seen: Callable[[], bool], within_s: float = 120) -> bool:
    """Whether something is seen in time."""
    deadline = time.monotonic() + within_s
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait(ended: Callable[[], bool], within_s: float = 120) -> None:
    assert comes(ended, within_s)


def test_requests_go_in_answers_come_out_and_nothing_stays(process: OfflineProcess) -> None:
    began = time.monotonic()
    pid = process.start("m", spec(), REQUESTS, None)
    wait(lambda: "--folder" in words(psutil.Process(pid)))
    line = psutil.Process(pid).cmdline()
    folder = Path(line[line.index("--folder") + 1])
    assert folder.stat().st_mode & 0o077 == 0
    wait(process.is_ended)
    share = process.share("m")
    assert share.failed is None
    assert [json.loads(line)["custom_id"] for line in share.results.splitlines()] == ["c1", "c2"]
    assert 0 < share.load_s < time.monotonic() - began
    assert "2 requests" in share.log
    assert not psutil.pid_exists(pid)
    assert not folder.exists()
    with pytest.raises(ServeError, match="no offline run was started"):
        process.is_ended()


def test_a_process_that_does_not_say_when_it_has_loaded_is_all_load(
    process: OfflineProcess,
) -> None:
    began = time.monotonic()
    process.start("m", spec("--silent"), REQUESTS, None)
    wait(process.is_ended)
    assert 0 < process.share("m").load_s < time.monotonic() - began


def test_a_crash_is_one_line_with_the_log_s_last(process: OfflineProcess) -> None:
    process.start("m", spec("--crash"), REQUESTS, None)
    wait(process.is_ended)
    share = process.share("m")
    assert share.results == b""
    assert share.failed == (
        "m: its offline run ended with code 1: torch.OutOfMemoryError: CUDA out of memory"
    )


def test_an_engine_that_writes_nothing_failed(process: OfflineProcess) -> None:
    command = (sys.executable, "-c", "pass", "{input}", "{output}")
    process.start(
        "m", ServeSpec(engine="command", weights=None, offline_command=command), b"", None
    )
    wait(process.is_ended)
    assert process.share("m").failed == "m: its offline run wrote no results"


def test_a_time_to_live_ends_it(process: OfflineProcess, tmp_path: Path) -> None:
    pid = process.start("m", spec("--hang", str(tmp_path / "mark"), ttl_s=1.5), REQUESTS, None)
    wait(process.is_ended)
    assert "serve.ttl_s" in (process.share("m").failed or "")
    assert not psutil.pid_exists(pid)


def test_vllm_that_does_not_load_in_time_is_ended(tmp_path: Path, process: OfflineProcess) -> None:
    """Of vLLM we know that it says when it reads: so long, and no longer, it may hold its GPUs."""
    python = tmp_path / "python"
    said = tmp_path / "said"
    python.write_text(f"#!/bin/sh\necho loading shards\ntouch {said}\nexec sleep 600\n")
    python.chmod(0o755)
    slow = ServeSpec(engine="vllm", weights=tmp_path, model="m", python=str(python), ready_s=6.0)
    pid = process.start("m", slow, REQUESTS, None)
    wait(said.exists)
    wait(process.is_ended)
    share = process.share("m")
    assert (share.results, share.load_s) == (b"", 6.0)
    assert share.failed == (
        "m: its offline run did not read within 6 s: loading shards; raise serve.ready_s"
    )
    assert process.is_ended()
    assert not psutil.pid_exists(pid)


def test_stopped_half_way_it_leaves_neither_process_nor_request(
    process: OfflineProcess, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    process.start("m", spec("--hang", str(mark)), REQUESTS, None)
    wait(mark.exists)
    pid, folder = mark.read_text().split()
    process.stop()
    assert not psutil.pid_exists(int(pid))
    assert not Path(folder).exists()
    process.stop()


DRIVER = """\
import os, sys, time
from harness.ask.serving.offline import OfflineProcess
from tests.harness.ask.serving.test_offline import REQUESTS, spec
OfflineProcess(os.environ).start("m", spec("--hang", sys.argv[1]), REQUESTS, None)
time.sleep(600)
"""


def test_killed_with_its_parent_it_leaves_neither_process_nor_request(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(mark)], cwd=SOURCES)
    wait(lambda: mark.exists() and " " in mark.read_text())
    pid, folder = mark.read_text().split()
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert comes(lambda: not psutil.pid_exists(int(pid)))
    assert comes(lambda: not Path(folder).exists())


def test_vllm_is_told_files_weights_and_name(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    told = ServeSpec(
        engine="vllm", weights=weights, model="llama", python="/v/python", gpus=2, args=("--x", "1")
    )
    assert offline_line("m", told, Path("/f")) == [
        "/v/python", "-I", "-m", "vllm.entrypoints.cli.main", "run-batch",
        "-i", "/f/requests.jsonl", "-o", "/f/results.jsonl", "--model", str(weights),
        "--served-model-name", "llama", "--tensor-parallel-size", "2", "--x", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (ServeSpec(engine="llama-cpp", weights=None), "engine llama-cpp needs `command`"),
        (ServeSpec(engine="vllm", weights=None), "engine vllm needs weights"),
        (ServeSpec(engine="vllm", weights=Path("/nowhere")), "/nowhere does not exist"),
    ],
    ids=["llama", "no-weights", "lost-weights"],
)
def test_what_cannot_be_started_is_one_line(wanted: ServeSpec, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        offline_line("m", wanted, Path("/f"))


class LocalSeat:
    """A seat whose object is in this process; `gone` as with a dead worker."""

    def __init__(self) -> None:
        self._process, self.gone = open_offline(), False

    def call(self, method: str, *arguments: object) -> object:
        if self.gone:
            raise GpuWorkerError("its worker is gone (ActorDiedError)")
        try:
            return getattr(self._process, method)(*arguments)
        except UsageError as error:
            raise GpuWorkerError(str(error)) from error


def bench_of(gpu_workers: list[LocalSeat], wanted: ServeSpec) -> OfflineRunner:
    taken: tuple[GpuWorker, ...] = tuple(gpu_workers)  # type: ignore[arg-type]
    return OfflineRunner("m", wanted, taken, None)


def test_a_bench_shares_requests_out_and_knows_whose_worker_is_gone() -> None:
    gpu_workers = [LocalSeat(), LocalSeat(), LocalSeat()]
    runner = bench_of(gpu_workers, spec())
    assert runner.size == 3
    runner.start([REQUESTS, REQUESTS])
    wait(runner.is_ended)
    gpu_workers[0].gone = True
    assert runner.is_ended()
    lost, good = runner.collect()
    assert lost.failed == "m: its worker is gone (ActorDiedError)"
    assert lost.results == b""
    assert lost.load_s is None
    assert len(good.results.splitlines()) == 2
    assert runner.collect() == []
    gpu_workers[0].gone = False
    gpu_workers[0].call("stop")


def guards_of(mark: Path) -> list[int]:
    """Guards that live of a command with this word: one stays until it is told."""
    children = [(child.pid, words(child)) for child in psutil.Process().children(recursive=True)]
    return [pid for pid, line in children if str(mark) in line and str(GUARD) in line]


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_a_bench_that_is_left_ends_what_runs(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    gpu_workers = [LocalSeat(), LocalSeat()]
    runner = bench_of(gpu_workers, spec("--hang", str(mark)))
    runner.start([REQUESTS, REQUESTS])
    assert comes(lambda: len(guards_of(mark)) == 2)
    gpu_workers[1].gone = True
    runner.stop()
    assert comes(lambda: len(guards_of(mark)) == 1)
    gpu_workers[1].gone = False
    gpu_workers[1].call("stop")
    assert comes(lambda: not guards_of(mark))


def test_a_bench_names_its_model_once_in_what_was_refused() -> None:
    runner = bench_of([LocalSeat()], ServeSpec(engine="vllm", weights=None))
    with pytest.raises(ServeError, match=r"^m: serve\.weights: engine vllm needs weights"):
        runner.start([REQUESTS])
    worker = LocalSeat()
    worker.gone = True
    with pytest.raises(ServeError, match=r"^m: its worker is gone"):
        bench_of([worker], spec()).start([REQUESTS])
