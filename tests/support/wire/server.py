"""A scriptable HTTP server on 127.0.0.1, in a thread of its own.

Every request is counted by the SHA-256 of its canonical body before anything is answered, in
memory and, with `counts`, as one JSON line per request in a file, so that a test that kills the
client can still count at the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tests.support.wire.reply import Body, Reply, Script, always_ok

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


def body_hash(body: Body) -> str:
    """SHA-256 of a body's canonical JSON: the key of the counts."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Body
    raw: bytes = b""
    """The body as it came."""


@dataclass(slots=True)
class Log:
    """What has arrived so far; written by the server's thread, read by the test's."""

    counts_file: Path | None = None
    calls: list[Call] = field(default_factory=list)
    by_hash: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arrived(self, call: Call) -> None:
        """Count a request, durably, before it is answered."""
        key = body_hash(call.body)
        with self.lock:
            self.calls.append(call)
            self.by_hash[key] += 1
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            if self.counts_file is not None:
                with self.counts_file.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"path": call.path, "sha256": key}) + "\n")

    def ended(self) -> None:
        """The answer is out, or its connection is gone."""
        with self.lock:
            self.in_flight -= 1


def read_counts(path: Path) -> Counter[str]:
    """Requests by body hash, from a counts file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return Counter(json.loads(line)["sha256"] for line in lines)


def reset(request: web.Request) -> None:
    """Close the connection with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


LONGEST_S = 60.0
POLL_S = 0.01


async def until_it_may_be_sent(reply: Reply, part: bytes) -> None:
    """Wait for the event that a reply waits for."""
    while reply.may_send is not None and not reply.may_send(part):  # noqa: ASYNC110  # any thread's
        await asyncio.sleep(POLL_S)


class WireServer:
    """Base of the vendors' servers: thread, counting, faults; a vendor adds routes and bodies."""

    chat_paths: Sequence[str] = ()
    request_id_header: str | None = "x-request-id"
    stream_type = "text/event-stream"

    def __init__(
        self, script: Script = always_ok, *, port: int = 0, counts: Path | None = None
    ) -> None:
        self.script = script
        self.log = Log(counts_file=counts)
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._closing: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """Every request so far."""
        return self.log.calls

    @property
    def by_hash(self) -> Counter[str]:
        """Requests so far, by body hash."""
        return self.log.by_hash

    def start(self) -> Self:
        """Listen; returns when the port is open."""
        self._thread.start()
        assert self._ready.wait(LONGEST_S), "the server's thread does not come up"
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Close every connection, and end the thread."""
        closing = self._closing
        if closing is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(closing.set)
        self._thread.join(LONGEST_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait(self) -> None:
        """Block until the thread ends."""
        self._thread.join()

    def routes(self) -> list[web.RouteDef]:
        """The vendor's routes."""
        return [web.post(path, self.answer) for path in self.chat_paths]

    def document(self, call: Call, reply: Reply) -> Body:
        """The vendor's whole body of a plain answer."""
        raise NotImplementedError

    def frames(self, call: Call, reply: Reply) -> list[str]:
        """The vendor's SSE frames of a streamed answer."""
        raise NotImplementedError

    def raw_frames(self, call: Call, reply: Reply) -> list[bytes]:
        """The frames as they are sent."""
        return [frame.encode() for frame in self.frames(call, reply)]

    def error(self, reply: Reply) -> Body:
        """The vendor's error document."""
        raise NotImplementedError

    def is_streamed(self, call: Call) -> bool:
        """Whether the request asks for a stream."""
        return bool(call.body.get("stream"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Count, ask the script, and send what it says."""
        call = await read_call(request)
        self.log.arrived(call)
        try:
            reply = self.script(call.body)
            await asyncio.sleep(reply.delay_s)
            return await self._send(request, call, reply)
        except ConnectionResetError:
            return web.Response()
        finally:
            self.log.ended()

    async def _send(self, request: web.Request, call: Call, reply: Reply) -> web.StreamResponse:
        if reply.fault == "reset":
            reset(request)
            return web.Response(status=500)
        if reply.fault == "html":
            page = "<!doctype html><html><body>Bad gateway</body></html>"
            return web.Response(text=page, content_type="text/html", headers=reply.headers)
        if reply.status < 400 and self.is_streamed(call):
            return await self._send_stream(request, call, reply)
        return await self._send_whole(request, call, reply)

    async def _send_whole(
        self, request: web.Request, call: Call, reply: Reply
    ) -> web.StreamResponse:
        document = self.error(reply) if reply.status >= 400 else None
        text = reply.body or json.dumps(document or self.document(call, reply))
        raw = text.encode() if reply.raw is None else reply.raw
        response = web.StreamResponse(status=reply.status, headers=self.headers(reply))
        response.content_type = reply.content_type or "application/json"
        sent = raw[: len(raw) // 2] if reply.fault in {"truncated", "cut", "stall"} else raw
        response.content_length = len(raw if reply.fault in {"cut", "stall"} else sent)
        await until_it_may_be_sent(reply, sent)
        await response.prepare(request)
        await response.write(sent)
        await self._end(request, reply)
        await response.write_eof()
        return response

    async def _send_stream(
        self, request: web.Request, call: Call, reply: Reply
    ) -> web.StreamResponse:
        frames = [reply.body.encode()] if reply.body is not None else self.raw_frames(call, reply)
        if reply.raw is not None:
            frames = [reply.raw]
        if reply.fault == "stall":
            frames = frames[:2]
        elif reply.fault is not None:
            frames = frames[: max(1, len(frames) // 2)]
        response = web.StreamResponse(status=reply.status, headers=self.headers(reply))
        response.content_type = reply.content_type or self.stream_type
        await response.prepare(request)
        for number, frame in enumerate(frames):
            await asyncio.sleep(reply.piece_delay_s if number else 0)
            await until_it_may_be_sent(reply, frame)
            await response.write(frame)
        await self._end(request, reply)
        await response.write_eof()
        return response

    async def _end(self, request: web.Request, reply: Reply) -> None:
        if reply.fault == "stall" and self._closing is not None:
            await until_it_may_be_sent(reply, b"")
            await self._closing.wait()
        if reply.fault == "cut":
            reset(request)

    def headers(self, reply: Reply) -> dict[str, str]:
        """The headers of a reply."""
        name = self.request_id_header
        numbered = {} if name is None else {name: f"req-{len(self.log.calls)}"}
        return {**numbered, **reply.headers}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()
            self._cancel_rest()
            self._loop.close()

    def _cancel_rest(self) -> None:
        rest = asyncio.all_tasks(self._loop)
        for task in rest:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))

    async def _serve(self) -> None:
        self._closing = asyncio.Event()
        app = web.Application(client_max_size=64 * 2**20)
        app.add_routes(self.routes())
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=2048)
        try:
            await site.start()
            self._port = runner.addresses[0][1]
            self._ready.set()
            await self._closing.wait()
        finally:
            await runner.cleanup()


async def read_call(request: web.Request) -> Call:
    """The request as a value; a body that is not a JSON object counts as empty."""
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    return Call(
        method=request.method,
        path=request.path,
        query=request.query_string,
        headers=dict(request.headers),
        body=body if isinstance(body, dict) else {"": body},
        raw=raw,
    )
