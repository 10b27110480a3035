"""Sends requests when they are due, whether or not earlier ones are done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from harness.probe.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from harness.probe.samples import Slo

    Send: TypeAlias = Callable[[int], Awaitable[Sample]]
    """Sends the n-th request; times of the sample count from the call. Never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """When a run is hopeless, and how long stragglers are waited for."""

    slo: Slo
    hopeless_share: float = 0.5
    """A run ends early once so many of all its requests are misses."""
    drain_s: float = 60.0


async def run_open_loop(
    send: Send, due: Sequence[float], plan: LoopPlan
) -> tuple[tuple[Sample, ...], bool]:
    """Send request n at `due[n]` seconds; samples in that order, and whether the run was cut.

    A request without an answer when the run ends is a miss, with the error `Unfinished`.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    samples: dict[int, Sample] = {}
    misses = 0

    async def one(number: int) -> None:
        nonlocal misses
        late_s = loop.time() - start - due[number]
        samples[number] = _since_due(await send(number), due[number], late_s)
        misses += not samples[number].meets(plan.slo)

    tasks: list[asyncio.Task[None]] = []
    cut = False
    for number, due_s in enumerate(due):
        await asyncio.sleep(max(0.0, start + due_s - loop.time()))
        overdue = _overdue(due[:number], samples, loop.time() - start, plan.slo)
        cut = misses + overdue > plan.hopeless_share * len(due)
        if cut:
            break
        tasks.append(asyncio.create_task(one(number)))
    if tasks:
        await asyncio.wait(tasks, timeout=0 if cut else plan.drain_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sent = range(len(tasks))
    return tuple(
        samples.get(number, Sample(due_s=due[number], error="Unfinished")) for number in sent
    ), cut


def _overdue(due: Sequence[float], samples: dict[int, Sample], now_s: float, slo: Slo) -> int:
    """Requests still without an answer after their whole limit: misses already."""
    if slo.total_s is None:
        return 0
    return sum(
        number not in samples and now_s - due_s > slo.total_s for number, due_s in enumerate(due)
    )


def _since_due(sample: Sample, due_s: float, late_s: float) -> Sample:
    """Count a sample's times from when the request was due."""
    late_s = max(late_s, 0.0)
    return replace(
        sample,
        due_s=due_s,
        late_s=late_s,
        first_token_s=None if sample.first_token_s is None else sample.first_token_s + late_s,
        total_s=None if sample.total_s is None else sample.total_s + late_s,
    )
