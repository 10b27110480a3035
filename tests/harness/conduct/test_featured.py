"""What a probe writes down of the engine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from harness.ask.probe.probed_requests import ProbedRequest, RateRun
from harness.ask.probe.search import Goodput, SearchPlan
from harness.conduct.preparing.probing_replica import Subject, engine_of, to_result
from harness.workspace.probe_file import EngineEntry
from harness.workspace.workspace import load_workspace
from tests.support.queue_server import queue_server
from tests.support.reviews import Shape, write_review_workspace

SERVED = """\
own:
  provider: openai-compatible
  may_see: [public, internal, customer]
  serve:
    engine: command
    command: [own-engine, --port, "{port}", --slots, "8"]
    args: [--dtype, int8]
"""


def test_an_engine_of_ones_own_is_written_down_with_its_whole_command(tmp_path: Path) -> None:
    write_review_workspace(tmp_path, 9, Shape(cases=120, candidates="good"))
    (tmp_path / "models" / "own.yaml").write_text(SERVED)
    with queue_server(servers=1, service_s=0.01, constant=True, seed=1) as port:
        found = engine_of(load_workspace(tmp_path), "own", f"http://127.0.0.1:{port}/v1")
    words = ("own-engine", "--port", "{port}", "--slots", "8", "--dtype", "int8")
    assert found == EngineEntry(name="command", version=None, args=words)


def written(root: Path, late_s: float) -> tuple[str, ...]:
    write_review_workspace(
        root, 9, Shape(cases=120, candidates="good", extra="latency: {p95_s: 2}")
    )
    workspace = load_workspace(root)
    samples = tuple(
        ProbedRequest(due_s=float(n), total_s=1.0, late_s=late_s if n % 20 == 0 else 0.0)
        for n in range(300)
    )
    subject = Subject(
        model="good", feature="tickets", source="probe", engine=EngineEntry(name="attached"),
        measured_at=datetime(2026, 10, 1, tzinfo=UTC), load_s=None,
    )  # fmt: skip
    goodput = Goodput(per_s=1.0, lower_per_s=0.9, upper_per_s=1.1)
    run = RateRun(rate_per_s=1.0, repeat=0, samples=samples, warm_up=60)
    return to_result(workspace, subject, (goodput, [run]), SearchPlan()).notes


def test_a_client_that_was_busy_itself_is_said(tmp_path: Path) -> None:
    repeated, late = written(tmp_path / "busy", 0.3)
    assert repeated.startswith("each of the 120 prompts was sent 2 times")
    assert late.startswith("5 % of the requests were sent more than 0.2 s late: this machine was")
    assert written(tmp_path / "idle", 0.1) == (repeated,)
