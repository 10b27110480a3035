"""An OpenAI-compatible server in one script, with the faults that real ones have.

    python scripted_server.py PORT [--crash-at-start] [--crash-when FILE] [--unhealthy]
        [--never-answer] [--busy-until FILE] [--spawn PIDFILE [--escape]]
        [--key KEY | --key-from VARIABLE] [--no-metrics] [--tickets [--flaky N]]

With `--tickets` it reads "Ticket number N" and is right on every one: billing for odd numbers. With
`--flaky N` every N-th answer is wrong, whatever is asked: it does not answer alike twice.

With `--crash-when FILE` it falls over as soon as the file is there. With `--busy-until FILE` it is
as if asked all the time until the file is there: each look at `/metrics` finds one token more, and
leaves one byte more in FILE.looks.

Standard library only: it is started as a child process, in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USAGE = {"prompt_tokens": 80, "completion_tokens": 2, "total_tokens": 82}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options: argparse.Namespace
    answered = 0

    def do_GET(self) -> None:
        if self.path == "/metrics" and self.options.no_metrics:
            self._reply(404, {"error": "no such page"})
        elif self.path == "/metrics":
            self._note_look()
            self._send(200, f"# HELP t\ntoy:tokens_total {type(self).answered}\n".encode())
        else:
            self._reply(503 if self.options.unhealthy else 200, {"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.options.never_answer:
            self._reply(503, {"error": "loading"})
            return
        if self.options.key and self.headers["authorization"] != f"Bearer {self.options.key}":
            self._reply(401, {"error": "key"})
            return
        type(self).answered += 1
        answer = self._answer(json.dumps(body))
        if body.get("stream"):
            self._stream(body["model"], answer)
            return
        text = {"text": answer} if "prompt" in body else {"message": {"content": answer}}
        choice = {"index": 0, "finish_reason": "stop", **text}
        self._reply(200, {"model": body["model"], "choices": [choice], "usage": USAGE})

    def _note_look(self) -> None:
        busy = self.options.busy_until
        if busy and not busy.exists():
            type(self).answered += 1
            with busy.with_name(f"{busy.name}.looks").open("a") as looks:
                looks.write(".")

    def _stream(self, model: str, answer: str) -> None:
        choice = {"index": 0, "delta": {"content": answer}, "finish_reason": "stop"}
        chunks = ({"choices": [choice]}, {"choices": [], "usage": USAGE})
        lines = [json.dumps({"id": "c", "model": model, **chunk}) for chunk in chunks]
        text = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])
        self._send(200, text.encode(), "text/event-stream")

    def _answer(self, body: str) -> str:
        found = re.search(r"Ticket number (\d+)", body)
        if not self.options.tickets or found is None:
            return "yes"
        odd = int(found[1]) % 2
        if self.options.flaky and type(self).answered % self.options.flaky == 0:
            odd = 1 - odd
        return "billing" if odd else "technical"

    def _reply(self, status: int, content: object) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, data: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


class Server(ThreadingHTTPServer):
    """A client that goes away is no event: the log's last line stays ours."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def crash_when(file: Path) -> None:
    while not file.exists():
        time.sleep(0.02)
    os._exit(9)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--crash-at-start", action="store_true")
    parser.add_argument("--crash-when", type=Path)
    parser.add_argument("--busy-until", type=Path)
    parser.add_argument("--unhealthy", action="store_true")
    parser.add_argument("--never-answer", action="store_true")
    parser.add_argument("--spawn", type=Path)
    parser.add_argument("--escape", action="store_true")
    parser.add_argument("--key")
    parser.add_argument("--key-from")
    parser.add_argument("--no-metrics", action="store_true")
    parser.add_argument("--tickets", action="store_true")
    parser.add_argument("--flaky", type=int)
    options = parser.parse_args()
    if options.key_from:
        options.key = os.environ[options.key_from]
    if options.crash_at_start:
        print("loading weights\nCUDA error: out of memory\n\n", flush=True)  # noqa: T201
        return 3
    if options.spawn:
        grandchild = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            start_new_session=options.escape,
        )
        options.spawn.write_text(str(grandchild.pid))
    if options.crash_when:
        threading.Thread(target=crash_when, args=(options.crash_when,), daemon=True).start()
    Handler.options = options
    server = Server(("127.0.0.1", options.port), Handler)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
    print(f"GPUs {seen}, serving", time.monotonic(), flush=True)  # noqa: T201
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
