"""The best hand-written script: the openai SDK on its aiohttp back end, a semaphore, gather.

Prints the span (first request to last answer) and the process's CPU seconds as JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import openai


async def run(base_url: str, first: int, count: int, concurrency: int) -> float:
    client = openai.AsyncOpenAI(
        api_key="none",
        base_url=base_url,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(),
    )
    items = iter(range(first, first + count))

    async def work() -> None:
        for item in items:
            reply = await client.chat.completions.create(
                model="load-1",
                messages=[{"role": "user", "content": f"item-{item} is it?"}],
                max_tokens=10,
            )
            assert reply.choices[0].message.content == f"yes item-{item}"

    began = time.monotonic()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    span = time.monotonic() - began
    await client.close()
    return span


if __name__ == "__main__":
    url, start, total, width = sys.argv[1], *map(int, sys.argv[2:5])
    span_s = asyncio.run(run(url, start, total, width))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"span_s": span_s, "cpu_s": used.ru_utime + used.ru_stime}))  # noqa: T201
