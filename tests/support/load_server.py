"""A fast server for load, of Chat Completions and Messages: raw asyncio, everything counted.

It answers at a set latency, may hold answers until it is told to give them, may fail a share of
requests in five ways, and may enforce request and token limits which it states in OpenAI's or
Anthropic's headers. A prompt starts with its item's name; counts are by item. `GET /stats` returns
them, `GET /allow/N` answers what is held, and holds again what comes after the N-th request.

`python -m tests.support.load_server '{"latency_s": 0.2}'` prints its port and serves until its
input ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ITEM = re.compile(rb'"(?:content|text)": ?"([^ "]+)')
MESSAGES = b"/v1/messages"
ALLOWED = re.compile(rb"GET /allow/(\w+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
FAULTS = ("429", "500", "reset", "stall", "truncated")
INPUT_TOKENS, OUTPUT_TOKENS = 20, 5
REASONS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    latency_s: float = 0.0
    shuffle_s: float = 0.0
    """Extra latency, uniform up to so much, by `seed`."""
    fault_share: float = 0.0
    """Share of requests for *each* fault."""
    seed: int = 1
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None
    hold_after: int | None = None
    """Requests beyond so many wait until more are allowed."""
    style: str | None = None
    """`openai` or `anthropic`: headers that state the limits."""


class Bucket:
    """Refills evenly; full at the start."""

    def __init__(self, per_minute: int | None) -> None:
        self.limit = per_minute
        self.level = float(per_minute or 0)
        self.at = time.monotonic()

    def fill(self) -> None:
        if self.limit is not None:
            now = time.monotonic()
            self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60)
            self.at = now

    def fits(self, amount: float) -> bool:
        return self.limit is None or self.level >= amount

    def wait_s(self, amount: float) -> float:
        if self.limit is None:
            return 0.0
        return max(0.0, (amount - self.level) * 60 / self.limit)


@dataclass
class Stats:
    requests: int = 0
    answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    first_s: float | None = None
    first_answer_s: float | None = None
    last_s: float | None = None
    faults: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    accepted_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)


class Server:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.stats = Stats()
        self.rng = Random(behaviour.seed)
        self.waiting: list[Callable[[], None]] = []
        self.most = float("inf") if behaviour.hold_after is None else behaviour.hold_after
        """Requests that are answered; further ones wait."""
        self.limits = (
            ("requests", Bucket(behaviour.requests_per_minute), 1),
            ("tokens", Bucket(behaviour.tokens_per_minute), INPUT_TOKENS + OUTPUT_TOKENS),
            ("output-tokens", Bucket(behaviour.output_tokens_per_minute), OUTPUT_TOKENS),
        )
        """Name, what is left, and what a call takes of it."""

    def limit_headers(self) -> str:
        lines = []
        for name, bucket, _ in self.limits:
            if bucket.limit is None or self.behaviour.style is None:
                continue
            reset_s = bucket.wait_s(bucket.limit)
            if self.behaviour.style == "openai":
                lines += [
                    f"x-ratelimit-limit-{name}: {bucket.limit}",
                    f"x-ratelimit-remaining-{name}: {int(bucket.level)}",
                    f"x-ratelimit-reset-{name}: {reset_s:.3f}s",
                ]
            else:
                end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW() + reset_s))
                lines += [
                    f"anthropic-ratelimit-{name}-limit: {bucket.limit}",
                    f"anthropic-ratelimit-{name}-remaining: {int(bucket.level)}",
                    f"anthropic-ratelimit-{name}-reset: {end}",
                ]
        return "".join(f"{line}\r\n" for line in lines)

    def admit(self) -> float:
        """0 when the limits have room, else seconds to wait."""
        for _, bucket, _ in self.limits:
            bucket.fill()
        if all(bucket.fits(used) for _, bucket, used in self.limits):
            for _, bucket, used in self.limits:
                bucket.level -= used
            return 0.0
        return max(0.001, *(bucket.wait_s(used) for _, bucket, used in self.limits))

    def answer_later(self, answered: Callable[[], None]) -> None:
        """At the latency, or when the held ones are let go."""
        if self.stats.requests > self.most:
            self.waiting.append(answered)
        else:
            asyncio.get_running_loop().call_later(self.latency(), answered)

    def allow(self, most: float) -> None:
        """Answer so many requests of all; of those that wait, all."""
        self.most = most
        while self.waiting:
            self.waiting.pop(0)()

    def fault(self) -> str | None:
        share = self.behaviour.fault_share
        place = self.rng.random() / share if share else len(FAULTS)
        return FAULTS[int(place)] if place < len(FAULTS) else None

    def latency(self) -> float:
        extra = self.rng.random() * self.behaviour.shuffle_s if self.behaviour.shuffle_s else 0.0
        return self.behaviour.latency_s + extra


def NOW() -> float:  # noqa: N802
    return time.clock_gettime(time.CLOCK_REALTIME)


def head(status: int, length: int, extra: str = "") -> bytes:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(NOW()))
    return (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ndate: {date}\r\n"
        f"content-type: application/json\r\n{extra}content-length: {length}\r\n\r\n"
    ).encode()


def answer(item: str) -> bytes:
    return json.dumps(
        {
            "id": f"chatcmpl-{item}",
            "object": "chat.completion",
            "created": 1,
            "model": "load-1",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": f"yes {item}"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": INPUT_TOKENS,
                "completion_tokens": OUTPUT_TOKENS,
                "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            },
        }
    ).encode()


def message(item: str) -> bytes:
    """The same answer in Anthropic's form."""
    return json.dumps(
        {
            "id": f"msg_{item}",
            "type": "message",
            "role": "assistant",
            "model": "load-1",
            "content": [{"type": "text", "text": f"yes {item}"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
        }
    ).encode()


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = LENGTH.search(self.buffer, 0, end)
        size = end + 4 + (int(found[1]) if found else 0)
        if len(self.buffer) >= size:
            asked, self.buffer = self.buffer[:size], self.buffer[size:]
            self.asked(asked)

    def asked(self, request: bytes) -> None:
        server, stats = self.server, self.server.stats
        if request.startswith(b"GET"):
            if found := ALLOWED.match(request):
                server.allow(float(found[1]))
            body = json.dumps(vars(stats)).encode()
            self.transport.write(head(200, len(body)) + body)
            return
        now = time.monotonic()
        found = ITEM.search(request)
        item = found[1].decode() if found else "?"
        stats.requests += 1
        stats.items[item] += 1
        stats.in_flight += 1
        stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
        stats.first_s = stats.first_s or now
        wait_s = server.admit()
        if wait_s > 0:
            stats.refused_at.append(now)
            self.finish(429, b'{"error": {"code": "rate_limit_exceeded"}}', wait_s)
            return
        stats.accepted_at.append(now)
        body_of = message if MESSAGES in request[:80] else answer
        server.answer_later(partial(self.reply, item, body_of))

    def reply(self, item: str, body_of: Callable[[str], bytes]) -> None:
        server, stats = self.server, self.server.stats
        fault = server.fault()
        if fault is not None:
            stats.faults[fault] += 1
        match fault:
            case "429":
                self.finish(429, b'{"error": {"code": "rate_limit_exceeded"}}', 0.1)
            case "500":
                self.finish(500, b'{"error": {"code": "server_error"}}')
            case "reset":
                stats.in_flight -= 1
                self.transport.abort()
            case "stall":
                stats.in_flight -= 1
            case "truncated":
                body = body_of(item)
                self.transport.write(head(200, len(body)) + body[: len(body) // 2])
                self.transport.close()
                stats.in_flight -= 1
            case _:
                stats.answered += 1
                stats.input_tokens += INPUT_TOKENS
                stats.output_tokens += OUTPUT_TOKENS
                self.finish(200, body_of(item))

    def finish(self, status: int, body: bytes, retry_after_s: float | None = None) -> None:
        stats = self.server.stats
        stats.in_flight -= 1
        stats.last_s = time.monotonic()
        stats.first_answer_s = stats.first_answer_s or stats.last_s
        extra = self.server.limit_headers()
        if retry_after_s is not None:
            extra += f"retry-after: {retry_after_s:.3f}\r\n"
        self.transport.write(head(status, len(body), extra) + body)


async def serve(behaviour: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    server = Server(behaviour)
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=4096)
    print(listening.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await loop.run_in_executor(None, sys.stdin.read)


class Running:
    """A load server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def allow(self, most: float = float("inf")) -> None:
        """Answer what waits; hold what comes after so many requests."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/allow/{most}"):
            pass

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as reply:
            return json.load(reply)


@contextmanager
def load_server(**behaviour: Any) -> Iterator[Running]:
    """Serve until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.load_server", json.dumps(behaviour)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Running(process, int(process.stdout.readline()))
    finally:
        process.communicate()


if __name__ == "__main__":
    asyncio.run(serve(Behaviour(**json.loads(sys.argv[1]))))
