"""`rightsize gate --run`: the change is tested first, on models that answer, then judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.stored import read_record
from harness.workspace.fingerprints import inputs_sha256
from harness.workspace.workspace import load_workspace
from tests.support.record_parts import an_eval_set
from tests.support.reviews import answers
from tests.support.shops import POLICY, PROMPT, SETTINGS, W, edit, newer, put, write_shop
from tests.support.wire.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(answers) as server:
        yield server


@pytest.fixture
def shop(server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    write_shop(root, server.port, cases=300)
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return root


def gate(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    code = run(["gate", "--run", "--json", *more])
    output = capsys.readouterr()
    return code, json.loads(output.out or "{}"), output.err


def codes(report: dict[str, Any]) -> set[str]:
    return {one["code"] for one in report["findings"]}


@pytest.mark.ray
def test_a_model_and_a_prompt_are_tested_before_they_are_judged(
    shop: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(f"{W}/features/tickets.yaml", "[bad, good]", "[good]")(shop)
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    code, report, _ = gate(capsys, "--max-spend", "5")
    assert code == ExitCode.GATE_FAILED
    assert "SHOWN_WORSE" in codes(report)
    asked = len(server.log.calls)
    assert asked > 0
    (path,) = (shop / W / "reviews").glob("*-gate-*/records/tickets.json")
    record = read_record(path)
    assert record.current.option == "good"
    assert [one.target.option for one in record.options] == ["bad"]
    assert record.evidence.eval_set.times_used == 2

    code, report, _ = gate(capsys, "--max-spend", "5")
    assert code == ExitCode.GATE_FAILED
    assert len(server.log.calls) == asked

    put(shop, SETTINGS, '[llm]\nmodel = "good"\n')
    put(shop, PROMPT, "Which topic? {{ input }}\n")
    code, report, _ = gate(capsys)
    assert code == ExitCode.OK
    # It asks these cases in the order of the test before it, which is the one to be expected.
    assert "EVIDENCE_FITS" in codes(report)
    records = (shop / W / "reviews").glob("*-gate-*/records/tickets.json")
    assert sorted(read_record(one).evidence.eval_set.times_used for one in records) == [2, 3]


def test_what_costs_too_much_is_not_begun(
    shop: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    code, report, words = gate(capsys, "--max-spend", "0.001")
    assert code == report["exit_code"] == ExitCode.BUDGET_REFUSED
    assert report["error"][0].startswith("tickets: the evaluation is expected to cost USD")
    assert "tickets: the evaluation is expected to cost USD" in words
    edit(POLICY, "procedure:", "gate: {evaluation_usd: 0.001}\nprocedure:")(shop)
    assert gate(capsys)[0] == ExitCode.BUDGET_REFUSED
    assert not server.log.calls


def test_a_feature_that_check_refuses_is_not_evaluated(
    shop: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    put(shop, PROMPT, "Which topic?\n")
    code, _, words = gate(capsys, "--max-spend", "5")
    assert code == ExitCode.USAGE_ERROR
    assert words.startswith("prompts/tickets/default.j2: every case is asked the same")
    assert not server.log.calls


def test_cases_that_were_tested_too_often_are_tested_no_more(
    shop: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = inputs_sha256(load_workspace(shop / W).evalsets["tickets"])
    worn = an_eval_set(id="tickets", inputs_sha256=inputs, times_used=5)
    newer("good", evidence_eval_set=worn)(shop)
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    code, report, _ = gate(capsys, "--max-spend", "5")
    assert code == ExitCode.GATE_FAILED
    assert {"BEYOND_PLAN", "EVIDENCE_MISSING"} <= codes(report)
    assert not server.log.calls


def test_nothing_is_asked_where_nothing_is_lacking(
    shop: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(capsys)[0] == ExitCode.OK
    put(shop, SETTINGS, '[llm]\nmodel = "gpt-5"\n')
    assert gate(capsys)[0] == ExitCode.GATE_FAILED
    assert not server.log.calls


def test_words_that_make_no_sense(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gate", "--max-spend", "5"]) == ExitCode.USAGE_ERROR
    assert "nothing is spent without --run" in capsys.readouterr().err
    put(tmp_path / "service", "rightsizing.lock", (shop / W / "rightsizing.lock").read_text())
    monkeypatch.chdir(tmp_path / "service")
    assert gate(capsys)[0] == ExitCode.USAGE_ERROR
