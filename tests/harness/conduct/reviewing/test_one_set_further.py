"""One set of cases also where answers are imported, graded, labelled late, or harm a part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.record.model import load
from harness.tell.pages import to_document
from reports.render import render
from tests.support.imports import FACTS, MODEL
from tests.support.reviews import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

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
