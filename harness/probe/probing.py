"""Measures one replica behind an API: runs at rates that the search asks for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from harness.probe.arrivals import arrivals
from harness.probe.gpu_meter import summarise_gpus
from harness.probe.metrics import summarise_load
from harness.probe.open_loop import LoopPlan, run_open_loop
from harness.probe.samples import Sample
from harness.probe.search import SearchPlan, Share, find_goodput
from harness.probe.summary import Run, good_share
from providers.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.probe.gpu_meter import GpuMeter, GpuReading
    from harness.probe.metrics import Reading
    from harness.probe.samples import Slo
    from harness.probe.search import Goodput
    from providers.provider import Provider
    from providers.request import ModelRequest

    Readings: TypeAlias = Mapping[Reading, float]


MEAN_WAIT = 0.4
"""Mean wait in a settled queue whose 90th percentile is the limit, as a share of the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Fixed before the first request."""

    slo: Slo
    search: SearchPlan
    seed: int
    """Of the arrivals and of the order of the prompts."""
    seconds: float = 60.0
    """Length of a run, unless that is fewer than `least_requests`."""
    least_requests: int = 400
    sample_s: float = 1.0
    """How often the server's metrics and the GPUs are read."""
    drain_s: float = 60.0
    """Longest wait for stragglers, where the SLO has no total time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is measured. `open` is called inside the event loop that all calls use."""

    open: Callable[[], Provider]
    requests: tuple[ModelRequest, ...]
    metrics: Callable[[], Readings] | None = None
    """Reads the server's own metrics; may block."""
    meter: GpuMeter | None = None
    no_meter: str | None = None
    """Why the GPUs are not seen."""


def probe(
    target: Target, plan: ProbePlan, progress: Callable[[Run, float], None]
) -> tuple[Goodput, tuple[Run, ...]]:
    """Search the goodput; `progress` is told of each run and its share of good requests.

    Raises:
        NoGoodputError: no rate is good enough, or none is too high.
    """
    runs: list[Run] = []
    with asyncio.Runner() as runner:
        prober = runner.run(_opened(target, plan))

        def measure(rate: float, repeat: int) -> Share:
            run = runner.run(prober.run(rate, repeat))
            share = good_share(run, plan.slo)
            runs.append(run)
            progress(run, share)
            return Share(good=share, cut=run.cut)

        try:
            return find_goodput(measure, plan.search), tuple(runs)
        finally:
            runner.run(prober.provider.aclose())


def queue_at_start(rate: float, alone: Sample, slo: Slo) -> int:
    """Requests to send at once at the start, as many as are inside when the queue has settled.

    A queue fills slowly: with 16 servers nearly full it takes minutes, and a run from an empty one
    finds every rate good. At the rate that is looked for the limit is the 90th percentile of a
    wait that is roughly exponential, whose mean is 1 / ln 10 = 0.43 of it; by Little's law the
    rate times (a request's time alone plus that mean wait) are inside. Other rates begin with more
    or fewer than they will have, and the warm-up is not counted.
    """
    if alone.total_s is None:
        return 0
    slacks = [
        limit - value
        for limit, value in (
            (slo.first_token_s, alone.first_token_s), (slo.total_s, alone.total_s),
        )
        if limit is not None and value is not None
    ]  # fmt: skip
    wait_s = MEAN_WAIT * max(min(slacks, default=0.0), 0.0)
    return round(rate * (alone.total_s + wait_s))


async def _opened(target: Target, plan: ProbePlan) -> _Prober:
    return _Prober(provider=target.open(), target=target, plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prober:
    provider: Provider
    target: Target
    plan: ProbePlan

    async def run(self, rate: float, repeat: int) -> Run:
        """One run. Within a repeat every rate sees the same arrivals and prompts, scaled."""
        plan = self.plan
        count = max(plan.least_requests, round(rate * plan.seconds))
        coming = arrivals(rate, count, Random(f"{plan.seed}/{repeat}/arrivals"))  # noqa: S311  # no secret
        chooser = Random(f"{plan.seed}/{repeat}/prompts")  # noqa: S311  # no secret
        # A request of its own in an empty queue: what a run before this one left is done by then.
        alone = await self._send(chooser.choice(self.target.requests))
        due = (*[0.0] * min(queue_at_start(rate, alone, plan.slo), count), *coming)
        chosen = [chooser.choice(self.target.requests) for _ in due]
        done = asyncio.Event()
        watch = asyncio.create_task(self._watch(done))
        loop_plan = LoopPlan(slo=plan.slo, drain_s=2 * (plan.slo.total_s or plan.drain_s / 2))
        samples, cut = await run_open_loop(
            lambda number: self._send(chosen[number]), due, loop_plan
        )
        done.set()
        server, gpu = await watch
        return Run(
            rate_per_s=rate,
            repeat=repeat,
            samples=samples[len(due) - count :],
            cut=cut,
            server=summarise_load(server) if server else None,
            gpu=summarise_gpus(gpu),
        )

    async def _send(self, request: ModelRequest) -> Sample:
        try:
            completion = await self.provider.complete(replace(request, stream=True))
        except ProviderError as error:
            return Sample(due_s=0.0, error=type(error).__name__)
        usage, timing = completion.usage, completion.timing
        return Sample(
            due_s=0.0,
            first_token_s=timing.first_token_s,
            inter_token_s=timing.inter_token_s,
            total_s=timing.total_s,
            input_tokens=None if usage is None else usage.input_tokens,
            output_tokens=None if usage is None else usage.output_tokens,
        )

    async def _watch(self, done: asyncio.Event) -> tuple[list[Readings], list[GpuReading]]:
        """Read metrics and GPUs until the run is done, and once after."""
        server: list[Readings] = []
        gpu: list[GpuReading] = []
        while True:
            last = done.is_set()
            if self.target.metrics is not None:
                server.append(await asyncio.to_thread(self.target.metrics))
            if self.target.meter is not None:
                gpu.append(self.target.meter.read())
            if last:
                return server, gpu
            try:
                await asyncio.wait_for(done.wait(), self.plan.sample_s)
            except TimeoutError:
                continue
