"""Answers that differ from try to try: the case is the unit, and "right every time" is shown."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from harness.record.model import dump, load
from harness.tell.pages import to_document
from providers.completion import TokenUsage
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    inline_cluster,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply
from tests.support.workspaces import edit

pytestmark = pytest.mark.slow


class Fickle:
    """`good` errs on every fourth ticket, once in two tries; `big` never."""

    def __init__(self) -> None:
        self.tries: Counter[tuple[str, int]] = Counter()

    def __call__(self, body: Body) -> Reply:
        model = str(body["model"])
        found = re.search(r"Ticket number (\d+)", json.dumps(body["messages"]))
        number = int(found[1]) if found else 0
        self.tries[model, number] += 1
        wrong = model == "good" and number % 4 == 0 and self.tries[model, number] % 2 == 1
        usage = TokenUsage(input_tokens=80, output_tokens=2)
        return Reply(text=right_answer(number + wrong), usage=usage)


def test_right_every_time_stands_beside_the_mean(tmp_path: Path) -> None:
    with OpenAIServer(Fickle()) as server, inline_cluster() as cluster:
        root = write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        edit(root / "policy.yaml", "procedure: {kind: holm}", "procedure: {kind: holm, repeats: 2}")
        (record,) = run_review(root, cluster)
    quality = record.options[0].quality
    assert quality is not None
    today, small = quality.spread_current, quality.spread_candidate
    assert today is not None
    assert small is not None
    assert (today.mean, today.every) == (100, 100)
    assert small.mean == pytest.approx(87.5, abs=2.5)
    assert small.every == pytest.approx(75, abs=5)
    assert small.mean == pytest.approx((100 + (small.every or 0)) / 2)
    assert load(dump(record)) == record
    page = render(to_document(record, NOW), to="md")
    rows = [line for line in page.splitlines() if line.startswith("| good | 120 | 2 |")]
    assert [f"| {small.mean:.1f} % | {small.every:.1f} % |" in row for row in rows] == [True]
