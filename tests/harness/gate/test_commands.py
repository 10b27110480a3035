"""`rightsize lock` and `rightsize gate` in a git repository with two commits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evalsets.splits import order_seed
from harness.cli.gate import gate
from harness.cli.main import run
from harness.config.fingerprints import inputs_sha256
from harness.config.prompts import prompt_for
from harness.config.workspace import load_workspace
from harness.errors import ExitCode
from harness.lock import read_lock
from harness.plan.endpoints import params_sha256
from harness.publish.store import write_records
from harness.record.codes import State
from harness.record.model import DecisionRecord
from tests.support.record_parts import (
    a_cost,
    a_feature,
    a_margin,
    a_target,
    an_eval_set,
    an_evidence,
    an_option,
)
from tests.support.records import downgrade_record
from tests.support.reviews import CYCLE, Shape, write_review_workspace

SETTINGS = "app/settings.toml"
EXTRA = "used_in: shop:app/settings.toml#llm.model"


def git(root: Path, *arguments: str) -> None:
    facts = ["-c", "user.email=ada@example.com", "-c", "user.name=Ada"]
    subprocess.run(["git", "-C", str(root), *facts, *arguments], check=True, capture_output=True)


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def decided(root: Path) -> DecisionRecord:
    """A record that fits the workspace as it is, made an hour ago."""
    workspace = load_workspace(root)
    feature = workspace.features["tickets"]
    inputs = inputs_sha256(workspace.evalsets["tickets"])

    def target(name: str) -> object:
        return a_target(
            name,
            provider="openai-compatible",
            version=name,
            params_sha256=params_sha256(name, workspace.models[name], feature, effort=None),
            prompt_sha256=prompt_for(workspace, "tickets", name).sha256,
        )

    now = datetime.now(UTC)
    return downgrade_record(
        decision_id=f"{CYCLE}-tickets",
        state=State.ACCEPTED,
        generated_at=now - timedelta(hours=1),
        expires_at=now.date() + timedelta(days=90),
        feature=a_feature(id="tickets", used_in="shop:app/settings.toml#llm.model"),
        margin=a_margin(value=5.0),
        current=target("big"),
        chosen="good",
        options=(an_option("good", target=target("good"), cost=a_cost()),),
        evidence=an_evidence(
            eval_set=an_eval_set(id="tickets", inputs_sha256=inputs),
            policy_sha256=workspace.policy_sha256,
            seed=order_seed("tickets", inputs_sha256=inputs, cycle=CYCLE),
        ),
    )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository `shop` with a workspace, an accepted and locked downgrade, and one commit."""
    root = tmp_path / "shop"
    workspace = write_review_workspace(root / "rightsizing", 9, Shape(cases=120, extra=EXTRA))
    put(root, SETTINGS, '[llm]\nmodel = "big"\n')
    write_records([decided(workspace)], workspace / "reviews" / CYCLE)
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    assert run(["lock"]) == ExitCode.OK
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return root


def change(root: Path, path: str, text: str) -> None:
    put(root, path, text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "two")


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        change(root, path, text.replace(old, new))

    return apply


def write(path: str, text: str) -> Callable[[Path], None]:
    return lambda root: change(root, path, text)


W = "rightsizing"
FEATURE = f"{W}/features/tickets.yaml"
PROMPT = f"{W}/prompts/tickets/default.j2"
POLICY = f"{W}/policy.yaml"
CASES = f"{W}/evalsets/tickets/cases.jsonl"
RECORD = f"{W}/reviews/{CYCLE}/records/tickets.json"
LOCK = f"{W}/rightsizing.lock"


def cases_of(root: Path) -> None:
    edit(CASES, 'Ticket number 7"', 'Ticket number 700"')(root)


def drop_the_place(root: Path) -> None:
    """Hiding where production reads its model hides nothing."""
    edit(FEATURE, EXTRA, "")(root)
    write(SETTINGS, '[llm]\nmodel = "gpt-5"\n')(root)


@pytest.mark.parametrize(
    ("apply", "code", "words"),
    [
        (write("README.md", "gpt-5 is fine\n"), 0, "gate: 1 features match the lock.  pass"),
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
        (lambda root: (root / RECORD).unlink(), 3, "is not among the records"),
        (lambda root: (root / LOCK).unlink(), 2, "`rightsize lock` writes it"),
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
        (lambda root: (root / SETTINGS).unlink(), 4, "cannot be read"),
    ],
)
def test_a_change(
    apply: Callable[[Path], None],
    code: int,
    words: str,
    shop: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    apply(shop)
    capsys.readouterr()
    base = subprocess.run(
        ["git", "-C", str(shop), "rev-list", "--max-parents=0", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert run(["gate", "--base", base]) == code, capsys.readouterr()
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
    assert "1 features match" in capsys.readouterr().out
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
