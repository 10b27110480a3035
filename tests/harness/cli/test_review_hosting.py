"""`rightsize review` of models that do not fit on the GPUs at once, and of teams with a quota."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from harness.ask.serving.states import ProcessMark, ServerState, mark_of, write_state
from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.gpus import list_gpus
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"
OWN = """\
{name}:
  provider: openai-compatible
  version: {name}
  may_see: [public, internal, customer]
  gpu: h100
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
  serve:
    engine: command
    command: [{python}, {script}, "{{port}}"{options}]
    gpus: {gpus}
    ttl_s: 120
"""
GPUS = "gpus: {h100: {on_demand: 3.90, spot: 1.60, as_of: 2026-10-01, source: quote}}\n"
TOOL = """\
#!/bin/sh
echo '0, NVIDIA H100, 81559'
"""


def with_own(root: Path, port: int, *, gpus: int = 1) -> Path:
    """`wrong` answers every ticket with "yes"; `right` is right; both are served by us."""
    shape = Shape(cases=150, candidates="wrong, right", extra="latency: {p95_s: 30}")
    write_review_workspace(root, port, shape)
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text() + GPUS)
    facts = {"python": sys.executable, "script": SCRIPT, "gpus": gpus}
    (root / "models" / "own.yaml").write_text(
        OWN.format(name="wrong", price=0.1, options="", **facts)
        + OWN.format(name="right", price=0.2, options=", --tickets", **facts)
    )
    return root


@pytest.fixture
def one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose vendor's tool lists one GPU."""
    list_gpus(tmp_path, 1, monkeypatch)


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.usefixtures("one_gpu")
def test_two_models_take_turns_on_one_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(answers) as server:
        root = with_own(tmp_path / "w", server.port)
        command = ["review", "-w", str(root), "--cycle", CYCLE, "--yes"]
        assert run(command) == ExitCode.OK
        text = capsys.readouterr().out
        calls = len(server.log.calls)
        assert run(command) == ExitCode.OK
        assert len(server.log.calls) == calls
    assert "wave 1 of 2: right" in text
    assert "wave 2 of 2: wrong" in text
    assert "0 trials missing" in text
    assert "DOWNGRADE 1" in text
    (record,) = (root / "reviews" / CYCLE / "records").iterdir()
    found = json.loads(record.read_text())
    assert found["chosen"] == "right"
    # Each held the GPU at its spot price while it loaded, which takes under a minute.
    spend = found["evidence"]["spend"]
    assert 0 < Decimal(spend["gpu_usd"]) < 2 * Decimal("1.60") / 60
    assert Decimal(spend["total_usd"]) > Decimal(spend["gpu_usd"])
    logs = {path.name: path.read_text() for path in (root / ".rightsize" / "logs").glob("*.log")}
    assert all("GPUs 0, serving" in log for log in logs.values())
    assert set(logs) == {"right.log", "wrong.log"}
    # Nothing is started, and no Ray, where the journal has every answer.
    assert "starting" not in capsys.readouterr().out


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.usefixtures("one_gpu")
def test_a_review_leaves_alone_the_gpu_that_a_server_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.write_text(TOOL + "echo '1, NVIDIA H100, 81559'\n")
    with OpenAIServer(answers) as server:
        root = with_own(tmp_path / "w", server.port)
        where, logs = ["-w", str(root)], root / ".rightsize" / "logs"
        assert run(["serving", "start", "wrong", "--team", "support", *where]) == ExitCode.OK
        try:
            assert (logs / "wrong.log").read_text().startswith("GPUs 0, serving")
            command = ["review", *where, "--cycle", CYCLE, "--yes", "-m", "right"]
            assert run(command) == ExitCode.OK
            assert (logs / "right.log").read_text().startswith("GPUs 1, serving")
            assert run(["serving", "start", "right", "--team", "support", *where]) == ExitCode.OK
            assert (logs / "right.log").read_text().startswith("GPUs 1, serving")
            assert run(["serving", "start", "right", "--team", "support", *where]) == 2
        finally:
            for model in ("wrong", "right"):
                run(["serving", "stop", model, *where])
    line = "right (1): need 1 GPU at once and this machine has no free GPU"
    assert line in capsys.readouterr().err


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("one_gpu")
def test_a_model_too_big_for_the_machine_is_one_line_before_any_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(answers) as server:
        root = with_own(tmp_path / "w", server.port, gpus=2)
        assert run(["review", "-w", str(root), "--yes"]) == ExitCode.USAGE_ERROR
        assert server.log.calls == []
    assert "needs 2 GPUs of one machine and the largest machine has 1" in capsys.readouterr().err


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("one_gpu")
def test_a_load_that_the_cap_has_no_room_for_is_one_line_before_any_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server may take 600 s to load: 600 * 1.60 / 3600 = 0.267 USD."""
    with OpenAIServer(answers) as server:
        root = with_own(tmp_path / "w", server.port)
        command = ["review", "-w", str(root), "--yes", "--max-spend", "0.26"]
        assert run(command) == ExitCode.BUDGET_REFUSED
        assert server.log.calls == []
    found = capsys.readouterr()
    assert "starting" not in found.out
    assert "Of it for loading right, wrong on GPUs: USD 0.533 expected" in found.out
    assert "loading right for up to 600 s may cost USD 0.27 of GPU time, USD 0.26" in found.err


@pytest.mark.parametrize("command", ["plan", "review"])
def test_a_team_above_its_quota_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    root = with_own(tmp_path, 9, gpus=2)
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text() + "gpu_quota: {support: 1}\n")
    yes = ["--yes"] if command == "review" else []
    assert run([command, "-w", str(root), *yes]) == ExitCode.USAGE_ERROR
    found = capsys.readouterr()
    assert "needs 2 GPUs; support holds 0 and its quota is 1 (policy.yaml: gpu_quota)" in found.err
    assert "starting" not in found.out


@pytest.mark.parametrize("command", ["plan", "review"])
def test_what_another_review_holds_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    root = with_own(tmp_path, 9)
    policy, logs = root / "policy.yaml", root / ".rightsize" / "logs"
    policy.write_text(policy.read_text() + "gpu_quota: {support: 2}\n")
    logs.mkdir(parents=True)
    other = ServerState(
        model="large", engine="vllm", port=4321, since=datetime.now(UTC), ttl_s=600,
        guard=ProcessMark(host="node-7", pid=7, began_s=7), driver=mark_of(os.getpid()),
        gpus=2, teams=("support",),
    )  # fmt: skip
    write_state(logs, other)
    yes = ["--yes"] if command == "review" else []
    assert run([command, "-w", str(root), *yes]) == ExitCode.USAGE_ERROR
    assert "needs 1 GPU; support holds 2 and its quota is 2" in capsys.readouterr().err


def test_the_plan_says_what_its_own_models_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = with_own(tmp_path, 9)
    assert run(["plan", "-w", str(root)]) == ExitCode.OK
    assert "GPUs: wrong 1, right 1; 2 to load all at once" in capsys.readouterr().out
