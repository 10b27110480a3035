"""One set of cases also where answers are imported, graded, labelled late, or harm a part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.record.model import load
from harness.record.stored import write_records
from harness.tell.pages import publish, to_document
from reports.render import render
from tests.recompute.review import recompute
from tests.support.imports import FACTS, MODEL
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
from tests.support.wire.reply import Reply
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

pytestmark = pytest.mark.slow

POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
"""


def imported(root: Path, source: Path) -> DecisionRecord:
    """The record of another tool's answers, by the commands that a user types."""
    models = (MODEL.format(name=n, price=p) for n, p in (("gpt-5.4", 10), ("gpt-5.4-mini", 1)))
    (root / "models").mkdir()
    (root / "models" / "all.yaml").write_text("".join(models), encoding="utf-8")
    (root / "policy.yaml").write_text(POLICY, encoding="utf-8")
    command = ["import", "outcomes", str(source), "-f", "f", "-w", str(root)]
    assert run([*command, "--incumbent", "openai:gpt-5.4"]) == 2
    feature = root / "features" / "f.yaml"
    feature.write_text(feature.read_text("utf-8") + FACTS, encoding="utf-8")
    assert run(command) == 0
    assert run(["review", "-w", str(root), "--feature", "f", "--cycle", "2026-Q4", "--yes"]) == 0
    (path,) = root.glob("reviews/*/records/f.json")
    return load(path.read_text("utf-8"))


def results(number: int) -> list[dict[str, object]]:
    """One case in promptfoo's results: the incumbent right, the candidate wrong on one in eight."""
    return [
        {
            "promptIdx": place,
            "testIdx": number,
            "provider": {"id": f"openai:{model}", "label": ""},
            "prompt": {"raw": "q", "label": "q"},
            "vars": {"question": f"Question {number}"},
            "success": good,
            "score": float(good),
            "failureReason": 0 if good else 1,
            "latencyMs": 500,
            "response": {
                "output": "yes" if good else "no",
                "tokenUsage": {"total": 110, "prompt": 100, "completion": 10},
            },
        }
        for place, (model, good) in enumerate(
            (("gpt-5.4", True), ("gpt-5.4-mini", number % 8 != 0))
        )
    ]


def test_another_tool_s_answers_are_counted_on_the_cases_of_the_bound(tmp_path: Path) -> None:
    rows = [row for number in range(300) for row in results(number)]
    source = tmp_path / "results.json"
    source.write_text(json.dumps({"results": {"version": 3, "results": rows}}), encoding="utf-8")
    root = tmp_path / "w"
    root.mkdir()
    record = imported(root, source)
    (option,) = record.options
    quality = option.quality
    assert quality is not None
    assert record.laws == 1
    assert quality.both_right is not None
    assert quality.both_right + (quality.only_current_right or 0) == quality.n
    assert quality.current == 100.0
    shown = round(100 * (quality.both_right - quality.n) / quality.n, 6)
    assert quality.difference == pytest.approx(shown)
    assert quality.worst_missing_as_zero == quality.worst
    page = render(to_document(record, NOW), to="md")
    assert f"was right {quality.both_right} times on {quality.n} cases" in page
    assert f"today's model {quality.n} times: {quality.difference:.1f} points" in page


def some_lost(body: Body) -> Reply:
    """`good` never answers three tickets of `grouped`."""
    text = json.dumps(body["messages"])
    lost = body["model"] == "good" and "of grouped" in text
    if lost and any(f"number {number} of" in text for number in (33, 66, 99)):
        return Reply(status=503, error_message="out of order")
    return answers(body)


def test_repeats_groups_lost_answers_and_some_labels_are_told_and_recomputed(
    tmp_path: Path,
) -> None:
    shape = Shape(cases=160, features=("tickets", "grouped", "labelled"), extra="margin: 12")
    with OpenAIServer(some_lost) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape)
        sets = tmp_path / "evalsets"
        edit(sets / "tickets" / "evalset.yaml", "unit: tickets", "unit: tickets\nrepeats: 2")
        clustered = "unit: tickets\ncluster: customer"
        edit(sets / "grouped" / "evalset.yaml", "unit: tickets", clustered)
        mail = "{mail: {margin: 30}}"
        proven = "{mail: {margin: 30}, chat: {margin: 30, protect: proven}}"
        edit(sets / "grouped" / "evalset.yaml", mail, proven)
        rows = {
            name: [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
            for name in ("grouped", "labelled")
            if (cases := sets / name / "cases.jsonl")
        }
        for at, row in enumerate(rows["grouped"]):
            row["metadata"]["customer"] = f"c-{at // 3}"
        for row in rows["labelled"][::2]:
            del row["target"]
        for name, kept in rows.items():
            text = "".join(json.dumps(row) + "\n" for row in kept)
            (sets / name / "cases.jsonl").write_text(text, encoding="utf-8")
        records = run_review(tmp_path, cluster)
    folder = tmp_path / "reviews" / CYCLE
    write_records(records, folder)
    publish(records, folder, now=NOW)
    found = recompute(folder, NOW.date()).findings
    assert [f"{one.where}: {one.why}: {one.text}" for one in found] == []
    pages = {r.feature.id: render(to_document(r, NOW), to="md") for r in records}
    assert "3 the provider could not serve" in pages["grouped"]
    assert "can show no harm, however large" not in pages["grouped"]
    assert "not every case is labelled (level not known; labels of" in pages["labelled"]
    assert "of 100 points lower; the loss is set higher" in pages["tickets"]
