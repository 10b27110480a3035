"""`rightsize review` in this process, on a real local Ray and a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [
    pytest.mark.ray,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def test_review_writes_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with OpenAIServer(answers) as server:
        root = write_review_workspace(tmp_path, server.port, Shape(cases=150, candidates="good"))
        arguments = ["review", "-w", str(root), "--cycle", CYCLE, "--yes"]
        assert run(arguments) == ExitCode.OK
        text = capsys.readouterr().out
        assert len(server.log.calls) == 300
    assert "DOWNGRADE 1   JUSTIFY 0   UNDECIDED 0" in text
    assert "look 1 of 1" in text
    assert "0 trials missing" in text
    pages = {path.name for path in (root / "reviews" / CYCLE / "documents").iterdir()}
    assert pages == {"tickets.md", "tickets.html"}
    assert (root / ".rightsize" / "journal.sqlite").stat().st_mode & 0o077 == 0


def test_a_remote_cluster_without_a_token_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    root = write_review_workspace(tmp_path, 9, Shape(cases=150, candidates="good"))
    arguments = ["review", "-w", str(root), "--yes", "--address", "127.0.0.1:6379"]
    assert run(arguments) == ExitCode.USAGE_ERROR
    assert "token" in capsys.readouterr().err
