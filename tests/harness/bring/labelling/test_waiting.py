"""While disagreements wait for labels a page tells what is known, and no bound over the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.record.base import Reason
from harness.tell.pages import to_document
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

pytestmark = pytest.mark.slow


def unlabelled(root: Path) -> None:
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines = [json.dumps({key: row[key] for key in ("id", "input", "metadata")}) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("margin: 5", "margin: 2"), "utf-8")


@pytest.mark.parametrize("kind", ["ladder", "holm"])
def test_almost_every_answer_alike_is_no_bound_of_a_few(tmp_path: Path, kind: str) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(candidates="good", kind=kind))
        unlabelled(tmp_path)
        (record,) = run_review(tmp_path, cluster)
    assert Reason.LABELS_MISSING in record.reason_codes
    (option,) = record.options
    assert option.quality is None
    assert option.error_break_even is None
    page = render(to_document(record, NOW), to="md")
    assert (
        "of 300 tickets both models answered 297 alike; 3 differ and have no label yet; whatever "
        "the labels say, at most 3 more of these 300 go wrong"
    ) in page
    assert "points worse" not in page
    assert "cannot be excluded" not in page
    for part, whole in re.findall(r"\((\d+) of (\d+) tickets\)", page):
        assert int(part) <= int(whole)


def test_commands_on_a_page_are_set_as_code(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(candidates="good"))
        unlabelled(tmp_path)
        (record,) = run_review(tmp_path, cluster)
    document = to_document(record, NOW)
    assert "`rightsize label tickets`" in render(document, to="md")
    page = render(document, to="html")
    assert "<code>rightsize label tickets</code>" in page
    assert "`" not in page
