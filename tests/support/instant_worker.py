"""A worker that answers at once without a wire: what is left is the engine's own work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from harness.ask.replay.calls import Call, Reply
from providers.completion import Completion, Timing, TokenUsage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FACTORY = "tests.support.instant_worker:open_instant_worker"
LATENCY_S = 0.02


async def answer(payload: object) -> Reply:
    call = cast("Call", payload)
    await asyncio.sleep(LATENCY_S)
    completion = Completion(
        text=f"answer to {call.request.messages[-1].text}",
        finish="stop",
        served_model="instant-1",
        request_id="r",
        usage=TokenUsage(input_tokens=20, output_tokens=5),
        timing=Timing(total_s=LATENCY_S),
    )
    return Reply(started_at="2026-11-24T00:00:00+00:00", result=completion, lagged=False)


def open_instant_worker() -> Callable[[object], Awaitable[Reply]]:
    return answer
