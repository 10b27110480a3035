"""What a probe writes down of the engine."""

from __future__ import annotations

from pathlib import Path

from harness.config.probe_file import EngineEntry
from harness.config.workspace import load_workspace
from harness.probe.featured import engine_of
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
