"""What was answered once is never asked again: not for a new scorer; but each repeat is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reviews import (
    EVALSET,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

pytestmark = pytest.mark.slow

SHAPE = Shape(cases=120, candidates="good")


def test_a_new_scorer_costs_no_call_and_makes_the_record_exploratory(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, SHAPE)
        (first,) = run_review(tmp_path, cluster)
    changed = EVALSET.replace("{scorer: label, labels: [billing, technical]}", "{scorer: exact}")
    assert changed != EVALSET
    write(tmp_path / "evalsets" / "tickets" / "evalset.yaml", changed)
    (again,) = run_review(tmp_path, None, run_id="run-2")
    one, other = first.options[0].quality, again.options[0].quality
    assert one is not None
    assert other is not None
    assert (one.metric, other.metric) == ("label", "exact")
    assert one.n == other.n
    assert again.evidence.exploratory != ()


def test_each_repeat_is_asked_though_its_request_is_the_same(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, SHAPE)
        write(tmp_path / "evalsets" / "tickets" / "evalset.yaml", EVALSET + "repeats: 2\n")
        (record,) = run_review(tmp_path, cluster)
        counts = set(server.log.by_hash.values())
        run_review(tmp_path, None, run_id="run-2")
    assert record.options[0].quality is not None
    assert record.options[0].quality.repeats == 2
    assert counts == {2}
