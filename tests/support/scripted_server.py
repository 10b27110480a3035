"""An OpenAI-compatible server in one script, with the faults that real ones have.

    python scripted_server.py PORT [--crash-at-start] [--crash-after SECONDS] [--unhealthy]
        [--never-answer] [--spawn PIDFILE [--escape]] [--key KEY]

Standard library only: it is started as a child process, in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options: argparse.Namespace
    answered = 0

    def do_GET(self) -> None:
        if self.path == "/metrics":
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
        text = {"text": "yes"} if "prompt" in body else {"message": {"content": "yes"}}
        self._reply(200, {"model": body["model"], "choices": [text], "pid": os.getpid()})

    def _reply(self, status: int, content: object) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--crash-at-start", action="store_true")
    parser.add_argument("--crash-after", type=float)
    parser.add_argument("--unhealthy", action="store_true")
    parser.add_argument("--never-answer", action="store_true")
    parser.add_argument("--spawn", type=Path)
    parser.add_argument("--escape", action="store_true")
    parser.add_argument("--key")
    options = parser.parse_args()
    if options.crash_at_start:
        print("loading weights\nCUDA error: out of memory\n\n", flush=True)  # noqa: T201
        return 3
    if options.spawn:
        grandchild = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            start_new_session=options.escape,
        )
        options.spawn.write_text(str(grandchild.pid))
    if options.crash_after is not None:
        threading.Timer(options.crash_after, lambda: os._exit(9)).start()
    Handler.options = options
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print("serving", time.monotonic(), flush=True)  # noqa: T201
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
