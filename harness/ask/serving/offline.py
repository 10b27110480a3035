"""Has an engine answer a file of requests without a server, where latency is not measured.

vLLM's `run-batch` answers through the same handlers as its server, so the same request means the
same; what is left out is HTTP and the one process that speaks it. Many GPUs are used by as many
processes, each with its share of the requests, each on the node and the GPUs that Ray gives it.
(Ray Data would need Ray and vLLM in one environment; this way each keeps its own.)

The engine writes its answers when all of its share are there: a run that ends early is answered
anew. Requests and answers lie in a folder of the user's own, which the guard removes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from harness.ask.cluster.gpu_workers import GpuWorker, GpuWorkerError
from harness.ask.serving.hosted import LOG_CHARACTERS, RAYS_GUESS, NodeWeights
from harness.ask.serving.server import ServeError, last_line
from harness.ask.serving.specs import ServeSpec, child_environment, offline_line
from harness.ask.serving.states import GUARD

FACTORY = "harness.ask.serving.offline:open_offline"
END_S = 15.0
READS = "Reading batch"
"""vLLM's own word that the engine is loaded; before it is load time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessAnswers:
    """What one process answered."""

    results: bytes
    """Lines of OpenAI's batch results; empty where the process failed."""
    load_s: float | None
    """Seconds until it began; of an engine that does not say so, until it ended. None: its
    worker is gone, and nobody knows."""
    failed: str | None
    """One line why it did not answer."""
    log: str
    """The end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    guard: subprocess.Popen[bytes]
    folder: Path
    started_ns: int
    says: bool
    """It says when it reads."""
    most_s: float
    """The most that it may load: until it reads, or until its time to live is over."""

    @property
    def code(self) -> Path:
        return self.folder / "code"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def age_s(self) -> float:
        return (time.monotonic_ns() - self.started_ns) / 1e9


class OfflineProcess:
    """What sits in the worker: one process that reads requests and writes answers."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if name != RAYS_GUESS}
        self._running: _Process | None = None
        self._load_s: float | None = None
        self._late: ProcessAnswers | None = None

    def start(self, model: str, spec: ServeSpec, requests: bytes, fetch: NodeWeights | None) -> int:
        """Start it on lines of OpenAI's batch requests; returns its guard's process id.

        Raises:
            UsageError: the entry cannot be started so; one line says why.
        """
        folder = Path(tempfile.mkdtemp(prefix="rightsize-offline-"))
        if fetch is not None:
            spec = replace(spec, weights=fetch.here(self._environ, folder))
        (folder / "requests.jsonl").write_bytes(requests)
        with (folder / "log").open("wb") as out:
            guard = subprocess.Popen(  # noqa: S603  # our own guard and the workspace's own command
                [*_guard_line(spec, folder), *offline_line(model, spec, folder)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=tempfile.gettempdir(),
                env=child_environment(spec, self._environ, ()),
                start_new_session=True,
            )
        self._load_s, self._late = None, None
        self._running = _Process(
            guard=guard,
            folder=folder,
            started_ns=time.monotonic_ns(),
            says=spec.engine == "vllm",
            most_s=spec.ready_s if spec.engine == "vllm" else spec.ttl_s,
        )
        return guard.pid

    def is_ended(self) -> bool:
        """Has it ended? The time that it loaded is seen here; one that loads too long is ended."""
        if self._late is not None:
            return True
        running = self._process()
        ended = running.guard.poll() is not None or running.code.exists()
        if self._load_s is None and (ended or READS in _text(running.log)):
            self._load_s = min(running.age_s, running.most_s)
        if self._load_s is None and running.says and running.age_s > running.most_s:
            self._late = _late(running)
            self.stop()
        return ended or self._late is not None

    def share(self, model: str) -> ProcessAnswers:
        """What an ended process answered; its folder is removed."""
        if self._late is not None:
            return replace(self._late, failed=f"{model}: its offline run {self._late.failed}")
        running = self._process()
        results = running.folder / "results.jsonl"
        failed = _why(running)
        share = ProcessAnswers(
            results=results.read_bytes() if failed is None else b"",
            load_s=self._load_s,
            failed=None if failed is None else f"{model}: its offline run {failed}",
            log=_text(running.log)[-LOG_CHARACTERS:],
        )
        self.stop()
        return share

    def stop(self) -> None:
        """End it, if it runs; the folder goes, too."""
        if self._running is None:
            return
        guard, folder, self._running = self._running.guard, self._running.folder, None
        if guard.stdin is not None:
            guard.stdin.close()
        try:
            guard.wait(END_S)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
        shutil.rmtree(folder, ignore_errors=True)

    def _process(self) -> _Process:
        if self._running is None:
            raise ServeError("no offline run was started here")
        return self._running


def open_offline() -> OfflineProcess:
    """The factory of a GPU worker: a process with its node's environment."""
    return OfflineProcess(os.environ)


class OfflineRunner:
    """The GPU workers of one model, from the driver's side: every request to one of them."""

    def __init__(
        self,
        model: str,
        spec: ServeSpec,
        gpu_workers: Sequence[GpuWorker],
        fetch: NodeWeights | None,
    ) -> None:
        self.model = model
        self._spec = spec
        self._gpu_workers = tuple(gpu_workers)
        self._fetch = fetch
        self._begun: list[GpuWorker] = []

    @property
    def size(self) -> int:
        """How many processes share the requests."""
        return len(self._gpu_workers)

    def start(self, shares: Sequence[bytes]) -> None:
        """Start a process a share, at most `size`; the ones before must have been collected.

        Raises:
            ServeError: one cannot be started; one line says why.
        """
        for worker, requests in zip(self._gpu_workers, shares, strict=False):
            self._call(worker, "start", self.model, self._spec, requests, self._fetch)
            self._begun.append(worker)

    def is_ended(self) -> bool:
        """Have all ended? One whose worker is gone has."""
        ended = [self._has_ended(worker) for worker in self._begun]  # each tells when it was loaded
        return all(ended)

    def collect(self) -> list[ProcessAnswers]:
        """What every process answered, in the order of the shares."""
        begun, self._begun = self._begun, []
        return [self._share(worker) for worker in begun]

    def stop(self) -> None:
        """End what runs; one whose worker is gone was ended by its guard."""
        begun, self._begun = self._begun, []
        for worker in begun:
            try:
                worker.call("stop")
            except GpuWorkerError:
                continue

    def _has_ended(self, worker: GpuWorker) -> bool:
        try:
            return bool(worker.call("is_ended"))
        except GpuWorkerError:
            return True

    def _share(self, worker: GpuWorker) -> ProcessAnswers:
        try:
            return cast("ProcessAnswers", worker.call("share", self.model))
        except GpuWorkerError as error:
            return ProcessAnswers(results=b"", load_s=None, failed=f"{self.model}: {error}", log="")

    def _call(self, worker: GpuWorker, method: str, *arguments: object) -> None:
        try:
            worker.call(method, *arguments)
        except GpuWorkerError as error:
            line = str(error)
            known = line.startswith(f"{self.model}: ")
            raise ServeError(line if known else f"{self.model}: {line}") from error


def _guard_line(spec: ServeSpec, folder: Path) -> list[str]:
    return [
        sys.executable, "-I", str(GUARD), "--ttl", str(spec.ttl_s),
        "--parent", str(os.getpid()), "--folder", str(folder), "--",
    ]  # fmt: skip


def _late(running: _Process) -> ProcessAnswers:
    """Of a process that did not load in time; `failed` still without its model."""
    line = last_line(running.log)
    return ProcessAnswers(
        results=b"",
        load_s=running.most_s,
        failed=f"did not read within {running.most_s:g} s: {line}; raise serve.ready_s",
        log=_text(running.log)[-LOG_CHARACTERS:],
    )


def _why(running: _Process) -> str | None:
    """Why an ended process answered nothing; None when it did."""
    if not running.code.exists():
        return "was ended from outside, or after its time to live (serve.ttl_s)"
    code = running.code.read_text()
    if code != "0":
        return f"ended with code {code}: {last_line(running.log)}"
    return None if (running.folder / "results.jsonl").exists() else "wrote no results"


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
