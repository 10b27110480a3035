"""A service of a team's that answers cases by POST, asking a model through the gateway."""

from __future__ import annotations

import json
import time
import urllib.request
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answering(BaseHTTPRequestHandler):
    seen: list[dict[str, str]]

    def do_POST(self) -> None:  # the library's name
        case = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append(dict(self.headers.items()))
        order, _, said = case["input"].partition(" ")
        if order == "call":
            said = f"{self._ask(case['id'])} {said}"
        status = 500 if "crash" in said else 302 if "elsewhere" in said else 200
        if "hang" in said:
            time.sleep(600)
        answer = {"id": case["id"], "answer": said}
        body = json.dumps({**answer, "more": 1} if "babble" in said else answer, indent=1).encode()
        body = b"x" * 2**21 if "flood" in said else body
        self.send_response(status)
        self.send_header("location", "http://169.254.169.254/")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def _ask(self, text: str) -> str:
        body = {"model": "big", "messages": [{"role": "user", "content": text}], "max_tokens": 8}
        request = urllib.request.Request(  # noqa: S310  # the gateway
            f"{self.headers['rightsize-gateway']}/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.headers['rightsize-token']}"},
        )
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            return str(json.load(reply)["choices"][0]["message"]["content"])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def answering() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Its address, and the headers of each request."""
    seen: list[dict[str, str]] = []
    handler = type("Handler", (Answering,), {"seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/answer", seen
    finally:
        server.shutdown()
        server.server_close()
