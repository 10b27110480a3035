"""The files that a case passes between `cases.jsonl` and the page, traced in a real review.

One feature of 80 cases, two models on a server of this process, `rightsize review` as a user runs
it, Ray and its workers with it. `tests/house/tracer` notes each function of the product that is
entered with the first case in hand; the two models differ on that case, so the document names it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACER = Path(__file__).parent / "tracer"
CASES = 80
COMMAND = "import sys; from harness.cli.main import main; sys.exit(main())"
USAGE = {"prompt_tokens": 80, "completion_tokens": 2, "total_tokens": 82}
FILES = {
    "policy.yaml": """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
procedure: {kind: holm}
""",
    "features/tickets.yaml": """\
name: Ticket topic
owner: dana.ruiz@example.com
team: support
product: helpdesk
data: public
risk: low
agreed: {by: dana.ruiz, on: 2026-09-14}
incumbent: big
candidates: [small]
request: {max_output_tokens: 8}
traffic: {requests_per_month: 1000000, input_tokens: 80, output_tokens: 2, source: logs}
""",
    "evalsets/tickets/evalset.yaml": """\
cases: cases.jsonl
unit: tickets
source: {kind: written, targets: human}
primary: {scorer: exact}
""",
    "prompts/tickets/default.j2": "Topic of: {{ input }}\n",
}
MODEL = """\
{name}:
  provider: openai-compatible
  base_url: http://127.0.0.1:{port}/v1
  may_see: [public]
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
"""


def word(number: int) -> str:
    """What stands in everything that belongs to a case, and in nothing else."""
    return f"case{number:03}mark"


class Handler(BaseHTTPRequestHandler):
    """Answers with the case's word; the small model is wrong on every third."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        number = int(re.findall(r"case(\d+)mark", json.dumps(body["messages"]))[0])
        wrong = body["model"] == "small" and number % 3 == 0
        text = f"{'not ' if wrong else ''}about {word(number)}"
        reply = {"id": "c", "created": 1, "model": body["model"]}
        choice = {"index": 0, "finish_reason": "stop"}
        if body.get("stream"):
            chunks = ([{**choice, "delta": {"content": text}}], None), ([], USAGE)
            parts = [json.dumps({**reply, "choices": c, "usage": u}) for c, u in chunks]
            sent = "".join(f"data: {part}\n\n" for part in [*parts, "[DONE]"])
            self.send(sent, "text/event-stream")
            return
        message = {"role": "assistant", "content": text}
        whole = {**reply, "choices": [{**choice, "message": message}], "usage": USAGE}
        self.send(json.dumps(whole), "application/json")

    def send(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Nothing."""


@contextmanager
def serving() -> Iterator[int]:
    """The port of a server that answers for both models."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def write_workspace(root: Path, port: int) -> None:
    prices = {"big": "4", "small": "0.5"}
    models = (MODEL.format(name=name, port=port, price=price) for name, price in prices.items())
    lines = (
        {"id": f"t-{word(n)}", "input": f"Ticket {word(n)}", "target": f"about {word(n)}"}
        for n in range(CASES)
    )
    cases = "".join(f"{json.dumps(line)}\n" for line in lines)
    files = {**FILES, "models/all.yaml": "".join(models), "evalsets/tickets/cases.jsonl": cases}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def traced_review(root: Path, folder: Path) -> set[tuple[str, str, str]]:
    """Review with the code at `root`; (kind, file, function) of all that was noted."""
    noted = folder / "noted.tsv"
    environ = {
        **os.environ,
        "PYTHONPATH": f"{TRACER}{os.pathsep}{root}",
        "HOUSE_ROOT": str(root),
        "HOUSE_OUT": str(noted),
        "HOUSE_CASE": word(0),
    }
    with serving() as port:
        write_workspace(folder / "rightsizing", port)
        done = subprocess.run(
            [sys.executable, "-P", "-c", COMMAND, "review", "--cycle", "2026-Q4", "--yes"],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    page = folder / "rightsizing" / "reviews" / "2026-Q4" / "documents" / "tickets.md"
    if done.returncode or word(0) not in page.read_text(encoding="utf-8"):
        raise RuntimeError(f"the review did not tell of its case:\n{done.stdout}{done.stderr}")
    rows = (line.split("\t") for line in noted.read_text(encoding="utf-8").splitlines())
    return {(kind, file, function) for kind, file, function in rows}


def case_path(root: Path) -> dict[str, int | str]:
    """Files and functions that the case passed: by itself, and among others."""
    with tempfile.TemporaryDirectory(prefix="house-case-") as folder:
        noted = traced_review(root, Path(folder))
    alone = {(file, function) for kind, file, function in noted if kind == "alone"}
    either = {(file, function) for _, file, function in noted}
    return {
        "files that a case passes, in hand by itself": len({file for file, _ in alone}),
        "functions": len(alone),
        "files that a case passes, by itself or among others": len({file for file, _ in either}),
        "functions of these": len(either),
    }
