"""Answers of another tool were seen before a limit was agreed on, whatever the feature says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.imports import outcome_workspace, reviewed
from tests.support.outcomes_table import outcomes_table

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CASES = 90


@pytest.fixture
def root(tmp_path: Path) -> Path:
    table = tmp_path / "answers.csv"
    table.write_text(outcomes_table(CASES), encoding="utf-8")
    outcome_workspace(tmp_path, table)
    return tmp_path


def page(root: Path) -> str:
    (path,) = root.glob("reviews/*/documents/routing.md")
    return path.read_text(encoding="utf-8")


def test_without_the_key_they_are_still_told_as_seen_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`answers: imported` taken away: the journal still has them, and nothing is asked."""
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    feature = root / "features" / "routing.yaml"
    text = feature.read_text(encoding="utf-8")
    assert "answers: imported" in text
    lines = [line for line in text.splitlines() if not line.startswith("answers: imported")]
    feature.write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = reviewed(root)
    assert record.evidence.imported
    assert record.evidence.imported_in_part is None
    told = page(root)
    assert "The answers were imported from another tool; we did not ask for them." in told
    assert "the answers had been seen before" in told
    assert "before anything was run" not in told
    assert "this review asked nothing" in told
