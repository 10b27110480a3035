"""Every call of a review leaves as a span, and the spans are a log that we read ourselves."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import click
import pytest

from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format
from harness.bring.logs.measuring import measure
from harness.cli.cycle.review import exit_code, tell
from harness.conduct.listening import Planned, Quiet
from harness.conduct.running import RunSettings, run
from harness.conduct.span_target import SpanTarget
from harness.errors import ExitCode, Faults, InterruptedRunError, UsageError
from harness.journal.run_calls import calls_of_run
from harness.money.traffic import write_weeks
from harness.plan.planning import Selection, plan_review
from harness.tell.spans import export_requests
from harness.workspace.workspace import load_workspace
from tests.support.call_logs import jsonl
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.journal.run_calls import RunAttempt

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("w")


@pytest.fixture(scope="module")
def calls(root: Path) -> tuple[RunAttempt, ...]:
    """The calls of a review over a scripted server."""
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(cases=120, candidates="good"))
        run_review(root, cluster)
        asked = len(server.log.calls)
    found = tuple(calls_of_run(root / ".rightsize" / "journal.sqlite", "run-1"))
    assert len(found) == asked == 240
    return found


def week_of(path: Path) -> str:
    with CallLog(LogIntake(now=datetime.now(UTC), threads=1)) as log:
        log.add(path, find_format(path))
        found = measure(log)
    assert found is not None
    assert [each.feature for each in found.features] == ["tickets"]
    return write_weeks(found.weeks)


def test_our_own_import_reads_the_spans_to_the_same_table(
    calls: tuple[RunAttempt, ...], tmp_path: Path
) -> None:
    path = tmp_path / "spans.jsonl"
    SpanTarget(str(path)).send(export_requests(calls, run="run-1", version="1"))
    rows = [
        {
            "timestamp": call.attempt.started_at,
            "feature": call.feature,
            "request_id": str(call.row),
            "input_tokens": call.attempt.usage.input_tokens,
            "output_tokens": call.attempt.usage.output_tokens,
            "cached_tokens": call.attempt.usage.cache_read_tokens,
            "cache_written_tokens": call.attempt.usage.cache_write_tokens,
        }
        for call in calls
        if call.attempt.usage is not None
    ]
    assert len(rows) == 240
    assert week_of(path) == week_of(jsonl(tmp_path / "own.jsonl", rows))


def test_a_span_has_the_current_names_and_no_text_of_a_case(calls: tuple[RunAttempt, ...]) -> None:
    (line,) = export_requests(calls, run="run-1", version="1")
    assert "Ticket number" not in line
    assert "t-0" not in line
    (group,) = json.loads(line)["resourceSpans"]
    spans = group["scopeSpans"][0]["spans"]
    assert len({span["spanId"] for span in spans}) == 240
    assert {len(span["traceId"]) for span in spans} == {32}
    names = {pair["key"]: pair["value"] for pair in spans[0]["attributes"]}
    assert names["gen_ai.operation.name"] == {"stringValue": "chat"}
    assert names["gen_ai.usage.input_tokens"] == {"intValue": "80"}
    assert names["gen_ai.request.model"]["stringValue"] in {"big", "good"}
    assert spans[0]["endTimeUnixNano"] > spans[0]["startTimeUnixNano"]


def test_a_call_of_unknown_duration_has_no_end(calls: tuple[RunAttempt, ...]) -> None:
    call = replace(calls[0], attempt=replace(calls[0].attempt, total_s=None))
    (line,) = export_requests([call], run="run-1", version="1")
    (group,) = json.loads(line)["resourceSpans"]
    (span,) = group["scopeSpans"][0]["spans"]
    assert "endTimeUnixNano" not in span
    assert span["startTimeUnixNano"] != "0"


class Collector(BaseHTTPRequestHandler):
    """Takes spans, or answers with the code in its path."""

    bodies: list[bytes]
    endless = False
    sent = 0
    """Bytes of an answer without end that were taken."""

    def do_POST(self) -> None:
        type(self).bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        try:
            while self.endless and self.sent < 64 * 2**20:
                self.wfile.write(b" " * 2**16)
                type(self).sent += 2**16
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.bodies = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_on_loopback_takes_them(calls: tuple[RunAttempt, ...], collector: str) -> None:
    lines = list(export_requests(calls * 3, run="run-1", version="1"))
    assert SpanTarget(f"{collector}/v1/traces/200").send(lines) == 2
    assert [body.decode() for body in Collector.bodies] == lines


@pytest.mark.parametrize("code", [404, 500, 302])
def test_a_collector_that_does_not_take_them_is_told(collector: str, code: int) -> None:
    with pytest.raises(UsageError, match=f"answered {code}"):
        SpanTarget(f"{collector}/{code}").send(["{}"])


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1/traces"


def planned_at(root: Path) -> Planned:
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    return Planned(workspace=workspace, plan=plan, now=NOW, faults=Faults())


@pytest.fixture
def as_run_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A review's run is the one whose calls are in the journal."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "run-1")


@pytest.mark.parametrize("to", ["nobody", "429", "/dev/full"])
@pytest.mark.usefixtures("calls", "as_run_1")
def test_records_and_documents_are_written_whoever_takes_no_spans(
    root: Path,
    tmp_path: Path,
    collector: str,
    to: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = {"nobody": nobody_listens(), "/dev/full": to}.get(to, f"{collector}/v1/{to}")
    told = RunSettings(out=tmp_path, otlp=SpanTarget(target), found=tell)
    with click.Context(click.Command("review")):
        found = run(planned_at(root), told)
    assert exit_code(found) == ExitCode.USAGE_ERROR
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"--otlp {target}: ")
    assert said.endswith("; not all calls of this run left as spans, all else is kept")
    written = {path.name for path in (tmp_path / CYCLE).rglob("*") if path.is_file()}
    assert {"tickets.md", "tickets.html", "index.html", "tickets.json"} <= written


@pytest.mark.usefixtures("calls", "as_run_1")
def test_an_interrupted_review_stays_one_whoever_takes_no_spans(root: Path, tmp_path: Path) -> None:
    class Noting(Quiet):
        def note(self, text: str) -> None:
            notes.append(text)

    def interrupted() -> datetime:
        raise InterruptedRunError("stopped")

    notes: list[str] = []
    feature = root / "features" / "tickets.yaml"
    before = feature.read_text("utf-8")
    edit(feature, "[good]", "[good, bad]")  # It has no answers yet.
    target = nobody_listens()
    settings = RunSettings(
        out=tmp_path, otlp=SpanTarget(target), listener=Noting(), clock=interrupted
    )
    with pytest.raises(InterruptedRunError):
        run(planned_at(root), settings)
    feature.write_text(before, "utf-8")
    (said,) = notes
    assert said.startswith(f"warning: --otlp {target}: cannot be reached")


def test_a_collector_on_loopback_is_asked_past_a_proxy_and_its_reply_is_not_read_without_end(
    collector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(Collector, "endless", True)
    assert SpanTarget(f"{collector}/200").send(["{}"]) == 1
    assert Collector.sent < 64 * 2**20


def test_a_collector_that_speaks_no_http_is_told() -> None:
    def answer() -> None:
        link, _ = server.accept()
        with link:
            link.recv(65536)
            link.sendall(b"nothing of HTTP\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=answer, daemon=True)
        thread.start()
        target = SpanTarget(f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces")
        with pytest.raises(UsageError, match="cannot be reached"):
            target.send(["{}"])
        thread.join()


@pytest.mark.parametrize(
    "target",
    [
        "http://example.com/v1/traces",
        "ftp://127.0.0.1/x",
        "https://",
        "https://user:pw@example.com",
        "http://127.0.0.1:x/",
        "/nowhere/at/all.jsonl",
        ".",
    ],
)
def test_what_takes_no_spans_is_refused_before_a_call(target: str) -> None:
    with pytest.raises(UsageError, match="--otlp"):
        SpanTarget(target)
