"""`scorers`, prompts that are shown and not sent, JSON for programs, mistyped commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.judge.scoring.catalogue import OPTIONS, SCORERS, WHAT
from tests.support.workspaces import write_workspace


def test_every_scorer_is_listed_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scorers"]) == 0
    listed = capsys.readouterr().out
    assert set(OPTIONS) == set(SCORERS) == set(WHAT)
    for name in SCORERS:
        assert f"{name} " in listed
        assert run(["scorers", name]) == 0
    told = capsys.readouterr().out
    assert "locale (default en): Whose numbers they are" in told
    assert "labels (required): Every label" in told
    assert run(["scorers", "nubmer"]) == 2
    assert "did you mean `number`?" in capsys.readouterr().err


def test_a_mistyped_command_is_answered_with_the_one_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["reviw"]) == 2
    assert "Did you mean 'review'?" in capsys.readouterr().err


def test_a_prompt_is_shown_as_a_model_would_be_sent_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _priced_today(tmp_path / "w")
    cases = (root / "evalsets" / "tickets" / "cases.jsonl").read_text(encoding="utf-8")
    first = json.loads(cases.splitlines()[0])
    assert run(["plan", "-w", str(root), "-f", "tickets", "--show-prompt", first["id"]]) == 0
    shown = capsys.readouterr().out
    assert first["input"] in shown
    assert "=== user ===" in shown
    assert run(["plan", "-w", str(root), "-f", "tickets", "--show-prompt", "none"]) == 2
    assert "tickets has no case 'none'; its first is" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "plan", "models"])
def test_programs_read_one_json_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    root = _priced_today(tmp_path / "w")
    run([command, "-w", str(root), "--json"])
    value = json.loads(capsys.readouterr().out)
    assert value if isinstance(value, list) else value["exit_code"] == 0


def test_what_blocks_a_feature_is_json_too_and_said_where_a_prompt_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_workspace(tmp_path / "w")
    old = (datetime.now(tz=UTC).date() - timedelta(days=400)).isoformat()
    for model in (root / "models").iterdir():
        model.write_text(model.read_text("utf-8").replace("2026-09-01", old), encoding="utf-8")
    code = run(["check", "-w", str(root), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    assert told["blocked"] == ["features/tickets.yaml"]
    assert {"blocked"} <= {problem["severity"] for problem in told["problems"]}
    assert run(["plan", "-w", str(root), "-f", "tickets", "--show-prompt", "t-0"]) == 2
    assert "tickets asks no model: " in capsys.readouterr().err


def test_a_journal_is_shown_by_its_own_workspace_and_helps_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_workspace(tmp_path / "w")
    monkeypatch.chdir(tmp_path)
    assert run(["journal", "show", "--help"]) == 0
    assert "Say what is in it." in capsys.readouterr().out
    assert run(["journal", "show"]) == 2
    assert "no workspace here" in capsys.readouterr().err
    assert run(["journal", "show", "-w", str(root)]) == 2
    assert "no workspace here" not in capsys.readouterr().err


def _priced_today(folder: Path) -> Path:
    root = write_workspace(folder)
    today = datetime.now(tz=UTC).date().isoformat()
    for model in (root / "models").iterdir():
        model.write_text(model.read_text("utf-8").replace("2026-09-01", today), encoding="utf-8")
    return root
