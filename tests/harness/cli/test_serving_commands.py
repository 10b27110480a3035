"""`rightsize probe` and `rightsize serving` as a person calls them."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.ask.serving.states import ProcessMark, ServerState, mark_of, write_state
from harness.cli.main import run
from harness.conduct.preparing.probing_replica import slo_of
from harness.errors import ExitCode, UsageError
from harness.workspace.probe_file import probe_path, read_probe
from harness.workspace.workspace import load_workspace
from tests.support.clocked_queue import clocked_queue
from tests.support.reviews import Shape, write_review_workspace

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"
SERVED = f"""\
own:
  provider: openai-compatible
  may_see: [public, internal, customer]
  gpu: h100
  serve: {{engine: command, command: [{sys.executable}, {SCRIPT}, "{{port}}"], ttl_s: 60}}
"""
PRICE = "price: [{from: 2026-09-01, input: 0.1, output: 0.1, source: quote}]"


def workspace(root: Path, port: int = 9, latency: str = "latency: {p95_s: 0.5}") -> Path:
    write_review_workspace(root, port, Shape(cases=120, candidates="good", extra=latency))
    (root / "models" / "own.yaml").write_text(SERVED)
    policy = root / "policy.yaml"
    quota = "gpu_quota: {search: 0}\ngpus: {h100: {on_demand: 4, as_of: 2026-10-01, source: q}}\n"
    policy.write_text(policy.read_text() + quota)
    return root


def test_a_probe_is_written_with_its_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--seconds", "0.2", "--requests", "16", "--repeats", "2", "--first", "40"]
    with clocked_queue(0.008) as queue:
        root = workspace(tmp_path, queue.port, "latency: {p95_s: 0.1}")
        command = ["probe", "good", "-f", "tickets", "-w", str(root), *arguments]
        assert run(command, obj=queue.probe) == ExitCode.OK
    text = capsys.readouterr().out
    result = read_probe(probe_path(root, "good", "tickets"))
    assert f"sha256 {result.sha256[:12]}" in text
    assert "search: 40/s, 16 requests" in text
    assert "repeat 2: " in text
    # One slot of 8 ms serves 125 a second, and so short a run a few more in time.
    assert 40 < result.goodput.per_s < 250
    assert max(entry.client_late_s for entry in result.rates) == pytest.approx(0.0, abs=1e-6)
    assert result.slo.total_s == 0.1
    assert (result.source, result.engine.name, result.load_s) == ("probe", "attached", None)
    assert result.output_tokens_mean == 1
    assert {entry.repeat for entry in result.rates} == {0, 1, 2}


def test_another_tools_file_is_taken_without_a_call(tmp_path: Path) -> None:
    root = workspace(tmp_path / "w")
    lines = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 4,
            "start_times": [0, 1, 2, 3], "ttfts": [first] * 4, "itls": [[]] * 4,
            "input_lens": [80] * 4, "output_lens": [2] * 4,
        }
        for rate, first in ((2.0, 0.1), (4.0, 0.9))
    ]  # fmt: skip
    path = tmp_path / "bench.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    command = ["probe", "own", "-f", "tickets", "-w", str(root), "--load-s", "45"]
    assert run([*command, "--import", "vllm-bench", str(path)]) == ExitCode.OK
    result = read_probe(probe_path(root, "own", "tickets"))
    assert result.goodput.per_s == pytest.approx(2.2)
    assert (result.source, result.load_s, result.gpu) == ("vllm-bench", 45, "h100")
    assert result.goodput.lower_per_s is None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["huge", "-f", "tickets"], "MODEL huge: not in the workspace; known: big, good, bad, own"),
        (["own", "-f", "tikets"], "--feature tikets: not in the workspace; known: tickets"),
    ],
)
def test_unknown_names_are_said(
    arguments: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    assert run(["probe", *arguments, "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert line in capsys.readouterr().err


def test_a_feature_without_limits_cannot_be_probed(tmp_path: Path) -> None:
    found = load_workspace(workspace(tmp_path, latency=""))
    with pytest.raises(UsageError, match=r"features/tickets\.yaml: latency: states no limit"):
        slo_of(found, "tickets")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("{}", "Field required", id="empty"),
        pytest.param("[", "Invalid JSON", id="no JSON"),
        pytest.param(None, "cannot be read", id="absent"),
    ],
)
def test_a_file_that_is_no_probe_is_refused(tmp_path: Path, text: str | None, line: str) -> None:
    path = tmp_path / "probe.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=line):
        read_probe(path)


def test_a_server_is_started_listed_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    where = ["-w", str(root)]
    assert run(["serving", "list", *where]) == ExitCode.OK
    assert capsys.readouterr().out == "nothing runs\n"
    assert run(["serving", "start", "own", *where]) == ExitCode.OK
    assert "own   http://127.0.0.1:" in capsys.readouterr().out
    try:
        assert run(["serving", "list", *where]) == ExitCode.OK
        head, line = capsys.readouterr().out.splitlines()
        assert head.split() == [
            "MODEL",
            "ENGINE",
            "NODE",
            "ADDRESS",
            "THERE",
            "GPUS",
            "TEAM",
            "UP",
            "LEFT",
        ]
        assert line.split()[:3] == ["own", "command", socket.gethostname()]
        assert line.endswith("0      -      under a minute   1 min")
    finally:
        assert run(["serving", "stop", "own", *where]) == ExitCode.OK
    assert capsys.readouterr().out.endswith(f" on {socket.gethostname()}   stopped\n")
    assert run(["serving", "stop", "own", *where]) == ExitCode.USAGE_ERROR


def test_a_server_that_cannot_be_seen_idle_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    models, where = root / "models" / "own.yaml", ["-w", str(root)]
    models.write_text(models.read_text().replace('"{port}"', '"{port}", --no-metrics'))
    line = "own: counts no tokens on /metrics, so that it is never idle; ends in 1 min\n"
    try:
        assert run(["serving", "start", "own", *where]) == ExitCode.OK
        assert capsys.readouterr().out.endswith(line)
        assert run(["serving", "start", "own", "--idle-s", "0", *where]) == ExitCode.OK
        text = capsys.readouterr().out
        assert line not in text
        assert text.startswith("own runs already, at http://127.0.0.1:")
        assert run(["serving", "list", *where]) == ExitCode.OK
        assert capsys.readouterr().out.count("own   ") == 2
    finally:
        assert run(["serving", "stop", "own", *where]) == ExitCode.OK
    assert capsys.readouterr().out.count("stopped") == 2


def test_a_hosted_model_cannot_be_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serving", "start", "big", "-w", str(workspace(tmp_path))]) == 2
    assert "has no `serve` in this workspace; models with one: own" in capsys.readouterr().err


def test_a_team_above_its_quota_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    models = root / "models" / "own.yaml"
    models.write_text(models.read_text().replace("ttl_s: 60", "ttl_s: 60, gpus: 1"))
    assert run(["serving", "start", "own", "-w", str(root), "--team", "search"]) == 2
    assert "search: wants 1 GPUs and holds 0, its quota is 0" in capsys.readouterr().err


def test_what_a_review_holds_on_another_node_is_listed_and_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    models, policy = root / "models" / "own.yaml", root / "policy.yaml"
    models.write_text(models.read_text().replace("ttl_s: 60", "ttl_s: 60, gpus: 1"))
    policy.write_text(policy.read_text().replace("{search: 0}", "{search: 2}"))
    logs = root / ".rightsize" / "logs"
    logs.mkdir(parents=True)
    now = datetime.now(UTC)
    held = ServerState(
        model="large", engine="vllm", port=4321, since=now - timedelta(minutes=12), ttl_s=1e4,
        guard=ProcessMark(host="node-7", pid=7, began_s=7), driver=mark_of(os.getpid()),
        gpus=2, teams=("search",),
    )  # fmt: skip
    write_state(logs, held)
    assert run(["serving", "list", "-w", str(root)]) == ExitCode.OK
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[:3] == ["large", "vllm", "node-7"]
    assert line.endswith("2      search   12 min   2 h 35")
    assert run(["serving", "start", "own", "-w", str(root), "--team", "search"]) == 2
    assert "search: wants 1 GPUs and holds 2, its quota is 2" in capsys.readouterr().err


def test_a_team_that_there_is_not_has_no_quota_to_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    assert run(["serving", "start", "own", "-w", str(root), "--team", "serach"]) == 2
    line = "--team serach: no such team; policy.yaml: gpu_quota and the features name search, supp"
    assert line in capsys.readouterr().err


def test_where_there_are_quotas_gpus_are_held_by_a_team(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    models = root / "models" / "own.yaml"
    models.write_text(models.read_text().replace("ttl_s: 60", "ttl_s: 60, gpus: 1"))
    assert run(["serving", "start", "own", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "--team: say whose 1 GPUs these are" in capsys.readouterr().err


def test_a_probe_keeps_to_the_quota_of_the_features_team(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    models = root / "models" / "own.yaml"
    models.write_text(models.read_text().replace("ttl_s: 60", "ttl_s: 60, gpus: 1"))
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text().replace("{search: 0}", "{support: 0}"))
    assert run(["probe", "own", "-f", "tickets", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "own: needs 1 GPU; support holds 0 and its quota is 0" in capsys.readouterr().err


def test_a_try_keeps_to_the_quota_of_the_features_team(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path)
    for path, old, new in (
        (root / "models" / "own.yaml", "ttl_s: 60", "ttl_s: 60, gpus: 1"),
        (root / "models" / "own.yaml", "  serve:", f"  {PRICE}\n  serve:"),
        (root / "policy.yaml", "{search: 0}", "{support: 0}"),
        (root / "features" / "tickets.yaml", "candidates: [good]", "candidates: [good, own]"),
    ):
        path.write_text(path.read_text().replace(old, new))
    assert run(["try", "tickets", "-m", "own", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "own: needs 1 GPU; support holds 0 and its quota is 0" in capsys.readouterr().err


def test_gpus_that_nobody_looked_at_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with clocked_queue(0.008) as queue:
        root = workspace(tmp_path, queue.port, "latency: {p95_s: 0.1}")
        models = root / "models" / "own.yaml"
        attached = f"  base_url: http://127.0.0.1:{queue.port}/v1\n"
        models.write_text(models.read_text().split("  serve:")[0] + attached)
        arguments = ["--seconds", "0.2", "--requests", "16", "--repeats", "1", "--first", "40"]
        command = ["probe", "own", "-f", "tickets", "-w", str(root), *arguments]
        assert run(command, obj=queue.probe) == ExitCode.OK
    line = "GPU utilisation, memory and power were not seen: NVML"
    assert line in capsys.readouterr().out
    result = read_probe(probe_path(root, "own", "tickets"))
    assert any(note.startswith(line) for note in result.notes)
    assert result.goodput.lower_per_s is None
