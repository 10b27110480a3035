"""A real `Worker` whose provider does what the prompt says, and logs each call to a file."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import providers.errors
from harness.ask.replay.worker import Worker, utc_now
from providers.completion import Completion, Timing, TokenUsage

if TYPE_CHECKING:
    from providers.provider import Endpoint
    from providers.request import ModelRequest

FACTORY = "tests.support.scripted_worker:open_scripted_worker"
USAGE = TokenUsage(input_tokens=7, output_tokens=3)
UNBILLED = frozenset({"RateLimitedError", "AuthRejectedError"})


class PromptedProvider:
    """`number|step,step,...`: a finish, `nousage`, `sleep:S`, `bug`, or an error's class."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._seen: Counter[str] = Counter()

    async def complete(self, request: ModelRequest) -> Completion:
        text = request.messages[-1].text
        number, _, script = text.partition("|")
        steps = script.split(",")
        step = steps[min(self._seen[text], len(steps) - 1)]
        self._seen[text] += 1
        with self._log.open("a") as file:
            file.write(f"{number}\n")
        return await self._do(step, text)

    async def _do(self, step: str, text: str) -> Completion:
        verb, _, argument = step.partition(":")
        if verb == "bug":
            raise ZeroDivisionError
        if verb == "sleep":
            await asyncio.sleep(float(argument))
            verb = "stop"
        if verb.endswith("Error"):
            retry_after_s = float(argument) if argument else None
            billable = verb not in UNBILLED
            kind = getattr(providers.errors, verb)
            raise kind("scripted", status=499, retry_after_s=retry_after_s, billable=billable)
        return Completion(
            text=f"answer to {text}",
            finish="stop" if verb == "nousage" else verb,  # type: ignore[arg-type]
            served_model="small-2026",
            request_id="r1",
            usage=None if verb == "nousage" else USAGE,
            timing=Timing(total_s=0.01, first_token_s=0.005),
        )

    async def aclose(self) -> None:
        return


def open_scripted(endpoint: Endpoint) -> PromptedProvider:
    return PromptedProvider(Path(endpoint.base_url or ""))


def open_scripted_worker() -> Worker:
    return Worker(open_provider=open_scripted, utc_now=utc_now)
