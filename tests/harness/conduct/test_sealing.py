"""A plan that was sealed and committed is named on the page, and holds the review."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.tell.pages import to_document
from reports.render import render
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def git(root: Path, *words: str) -> None:
    given = ["git", "-C", str(root), "-c", "user.name=Dana", "-c", "user.email=dana@example.com"]
    subprocess.run([*given, *words], check=True, capture_output=True)


def test_a_sealed_plan_is_named_and_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", (NOW - timedelta(days=2)).isoformat())
    seal = ["plan", "-w", str(tmp_path), "--cycle", CYCLE, "--seal"]
    file = tmp_path / "reviews" / CYCLE / "plans" / "tickets.json"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        assert run(seal) == ExitCode.OK
        sha256 = json.loads(file.read_text("utf-8"))["sha256"]
        assert f"sealed tickets: {sha256}" in capsys.readouterr().out
        before = file.read_bytes()
        assert run(seal) == ExitCode.OK
        assert file.read_bytes() == before
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "reviews")
        git(tmp_path, "commit", "-q", "-m", "plan")
        (record,) = run_review(tmp_path, cluster)
        edit(tmp_path / "features" / "tickets.yaml", "risk: medium", "risk: low")
        assert run(seal) == ExitCode.USAGE_ERROR
        assert "answers came under a plan of 2026-Q4 already" in capsys.readouterr().err
    sealed = record.evidence.registered
    assert sealed is not None
    assert sealed.plan_sha256 == sha256 == record.evidence.plan_sha256
    assert record.evidence.exploratory == ()
    page = render(to_document(record, NOW), to="md")
    assert (
        f"Its plan was registered in commit {(sealed.commit or '')[:8]} on 2026-11-22, first asked "
        "2026-11-24."
    ) in page


def test_another_plan_than_the_sealed_one_decides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        assert run(["plan", "-w", str(tmp_path), "--cycle", CYCLE, "--seal"]) == ExitCode.OK
        edit(tmp_path / "features" / "tickets.yaml", "risk: medium", "risk: low")
        assert run(["plan", "-w", str(tmp_path), "--cycle", CYCLE, "--seal"]) == (
            ExitCode.USAGE_ERROR
        )
        capsys.readouterr()
        assert run(["plan", "-w", str(tmp_path), "--cycle", CYCLE]) == ExitCode.OK
        told = "tickets: EXPLORATORY, to show and not to decide: not by the plan that was sealed"
        assert told in capsys.readouterr().out
        (record,) = run_review(tmp_path, cluster)
    assert record.evidence.exploratory == (
        (
            "not by the plan that was sealed: the margin (5 points, now 10 points). To decide "
            "2026-Q4, put that back"
        ),
    )
    assert record.evidence.registered is not None
    assert record.evidence.registered.commit is None
