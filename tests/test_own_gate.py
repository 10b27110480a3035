"""The project holds its own demo to its gate: the lock is backed by records of a real run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.cli.cycle.review import write_demo
from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.lock import read_lock
from tests.support.wheels import ROOT

DEMO = ROOT / "configs" / "demo"


@pytest.fixture(autouse=True)
def _nobody_s_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def test_the_demo_s_features_match_their_lock(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "-w", str(DEMO), "--json"]) == ExitCode.OK
    report = json.loads(capsys.readouterr().out)
    assert len({one["feature"] for one in report["checks"]}) == 6
    assert {one["outcome"] for one in report["checks"]} <= {"pass", "warn"}
    assert run(["lock", "-w", str(DEMO), "--check"]) == ExitCode.OK
    lock = read_lock((DEMO / "rightsizing.lock").read_text(encoding="utf-8"))
    assert len(lock.features) == 5
    assert all(entry.verdict == "justify" for entry in lock.features.values())


def test_the_demo_s_lock_holds_with_its_cases_in_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped sets stay lines: the base install, which reads no Parquet, checks them."""
    copy = shutil.copytree(DEMO, tmp_path / "demo", ignore=shutil.ignore_patterns(".rightsize"))
    for cases in (copy / "evalsets").glob("*/cases.jsonl"):
        rows = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines()]
        parquet.write_table(pa.Table.from_pylist(rows), cases.with_suffix(".parquet"))
        settings = cases.with_name("evalset.yaml")
        text = settings.read_text(encoding="utf-8")
        named = text.replace("cases: cases.jsonl", "cases: {dataset: cases.parquet}")
        settings.write_text(named, encoding="utf-8")
        cases.unlink()
    assert run(["gate", "-w", str(DEMO), "--json"]) == ExitCode.OK
    shipped = json.loads(capsys.readouterr().out)
    assert run(["gate", "-w", str(copy), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["checks"] == shipped["checks"]
    assert run(["lock", "-w", str(copy), "--check"]) == ExitCode.OK
    (copy / "evalsets" / "ticket-topic" / "cases.parquet").write_bytes(
        (copy / "evalsets" / "refund-request" / "cases.parquet").read_bytes()
    )
    assert run(["gate", "-w", str(copy)]) != ExitCode.OK


def test_a_slip_in_the_demo_would_be_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(DEMO, tmp_path / "demo", ignore=shutil.ignore_patterns(".rightsize"))
    cases = copy / "evalsets" / "ticket-topic" / "cases.jsonl"
    lines = cases.read_text(encoding="utf-8").splitlines(keepends=True)
    cases.write_text("".join(lines[1:]), encoding="utf-8")
    assert run(["gate", "-w", str(copy)]) == ExitCode.GATE_FAILED
    assert "the eval set changed and no record was made with it" in capsys.readouterr().out


def test_who_tries_the_demo_starts_without_our_decisions(tmp_path: Path) -> None:
    root = write_demo(tmp_path / "demo")
    assert not (root / "rightsizing.lock").exists()
    assert not (root / "reviews").exists()
