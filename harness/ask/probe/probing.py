"""Measures one replica behind an API: one run at each rate that the search asks for."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from harness.ask.probe.metrics import (
    GpuMeter,
    GpuReading,
    MetricName,
    summarise_gpus,
    summarise_load,
)
from harness.ask.probe.open_loop import Fill, LoopPlan, arrivals, run_open_loop
from harness.ask.probe.probed_requests import (
    ProbedRequest,
    RateRun,
    Slo,
    Starts,
    good_share,
    run_seconds,
)
from harness.ask.probe.search import Goodput, GoodShare, NoGoodputError, SearchPlan, find_goodput
from providers.errors import ProviderError
from providers.provider import Provider
from providers.request import ModelRequest

if TYPE_CHECKING:
    MetricReadings: TypeAlias = Mapping[MetricName, float]


ALONE = 30
"""Requests, one after another, that meet an empty server before the search."""
_FEWEST = 5
"""Of them, before anything is said of the model."""
_HOPELESS = 0.002
"""So unlikely is what lone requests show that no rate is tried, if the model met its SLOs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Fixed before the first request."""

    slo: Slo
    search: SearchPlan
    seed: int
    """Of the arrivals and of the order of the prompts."""
    seconds: float | None = None
    """Length of a run, unless that is fewer than `least_requests`; None: `run_seconds`."""
    least_requests: int = 400
    sample_s: float = 1.0
    """How often the server's metrics and the GPUs are read."""
    drain_s: float = 60.0
    """Longest wait for stragglers, where the SLO has no total time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """What is measured. `open` is called inside the event loop that all calls use."""

    open: Callable[[], Provider]
    requests: tuple[ModelRequest, ...]
    metrics: Callable[[], MetricReadings] | None = None
    """Reads the server's own metrics; may block."""
    meter: GpuMeter | None = None
    no_meter: str | None = None
    """Why the GPUs are not seen."""


def probe(
    target: Replica, plan: ProbePlan, progress: Callable[[RateRun, float], None]
) -> tuple[Goodput, tuple[RateRun, ...]]:
    """Search the goodput; `progress` is told of each run and its share of good requests.

    Raises:
        NoGoodputError: no rate is good enough, or none is too high.
    """
    runs: list[RateRun] = []
    with asyncio.Runner() as runner:
        prober = runner.run(_opened(target, plan))

        def measure(rate: float, repeat: int) -> GoodShare:
            run = runner.run(prober.run(rate, repeat))
            share = good_share(run, plan.slo)
            runs.append(run)
            progress(run, share)
            unsettled = prober.starts.unsettled(run.counted_s)
            return GoodShare(good=share, cut=run.cut, unsettled=unsettled)

        try:
            return find_goodput(measure, runner.run(prober.look())), tuple(runs)
        finally:
            runner.run(prober.provider.aclose())


def check_alone(alone: Sequence[ProbedRequest], slo: Slo, good_share: float) -> None:
    """Refuse a model that misses its limits even where nothing else is asked of it.

    Raises:
        NoGoodputError: so few are good by chance in one of 500 cases at most.
    """
    count = len(alone)
    good = sum(sample.meets(slo) for sample in alone)
    chance = sum(
        math.comb(count, k) * good_share**k * (1 - good_share) ** (count - k)
        for k in range(good + 1)
    )
    if count >= _FEWEST and chance < _HOPELESS:
        errors = Counter(sample.error for sample in alone if sample.error is not None)
        said = "".join(f", {number} ended in {error}" for error, number in errors.most_common(1))
        raise NoGoodputError(
            f"only {good} of {count} requests are good when they are sent one by one{said}: "
            "this model does not meet the SLOs on this machine at any rate"
        )


async def _opened(target: Replica, plan: ProbePlan) -> _Prober:
    search = plan.search
    starts = Starts(slo=plan.slo, good_share=search.good_share, repeats=search.repeats)
    return _Prober(provider=target.open(), target=target, plan=plan, starts=starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prober:
    provider: Provider
    target: Replica
    plan: ProbePlan
    starts: Starts

    async def look(self) -> SearchPlan:
        """Ask alone, before the search; the plan with the lowest rate that makes sense."""
        chooser, search = self._random("alone"), self.plan.search
        # The first request after a start may load or compile what later ones find ready.
        await self._send(chooser.choice(self.target.requests))
        for _ in range(ALONE):
            self.starts.alone.append(await self._send(chooser.choice(self.target.requests)))
            # After each: thirty that time out would take half an hour to say the same.
            check_alone(self.starts.alone, self.plan.slo, search.good_share)
        least = max(search.least_per_s, self.starts.least_per_s)
        return replace(search, least_per_s=min(least, search.first_per_s))

    async def run(self, rate: float, repeat: int) -> RateRun:
        """One run. Within a repeat every rate sees the same arrivals and prompts, scaled."""
        plan, chooser = self.plan, self._random(f"{repeat}/prompts")
        # An empty queue first: what a run before this one left is done by then.
        self.starts.alone.append(await self._send(chooser.choice(self.target.requests)))
        shape = self.starts.shape(rate, repeat, self._count(rate, repeat))
        coming = arrivals(rate, shape.arriving, self._random(f"{repeat}/arrivals"))
        due = (*[0.0] * shape.at_once, *coming)
        chosen = [chooser.choice(self.target.requests) for _ in range(len(due) + shape.inside)]
        done = asyncio.Event()
        watch = asyncio.create_task(self._watch(done))
        loop_plan = LoopPlan(
            slo=plan.slo,
            drain_s=2 * (plan.slo.total_s or plan.drain_s / 2),
            fill=Fill(at=shape.at_once + shape.warm_up, inside=shape.inside),
        )
        samples, cut = await run_open_loop(
            lambda number: self._send(chosen[number]), due, loop_plan
        )
        done.set()
        server, gpu = await watch
        return RateRun(
            rate_per_s=rate,
            repeat=repeat,
            samples=samples[shape.at_once :],
            cut=cut,
            warm_up=shape.warm_up,
            server=summarise_load(server) if server else None,
            gpu=summarise_gpus(gpu),
        )

    def _count(self, rate: float, repeat: int) -> int:
        """Arrivals of a run; the rough search makes do with half the time."""
        plan = self.plan
        seconds = plan.seconds or run_seconds(plan.slo, self.starts.alone_s)
        share = 0.5 if repeat == plan.search.rough_repeat else 1.0
        return max(plan.least_requests, round(rate * seconds * share))

    def _random(self, of: str) -> Random:
        return Random(f"{self.plan.seed}/{of}")  # noqa: S311  # no secret

    async def _send(self, request: ModelRequest) -> ProbedRequest:
        try:
            completion = await self.provider.complete(replace(request, stream=True))
        except ProviderError as error:
            return ProbedRequest(due_s=0.0, error=type(error).__name__)
        usage, timing = completion.usage, completion.timing
        return ProbedRequest(
            due_s=0.0,
            first_token_s=timing.first_token_s,
            inter_token_s=timing.inter_token_s,
            total_s=timing.total_s,
            input_tokens=None if usage is None else usage.input_tokens,
            output_tokens=None if usage is None else usage.output_tokens,
        )

    async def _watch(self, done: asyncio.Event) -> tuple[list[MetricReadings], list[GpuReading]]:
        """Read metrics and GPUs until the run is done, and once after."""
        server: list[MetricReadings] = []
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
