"""A server that keeps each request as the bytes that came, and answers with bytes it is given."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReply:
    """A reply; `cut` bytes of its body are kept back, and the connection is closed."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    resets: bool = False
    """Nothing is answered: the connection is reset."""

    def text(self) -> bytes:
        named = {"content-type": "application/json", **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        head = f"HTTP/1.1 {self.status} Said\r\n{lines}content-length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body[: len(self.body) - self.cut]


class RawServer:
    """Listens on loopback, in a thread of its own; `reply` may be changed between requests."""

    def __init__(self, reply: RawReply) -> None:
        self.reply = reply
        self.seen: list[bytes] = []
        self.open: set[asyncio.Transport] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        listening = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        )
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        listening.close()
        for transport in self.open:
            transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _Connection(asyncio.Protocol):
    """One connection, whose requests come one after the other."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        self._server.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        if not end or len(body) < (int(found[1]) if found else 0):
            return
        self._server.seen.append(self._came)
        self._came = b""
        reply = self._server.reply
        if reply.resets:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return
        self._transport.write(reply.text())
        if reply.cut:
            self._transport.close()
