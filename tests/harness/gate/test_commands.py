"""`rightsize lock` and `rightsize gate` in a git repository with two commits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.cycle.gate import gate
from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.lock import read_lock
from tests.support.shops import (
    CASES,
    EXTRA,
    FEATURE,
    LOCK,
    POLICY,
    PROMPT,
    RECORD,
    SETTINGS,
    W,
    commit,
    edit,
    git,
    put,
    remove,
    write,
    write_shop,
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository `shop` with a workspace, an accepted and locked downgrade, and one commit."""
    root = tmp_path / "shop"
    write_shop(root)
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return root


def cases_of(root: Path) -> None:
    edit(CASES, 'Ticket number 7"', 'Ticket number 700"')(root)


def drop_the_place(root: Path) -> None:
    """Hiding where production reads its model hides nothing."""
    edit(FEATURE, EXTRA, "")(root)
    write(SETTINGS, '[llm]\nmodel = "gpt-5"\n')(root)


@pytest.mark.parametrize(
    ("apply", "code", "words"),
    [
        (write("README.md", "gpt-5 is fine\n"), 0, "gate: 1 feature matches the lock.  pass"),
        (write(SETTINGS, '[llm]\nmodel = "good"\n'), 0, "pass"),
        (write(SETTINGS, '[llm]\nmodel = "bad"\n'), 3, "no record compares bad"),
        (write(SETTINGS, '[llm]\nmodel = "gpt-5"\n'), 3, "no record compares gpt-5"),
        (write(SETTINGS, "[llm]\n"), 4, "nothing is there"),
        (write(SETTINGS, "[llm\n"), 4, "cannot be read as TOML"),
        (edit(FEATURE, "incumbent: big", "incumbent: bad"), 2, "bad is the incumbent itself"),
        (
            edit(
                FEATURE,
                "incumbent: big\ncandidates: [bad, good]",
                "incumbent: bad\ncandidates: [good]",
            ),
            3,
            "no record compares bad",
        ),
        (
            edit(
                FEATURE,
                "incumbent: big\ncandidates: [bad, good]",
                "incumbent: good\ncandidates: [bad]",
            ),
            0,
            "pass",
        ),
        (edit(FEATURE, "max_output_tokens: 8", "max_output_tokens: 9"), 0, "parameters changed"),
        (drop_the_place, 3, "no record compares gpt-5"),
        (edit(f"{W}/models/all.yaml", "from: 2026-09-01", "from: 2099-09-01"), 0, "pass"),
        (write(PROMPT, "Which topic? {{ input }}\n"), 0, "prompt changed"),
        (cases_of, 3, "the eval set changed and no record was made with it"),
        (write("app/chat.py", 'MODEL = "gpt-5"\n'), 3, "app/chat.py:1: gpt-5 is used by no"),
        (write("tests/test_chat.py", 'MODEL = "gpt-5"\n'), 0, "pass"),
        (edit(RECORD, '"finding": "over-provisioned"', '"finding": "right-sized"'), 2, "by hand"),
        (write(RECORD, "{"), 2, "not a record"),
        (remove(RECORD), 3, "is not among the records"),
        (remove(LOCK), 2, "`rightsize lock` writes it"),
        (edit(LOCK, '"margin": 5.0', '"margin": 9.0'), 2, "the entry was changed by hand"),
        (edit(LOCK, "rightsizing-lock/v1", "rightsizing-lock/v9"), 2, "written as"),
        (write(LOCK, "<<<<<<< a\n{}\n"), 2, "a merge conflict is not resolved"),
        (
            write(LOCK, '{"schema_version":"rightsizing-lock/v1","gate":{},"features":{}}'),
            3,
            "its entry was removed",
        ),
        (
            edit(POLICY, "procedure:", "gate: {by_feature: {tickets: {prompt: fail}}}\nprocedure:"),
            0,
            "pass",
        ),
        (edit(POLICY, "minimum_saving_usd", "minimum_savings_usd"), 2, "policy.yaml:3"),
        (remove(SETTINGS), 4, "cannot be read"),
    ],
)
def test_a_change(
    apply: Callable[[Path], None],
    code: int,
    words: str,
    shop: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = git(shop, "rev-parse", "HEAD")
    apply(shop)
    commit(shop, "two")
    capsys.readouterr()
    assert run(["gate", "--base", first]) == code, capsys.readouterr()
    output = capsys.readouterr()
    assert words in output.out + output.err
    if code == 2:
        assert not output.out


def test_a_service_needs_the_lock_alone(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = tmp_path / "service"
    put(service, SETTINGS, '[llm]\nmodel = "good"\n')
    put(service, "rightsizing.lock", (shop / LOCK).read_text())
    monkeypatch.chdir(service)
    assert run(["gate", "--repo", "shop"]) == ExitCode.OK
    assert "1 feature matches" in capsys.readouterr().out
    put(service, SETTINGS, '[llm]\nmodel = "gpt-5"\n')
    assert run(["gate", "--repo", "shop"]) == ExitCode.GATE_FAILED
    assert "this repository has no records" in capsys.readouterr().out
    assert run(["gate"]) == ExitCode.OK
    assert run(["gate", "--base", "main"]) == ExitCode.USAGE_ERROR


def test_rules_of_a_lock_that_are_none(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (shop / LOCK).read_text().replace('"model": "fail"', '"model": "sometimes"')
    put(tmp_path, "rightsizing.lock", text)
    assert run(["gate"]) == ExitCode.USAGE_ERROR
    assert "rightsizing.lock: gate.model: " in capsys.readouterr().err
    (tmp_path / "rightsizing.lock").write_bytes(b"\xff\xfe\x00")
    assert run(["gate"]) == ExitCode.USAGE_ERROR
    assert "no UTF-8 text" in capsys.readouterr().err


def test_outputs_by_extension_and_the_job_summary(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    paths = [tmp_path / f"gate{end}" for end in (".json", ".md", ".xml")]
    outs = [part for path in paths for part in ("--out", str(path))]
    capsys.readouterr()
    assert run(["gate", "--json", *outs]) == ExitCode.GATE_FAILED
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3
    assert paths[1].read_text() == summary.read_text()
    assert "<failure" in paths[2].read_text()
    assert run(["gate", "--out", "gate.pdf"]) == ExitCode.USAGE_ERROR


@pytest.mark.usefixtures("shop")
def test_a_base_that_git_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "--base", "no-such-branch"]) == ExitCode.CANNOT_TELL
    assert "fetch-depth: 0" in capsys.readouterr().err


def test_the_lock_is_stable_and_can_be_checked(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (shop / LOCK).read_bytes()
    assert run(["lock"]) == ExitCode.OK
    assert (shop / LOCK).read_bytes() == before
    assert run(["lock", "--check"]) == ExitCode.OK
    put(shop, LOCK, "{}")
    assert run(["lock", "--check"]) == ExitCode.USAGE_ERROR
    assert "run `rightsize lock`" in capsys.readouterr().err
    assert read_lock(before.decode()).features["tickets"].accepted.option == "good"


def test_no_workspace_and_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["gate"]) == ExitCode.USAGE_ERROR


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.name == "gate"
    assert run(["gate", "--help"]) == ExitCode.OK
    assert "3 failed; 4 cannot tell" in capsys.readouterr().out
