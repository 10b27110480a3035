from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.record.stored import write_records
from tests.support.reviews import (
    CYCLE,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

pytestmark = pytest.mark.slow


def test_answers_become_pages_for_their_owner_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "rightsizing", tmp_path / "content"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(cases=300, candidates="good"))
        records = run_review(root, cluster)
    words = ["why", "tickets", "-w", str(root), "--cycle", CYCLE, "--include-content"]
    assert run([*words, str(out)]) == 2
    assert "no record in" in capsys.readouterr().err
    write_records(records, root / "reviews" / CYCLE)
    assert run([*words, str(out)]) == 0
    pages = sorted((out / "good").iterdir())
    assert [page.name for page in pages] == ["tickets-blind.html", "tickets.html"]
    assert {stat.S_IMODE(page.stat().st_mode) for page in pages} == {0o600}
    assert "billing" in pages[1].read_text()
    lines = tmp_path / "why.jsonl"
    assert run([*words, str(lines)]) == 0
    assert stat.S_IMODE(lines.stat().st_mode) == 0o600


def test_the_feature_is_named_once_in_either_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.yaml").write_text("", encoding="utf-8")
    once = "name one feature: `rightsize why FEATURE`"
    for words, refused in (([], 1), (["a", "-f", "b"], 1), (["-f", "a"], 0), (["a", "-f", "a"], 0)):
        assert run(["why", *words, "--json", "-w", str(tmp_path)]) == 2
        assert (once in capsys.readouterr().err) == bool(refused)
