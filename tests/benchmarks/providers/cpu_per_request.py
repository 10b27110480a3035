"""CPU of one request: each wire of ours against the bare SDK, in one run, plain and streamed.

    python -m tests.benchmarks.providers.cpu_per_request

The server is a process of its own, so only the client's CPU is counted. Blocks of both sides
alternate; the medians of the blocks are compared.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from providers.opening import open_provider
from tests.benchmarks.providers import bare
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.vendors import WireCase, a_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

WORDS = 50
CONCURRENCY = 16
BLOCK = 96
ROUNDS = 6
MODULES = {
    "openai": "openai_server",
    "openai-compatible": "openai_server",
    "anthropic": "anthropic_server",
    "google": "google_server",
}


def fifty_words(_body: Body) -> Reply:
    """An answer of fifty words, so of fifty pieces when it is streamed."""
    usage = WireUsage(input_tokens=20, output_tokens=WORDS)
    return Reply(text=" ".join(["word"] * WORDS), usage=usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One wire and how the bare SDK asks over it."""

    wire: WireCase
    client: Callable[[str], Any]
    plain: Callable[[Any], bare.Ask]
    streamed: Callable[[Any], bare.Ask]


def contest(vendor: Any, api: Any, *asks: Any) -> Contest:
    client, plain, streamed = asks
    wire = WireCase(vendor=vendor, api=api)
    return Contest(wire=wire, client=client, plain=plain, streamed=streamed)


CONTESTS = (
    contest("openai-compatible", "chat", bare.openai_client, bare.ask_chat, bare.stream_chat),
    contest(
        "openai-compatible",
        "completions",
        bare.openai_client,
        bare.ask_completions,
        bare.stream_completions,
    ),
    contest("openai", "responses", bare.openai_client, bare.ask_responses, bare.stream_responses),
    contest(
        "anthropic", "messages", bare.anthropic_client, bare.ask_messages, bare.stream_messages
    ),
    contest("google", "generate-content", bare.google_client, bare.ask_google, bare.stream_google),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Milliseconds of CPU per request."""

    wire: str
    streamed: bool
    bare_ms: float
    ours_ms: float

    @property
    def over(self) -> float:
        """Our CPU over the bare SDK's, as a share."""
        return self.ours_ms / self.bare_ms - 1


@contextmanager
def serving(wire: WireCase) -> Iterator[str]:
    """A server of the wire's vendor in a process of its own; yields the base address."""
    module = f"tests.support.wire.{MODULES[wire.vendor]}"
    script = "tests.benchmarks.providers.cpu_per_request:fifty_words"
    command = [sys.executable, "-m", module, "--script", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def block(ask: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of CPU per request, over one block."""
    left = iter(range(BLOCK))

    async def work() -> None:
        for _ in left:
            await ask()

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return (time.process_time() - began) / BLOCK * 1000


async def compare(case: Contest, origin: str, *, streamed: bool) -> Row:
    """Run both sides in turns."""
    path = "/v1" if case.wire.vendor.startswith("openai") else ""
    client = case.client(origin + path)
    endpoint = replace(case.wire.endpoint_at(origin + path), transport="direct")
    provider = open_provider(endpoint, key="k")
    request = a_request(stream=streamed, temperature=None if "anthropic" in case.wire.name else 0.0)
    bare_ask = (case.streamed if streamed else case.plain)(client)

    async def our_ask() -> str:
        return (await provider.complete(request)).text

    assert await bare_ask() == await our_ask()
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        sides[0].append(await block(bare_ask))
        sides[1].append(await block(our_ask))
    await provider.aclose()
    await close(client)
    bare_ms, ours_ms = (statistics.median(side[1:]) for side in sides)
    return Row(wire=case.wire.name, streamed=streamed, bare_ms=bare_ms, ours_ms=ours_ms)


async def close(client: Any) -> None:
    """Close an SDK's client."""
    if hasattr(client, "aio"):
        await client.aio.aclose()
        client.close()
    else:
        await client.close()


def measure() -> list[Row]:
    """Every wire, plain and streamed."""
    rows: list[Row] = []
    for case in CONTESTS:
        with serving(case.wire) as origin:
            rows += [
                asyncio.run(compare(case, origin, streamed=streamed)) for streamed in (False, True)
            ]
    return rows


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = "| wire | | bare SDK, ms | ours, ms | over |\n|---|---|---|---|---|\n"
    lines = [
        f"| {row.wire} | {'streamed' if row.streamed else 'plain'} | {row.bare_ms:.2f} |"
        f" {row.ours_ms:.2f} | {row.over:+.0%} |\n"
        for row in rows
    ]
    return head + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(measure()))
