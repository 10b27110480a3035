"""A chat server that is a queue: so many slots, a service time each, first come first served.

    python queue_server.py '{"servers": 2, "service_s": 0.02, "constant": false, "seed": 1}'

prints its port and serves until its input ends. A request's departure is computed from the
departures before it, so a late timer delays one answer and never the queue. Streams one token.
`GET /metrics` speaks vLLM's names.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import subprocess
import sys
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class QueueServer:
    def __init__(self, *, servers: int, service_s: float, constant: bool, seed: int) -> None:
        self.free = [0.0] * servers
        self.servers = servers
        self.service_s = service_s
        self.constant = constant
        self.rng = Random(seed)
        self.inside = 0
        self.answered = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (int(line.split(":")[1]) for line in head.lower().split("\r\n")
                     if line.startswith("content-length")), 0
                )  # fmt: skip
                await reader.readexactly(length)
                if head.startswith("GET"):
                    self._plain(writer)
                else:
                    await self._answer(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _plain(self, writer: asyncio.StreamWriter) -> None:
        running = min(self.inside, self.servers)
        body = (
            f'vllm:num_requests_running{{engine="0"}} {running}\n'
            f'vllm:num_requests_waiting{{engine="0"}} {self.inside - running}\n'
            f'vllm:generation_tokens_total{{engine="0"}} {self.answered}\n'
        ).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        taken = self.service_s * (1.0 if self.constant else self.rng.expovariate(1.0))
        done = max(loop.time(), heapq.heappop(self.free)) + taken
        heapq.heappush(self.free, done)
        self.inside += 1
        try:
            await asyncio.sleep(done - loop.time())
        finally:
            self.inside -= 1
        self.answered += 1
        events = (
            {"choices": [{"index": 0, "delta": {"content": "yes"}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {
                "choices": [],
                "usage": {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8},
            },
        )
        common = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "queue"}
        body = "".join(f"data: {json.dumps(common | event)}\n\n" for event in events)
        data = f"{body}data: [DONE]\n\n".encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
            % len(data) + data
        )  # fmt: skip


async def main(options: dict[str, object]) -> None:
    queue = QueueServer(**options)  # type: ignore[arg-type]
    server = await asyncio.start_server(queue.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def queue_server(**options: object) -> Iterator[int]:
    child = subprocess.Popen(
        [sys.executable, __file__, json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline())
    finally:
        child.communicate()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
