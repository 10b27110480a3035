"""Open-loop load: sends requests when they are due, whether or not earlier ones are done.

Due times follow a Poisson process from a seeded generator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from harness.ask.probe.probed_requests import ProbedRequest, Slo


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


if TYPE_CHECKING:
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
