"""A chain of downgrades is held against the first model, on its own answers where there are any."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from math import floor
from typing import TYPE_CHECKING

import pytest

from harness.plan.anchor import anchor_of, histories
from harness.record.base import Reason, Result, Verdict
from harness.record.stored import write_records
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
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

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

LOSES = {"big": set[int](), "good": {7}, "bad": {7, 27}}
"""By model: which of a hundred cases it gets wrong beside every twentieth."""


def said(body: Body) -> Reply:
    text = json.dumps(body.get("messages") or body.get("prompt"))
    found = re.search(r"Ticket number (\d+)", text)
    number = int(found[1]) if found else 0
    wrong = number % 20 == 0 or number % 100 in LOSES[str(body["model"])]
    answer = right_answer(number + 1 if wrong else number)
    return Reply(text=answer, usage=TokenUsage(input_tokens=80, output_tokens=2))


def reviewed(root: Path, cycle: str, days: int) -> DecisionRecord:
    with inline_cluster() as cluster:
        now = NOW + timedelta(days=days)
        (record,) = run_review(root, cluster, run_id=f"run-{cycle}", cycle=cycle, now=now)
    write_records([record], root / "reviews" / cycle)
    return record


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_second_step_is_held_against_the_first_model(tmp_path: Path) -> None:
    feature = tmp_path / "features" / "tickets.yaml"
    with OpenAIServer(said) as server:
        write_review_workspace(tmp_path, server.port, Shape(candidates="good"))
        edit(tmp_path / "policy.yaml", "minimum_saving_usd: 50", "minimum_saving_usd: 5")
        first = reviewed(tmp_path, "2026-Q2", 0)
        edit(feature, "incumbent: big", "incumbent: good")
        edit(feature, "candidates: [good]", "candidates: [bad]")
        second = reviewed(tmp_path, "2026-Q3", 90)
        edit(tmp_path / "policy.yaml", "max_spend_usd", "drift: 5\nmax_spend_usd")
        third = reviewed(tmp_path, "2026-Q4", 180)
    assert first.anchor is not None
    assert (first.anchor.option, first.anchor.steps, first.anchor.drift) == ("big", 0, None)
    assert first.anchor.level == first.current_quality
    assert second.verdict is Verdict.DOWNGRADE
    assert second.anchor is not None
    assert (second.anchor.steps, second.anchor.level) == (1, first.current_quality)
    step = second.anchor.next_drift
    assert step is not None
    assert (step.difference, step.n) == (-2.0, 300)
    assert -8 < step.worst < -5
    page = render(to_document(second, NOW), to="md").partition("## Appendix")[0]
    assert (
        "**Since the first model.** bad is step 2 down from big (2026-Q2): -2.0 points, at worst "
        f"{floor(10 * step.worst) / 10:.1f}, on 300 cases. All steps together may lose 8 points."
    ) in page.replace("\u2212", "-")
    (option,) = third.options
    assert (option.result, option.reason_codes) == (Result.FAIL, (Reason.DRIFT_BUDGET_SPENT,))
    assert third.verdict is Verdict.JUSTIFY


def test_a_step_back_shortens_the_chain(tmp_path: Path) -> None:
    feature = tmp_path / "features" / "tickets.yaml"
    with OpenAIServer(said) as server:
        write_review_workspace(tmp_path, server.port, Shape(cases=200, candidates="good"))
        reviewed(tmp_path, "2026-Q2", 0)

    def chain(incumbent: str) -> tuple[str, ...]:
        text = re.sub(r"incumbent: \w+", f"incumbent: {incumbent}", feature.read_text("utf-8"))
        feature.write_text(re.sub(r"candidates: .*", "candidates: auto", text), "utf-8")
        workspace = load_workspace(tmp_path)
        past = histories(tmp_path, "2026-Q3")["tickets"]
        found = anchor_of(workspace, "tickets", past, cycle="2026-Q3", on=NOW.date())
        assert found.option == "big"
        return tuple(f"{s.option} {s.difference is not None}" for s in found.swaps)

    assert chain("big") == ()
    assert chain("good") == ("good True",)
    assert chain("bad") == ("bad False",)
