"""Makes as many calls as its case says, 64 at a time, and answers how long that took."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from openai import AsyncOpenAI

IN_FLIGHT = 64


async def burst(client: AsyncOpenAI, calls: int) -> float:
    turn = asyncio.Semaphore(IN_FLIGHT)

    async def one(number: int) -> None:
        async with turn:
            await client.chat.completions.create(
                model="big",
                messages=[{"role": "user", "content": f"call {number}"}],
                max_completion_tokens=8,
            )

    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(calls)))
    return time.monotonic() - began


async def main() -> None:
    async with AsyncOpenAI(max_retries=0, timeout=600) as client:
        for line in sys.stdin:
            case = json.loads(line)
            took_s = await burst(client, int(case["input"]))
            answer = {"id": case["id"], "answer": f"{took_s:.3f}"}
            print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    if os.environ.get("OPENAI_BASE_URL"):
        asyncio.run(main())
