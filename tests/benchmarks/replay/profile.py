"""Where a worker's CPU goes: sampled by the kernel's CPU timer, every millisecond of CPU.

The job of point 1 is asked by one worker in this process; waiting costs no sample.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from harness.ask.replay.calls import Call, Reply
from harness.ask.replay.worker import open_worker
from providers.completion import Completion
from tests.benchmarks.replay.ours import load_trials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from harness.ask.replay.worker import Worker
    from harness.journal.trials import Trial

SAMPLE_S = 0.001

LAYERS = (
    ("harness/", "our worker"),
    ("providers/", "our provider"),
    ("tests/", "the benchmark"),
    ("/openai/", "openai SDK"),
    ("/pydantic/", "openai SDK"),
    ("/httpx/", "httpx"),
    ("/httpx_aiohttp/", "httpx"),
    ("/aiohttp/", "aiohttp"),
    ("/yarl/", "aiohttp"),
    ("/multidict/", "aiohttp"),
    ("/asyncio/", "asyncio: loop, sockets, tasks"),
)
"""Who owns a frame, by its file."""


class Sampler:
    """Counts, at each tick of the CPU timer, the owner of the innermost code."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def _tick(self, _number: int, frame: FrameType | None) -> None:
        self.seen[owner(frame)] += 1


def owner(frame: FrameType | None) -> str:
    """The layer whose code runs; the standard library's work is its caller's."""
    while frame is not None:
        for part, name in LAYERS:
            if part in frame.f_code.co_filename:
                return name
        frame = frame.f_back
    return "other"


async def ask(worker: Worker, trials: Iterator[Trial], width: int) -> None:
    async def one_after_another() -> None:
        for trial in trials:
            reply = await worker(Call(endpoint=trial.endpoint, request=trial.request))
            assert isinstance(reply, Reply)
            assert isinstance(reply.result, Completion)

    await asyncio.gather(*(one_after_another() for _ in range(width)))


def profiled(base_url: str, *, total: int, width: int) -> dict[str, Any]:
    """Samples, and the share of each layer, largest first."""

    async def run() -> None:
        worker = open_worker()
        await ask(worker, load_trials(base_url, width), width)
        with sampler:
            await ask(worker, load_trials(base_url, total), width)
        await worker.aclose()

    sampler = Sampler()
    asyncio.run(run())
    seen = sampler.seen
    return {
        "samples": seen.total(),
        "shares": {name: count / seen.total() for name, count in seen.most_common()},
    }
