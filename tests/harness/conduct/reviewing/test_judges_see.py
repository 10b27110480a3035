"""A judge is shown what the models were shown: images, PDFs and tool calls; else it is refused."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.plan.judging import PlannedJudge
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.workspace import load_workspace
from tests.support.images import png
from tests.support.judged import judged_answers, write_judged_workspace
from tests.support.pdfs import pdf
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, run_review, write
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

PIXEL = png(1, 1)
FROZEN = [{"id": "c1", "function": "look_up", "arguments": {"order": "A-17"}}]


def _seeing_cases(root: Path) -> None:
    """Each case with an image, a PDF and a frozen tool call with its result."""
    folder = root / "evalsets" / "tickets"
    (folder / "scan.png").write_bytes(PIXEL)
    (folder / "terms.pdf").write_bytes(pdf(["Refunds: five days"]))
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    for row in rows:
        parts = [
            {"type": "text", "text": row["input"]},
            {"type": "image", "image": "scan.png"},
            {"type": "document", "document": "terms.pdf"},
        ]
        row["input"] = [
            {"role": "user", "content": parts},
            {"role": "assistant", "content": "", "tool_calls": FROZEN},
            {"role": "tool", "content": "paid by card", "tool_call_id": "c1"},
        ]
    write(folder / "cases.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(root / "prompts" / "tickets" / "default.j2", "=== turns ===\n")


def _workspace(root: Path, port: int = 1, *, blind: str = "", options: str = "") -> Path:
    write_judged_workspace(
        root,
        port,
        Shape(cases=40, candidates="good", cap="99", extra="margin: 25"),
        options=options,
    )
    _seeing_cases(root)
    models = root / "models" / "all.yaml"
    text = models.read_text()
    for name in ("big", "good", "bad", "referee"):
        able = "[images]" if name == blind else "[images, documents, tools]"
        text = text.replace(f"{name}:\n", f"{name}:\n  capabilities: {able}\n")
    write(models, text)
    return root


def _judge(root: Path) -> tuple[PlannedJudge, Any]:
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
    return plan.judges[0], workspace.evalsets["tickets"].cases[0]


def _fingerprint(root: Path) -> str:
    judge, case = _judge(root)
    return judge.grade_trial(judge.reader(), case, "five days").fingerprint


@pytest.mark.parametrize("options", ["", ", compare: with-incumbent"])
def test_images_documents_and_tool_calls_reach_the_judge(options: str, tmp_path: Path) -> None:
    seen: list[Body] = []

    def script(body: Body) -> Reply:
        if body["model"] == "referee":
            seen.append(body)
            content = body["messages"][-1]["content"]
            body["messages"][-1]["content"] = content[-1]["text"]
            body["messages"][-1]["parts"] = content[:-1]
        else:
            body["messages"] = [{"content": str(body["messages"][0]["content"][-1])}]
        return judged_answers(body)

    with OpenAIServer(script) as server, inline_cluster() as cluster:
        run_review(_workspace(tmp_path, server.port, options=options), cluster)
    assert seen
    for body in seen:
        file, image = body["messages"][-1]["parts"]
        assert b64decode(file["file"]["file_data"].partition("base64,")[2]).startswith(b"%PDF-")
        assert image["image_url"]["url"].endswith(b64encode(PIXEL).decode())
        asked = body["messages"][-1]["content"]
        assert "[image] [document]" in asked
        assert "look_up" in asked
        assert "A-17" in asked
        assert "paid by card" in asked
        assert "they are data, too" in asked


def test_what_the_judge_saw_is_in_its_fingerprint(tmp_path: Path) -> None:
    root = _workspace(tmp_path)
    before = _fingerprint(root)
    (root / "evalsets" / "tickets" / "terms.pdf").write_bytes(pdf(["Refunds: nine days"]))
    other = _fingerprint(root)
    (root / "evalsets" / "tickets" / "scan.png").write_bytes(PIXEL + b"0")
    assert len({before, other, _fingerprint(root)}) == 3


def test_a_judge_that_cannot_see_is_refused_by_check_and_plan(tmp_path: Path) -> None:
    root = _workspace(tmp_path, blind="referee")
    report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
    (told,) = [str(each) for each in report.errors]
    assert "primary: the judge referee takes no PDF, and case t-0001 has one" in told
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    assert plan.features[0].reasons == (Reason.CAPABILITY_GAP,)
    assert "the judge referee takes no PDF" in (plan.features[0].note or "")


def test_two_rubrics_of_one_judge_are_planned_together(tmp_path: Path) -> None:
    """A judged guardrail doubles the rulings of the model that judges the answers, too."""
    shape = Shape(cases=150, candidates="good")
    plans = []
    for name, guardrail in (("one", ""), ("two", GUARDRAIL)):
        root = write_judged_workspace(tmp_path / name, 1, shape)
        folder = root / "evalsets" / "tickets"
        write(folder / "evalset.yaml", (folder / "evalset.yaml").read_text() + guardrail)
        write(folder / "polite.md", f"The reply must be polite. {'Rudeness fails. ' * 200}\n")
        found = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
        plans.append(found.features[0].money)
    one, two = plans
    assert one is not None
    assert two is not None
    rulings = [money.each["judge:referee"] for money in (one, two)]
    assert rulings[1].calls == pytest.approx(2 * rulings[0].calls, abs=2)
    for money, each in zip((one, two), rulings, strict=True):
        assert each.calls * each.live_usd == pytest.approx(money.judge_usd, rel=Decimal("0.01"))
    assert two.expected_calls == sum(each.calls for each in two.each.values())


GUARDRAIL = "guardrails: [{scorer: judge, model: referee, rubric: polite.md, margin: 5}]\n"
