"""The least that the job can cost: one aiohttp session, a body of JSON, only the text read."""

from __future__ import annotations

import asyncio
import sys

import aiohttp


async def run(base_url: str, count: int, width: int) -> None:
    items = iter(range(count))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for item in items:
                asked = {
                    "model": "load-1",
                    "messages": [{"role": "user", "content": f"item-{item} is it?"}],
                    "max_tokens": 10,
                }
                async with session.post(f"{base_url}/chat/completions", json=asked) as reply:
                    found = await reply.json()
                assert found["choices"][0]["message"]["content"] == f"yes item-{item}"

        await asyncio.gather(*(work() for _ in range(width)))


if __name__ == "__main__":
    url, total, wide = sys.argv[1], *map(int, sys.argv[2:4])
    asyncio.run(run(url, total, wide))
