"""The whole way: a real review, a signature, the lock, and changes against it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.base import State
from harness.record.stored import read_records, write_records
from tests.support.reviews import (
    CYCLE,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gate-after")]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop") / "rightsizing"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(candidates="bad, good"))
        records = run_review(root, cluster, now=datetime.now(UTC))
    write_records(records, root / "reviews" / CYCLE)
    by = ["--by", "dana.ruiz@example.com", "--cycle", CYCLE]
    assert run(["decide", "tickets", "accept", "-w", str(root), *by]) == ExitCode.OK
    assert run(["lock", "-w", str(root)]) == ExitCode.OK
    return root


@pytest.mark.parametrize(
    ("models", "code", "words"),
    [
        (("big", "bad, good"), ExitCode.OK, "gate: 1 feature matches the lock.  pass"),
        (("good", "bad, big"), ExitCode.OK, "gate: 1 feature matches the lock.  pass"),
        (("bad", "good, big"), ExitCode.GATE_FAILED, "(SHOWN_WORSE)"),
    ],
)
def test_a_model_against_what_was_decided(
    models: tuple[str, str],
    code: ExitCode,
    words: str,
    reviewed: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    incumbent, candidates = models
    path = reviewed / "features" / "tickets.yaml"
    before = path.read_text(encoding="utf-8")
    after = before.replace("incumbent: big", f"incumbent: {incumbent}")
    path.write_text(after.replace("[bad, good]", f"[{candidates}]"), encoding="utf-8")
    try:
        assert run(["gate", "-w", str(reviewed)]) == code
    finally:
        path.write_text(before, encoding="utf-8")
    assert words in capsys.readouterr().out


def test_a_price_that_rose_is_seen_without_a_call(
    reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = reviewed / "models" / "all.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("input: 0.50, output: 0.50", "input: 0.90, output: 0.90"))
    try:
        assert run(["gate", "-w", str(reviewed)]) == ExitCode.OK
    finally:
        path.write_text(before, encoding="utf-8")
    assert "prices rose since it was accepted" in capsys.readouterr().out


def test_the_lock_marks_what_production_runs_as_implemented(
    reviewed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = reviewed / "features" / "tickets.yaml", reviewed / "reviews" / CYCLE
    locked = (reviewed / "rightsizing.lock").read_bytes()
    before = path.read_text(encoding="utf-8")
    swapped = before.replace("incumbent: big", "incumbent: good").replace("[bad, good]", "[bad]")
    path.write_text(swapped, encoding="utf-8")
    try:
        assert run(["lock", "-w", str(reviewed), "--check"]) == ExitCode.OK
        assert read_records(folder)[0].state is State.ACCEPTED
        assert run(["lock", "-w", str(reviewed)]) == ExitCode.OK
        assert "tickets: IMPLEMENTED, good is in production\n" in capsys.readouterr().out
        assert run(["lock", "-w", str(reviewed)]) == ExitCode.OK
        assert "IMPLEMENTED" not in capsys.readouterr().out
    finally:
        path.write_text(before, encoding="utf-8")
    (record,) = read_records(folder)
    assert (record.state, record.history[-1].by_source) == (State.IMPLEMENTED, "machine")
    assert "IMPLEMENTED" in (folder / "documents" / "tickets.md").read_text(encoding="utf-8")
    assert (reviewed / "rightsizing.lock").read_bytes() == locked
