"""Measures one replica behind an API: open-loop load at each rate that the search asks for.

Due times follow a Poisson process from a seeded generator.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from random import Random
from typing import TypeAlias

from harness.ask.probe.metrics import (
    GpuMeter,
    GpuReading,
    MetricName,
    summarise_gpus,
    summarise_load,
)
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


Tell: TypeAlias = Callable[[RateRun, float], None]
"""Is told of each run and its share of good requests."""
Found: TypeAlias = tuple[Goodput, tuple[RateRun, ...]]
Probing: TypeAlias = Callable[[Replica, ProbePlan, Tell], Found]
"""Measures as `probe` does."""


def probe(
    target: Replica,
    plan: ProbePlan,
    progress: Tell,
    *,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Found:
    """Search the goodput.

    `loop` makes the event loop of all calls; requests are sent when they are due by its clock.

    Raises:
        NoGoodputError: no rate is good enough, or none is too high.
    """
    runs: list[RateRun] = []
    with asyncio.Runner(loop_factory=loop) as runner:
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


def arrivals(rate_per_s: float, count: int, rng: Random) -> tuple[float, ...]:
    """Due times of `count` requests, in seconds since the start.

    With the same random numbers, twice the rate is the same pattern in half the time.
    """
    due = 0.0
    times: list[float] = []
    for _ in range(count):
        due += rng.expovariate(1.0) / rate_per_s
        times.append(due)
    return tuple(times)


Send: TypeAlias = Callable[[int], Awaitable[ProbedRequest]]
"""Sends the n-th request; times of the sample count from the call. Never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Tops the server up to `inside` requests when request `at` is due; those are not counted."""

    at: int
    inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """When a run is hopeless, and how long stragglers are waited for."""

    slo: Slo
    hopeless_share: float = 0.5
    """A run ends early once this share of all its requests are misses."""
    drain_s: float = 60.0
    fill: Fill | None = None


async def run_open_loop(
    send: Send, due: Sequence[float], plan: LoopPlan
) -> tuple[tuple[ProbedRequest, ...], bool]:
    """Send request n at `due[n]` seconds; samples in that order, and whether the run was cut.

    A request without an answer when the run ends is a miss, with the error `Unfinished`. Requests
    that fill the server up have numbers beyond those of `due`, and no samples.
    """
    loop = asyncio.get_running_loop()
    run = _Loop(send=send, due=due, plan=plan, start=loop.time())
    cut, sent = False, 0
    for number, due_s in enumerate(due):
        await asyncio.sleep(max(0.0, run.start + due_s - loop.time()))
        cut = run.misses + run.overdue() > plan.hopeless_share * len(due)
        if cut:
            break
        if plan.fill is not None and number == plan.fill.at:
            run.fill_up(plan.fill.inside)
        run.begin(number)
        sent += 1
    await run.end(0 if cut else plan.drain_s)
    return tuple(
        run.samples.get(number, ProbedRequest(due_s=due[number], error="Unfinished"))
        for number in range(sent)
    ), cut


@dataclass(slots=True, kw_only=True)
class _Loop:
    """A run under way."""

    send: Send
    due: Sequence[float]
    plan: LoopPlan
    start: float
    samples: dict[int, ProbedRequest] = field(default_factory=dict)
    misses: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    inside: dict[int, None] = field(default_factory=dict)
    """Numbers of the counted requests without an answer, the oldest first."""

    def begin(self, number: int) -> None:
        self.inside[number] = None
        self._spawn(self._counted(number))

    def fill_up(self, inside: int) -> None:
        for number in range(inside - len(self.tasks)):
            self._spawn(self._uncounted(len(self.due) + number))

    def overdue(self) -> int:
        """Requests still without an answer after their whole limit: misses already."""
        limit_s = self.plan.slo.total_s
        if limit_s is None:
            return 0
        before = asyncio.get_running_loop().time() - self.start - limit_s
        return sum(1 for _ in takewhile(lambda number: self.due[number] < before, self.inside))

    async def end(self, drain_s: float) -> None:
        tasks = tuple(self.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=drain_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _counted(self, number: int) -> None:
        late_s = asyncio.get_running_loop().time() - self.start - self.due[number]
        sample = _since_due(await self.send(number), self.due[number], late_s)
        self.samples[number] = sample
        self.misses += not sample.meets(self.plan.slo)
        del self.inside[number]

    async def _uncounted(self, number: int) -> None:
        await self.send(number)


def _since_due(sample: ProbedRequest, due_s: float, late_s: float) -> ProbedRequest:
    """Count a sample's times from when the request was due."""
    late_s = max(late_s, 0.0)
    return replace(
        sample,
        due_s=due_s,
        late_s=late_s,
        first_token_s=None if sample.first_token_s is None else sample.first_token_s + late_s,
        total_s=None if sample.total_s is None else sample.total_s + late_s,
    )
