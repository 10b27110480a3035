"""A feature that answers from passages, from the file of its cases to the record."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.conduct.checking import check_workspace, priced_on
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.judged import RUBRIC
from tests.support.reviews import (
    CYCLE,
    MODEL,
    NOW,
    Shape,
    inline_cluster,
    is_wrong,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply, WireUsage

CASES = 60
EVALSET = """\
cases: cases.jsonl
unit: questions
source: {kind: written, targets: none}
primary: {scorer: groundedness}
"""
PROMPT = "Answer from the passages alone, and cite them.\n\n{{ context }}\n\n{{ input }}\n"


def _context(number: int) -> list[object]:
    """Passages of a case; every tenth has none."""
    if number % 10 == 0:
        return []
    return [
        {"id": f"faq-{number}", "text": f"Ticket number {number} is refunded in {number} days."},
        f"The fee is {number},50 EUR, paid on 3 March 2026.",
    ]


def _workspace(root: Path, port: int = 1) -> Path:
    write_review_workspace(root, port, Shape(cases=CASES, candidates="bad", extra="margin: 20"))
    folder = root / "evalsets" / "tickets"
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows, start=1):
        del row["target"]
        row["context"] = _context(number)
    write(folder / "cases.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(folder / "evalset.yaml", EVALSET)
    write(root / "prompts" / "tickets" / "default.j2", PROMPT)
    return root


def _answers(body: Body) -> Reply:
    """What the models make of the passages that they are shown; wrong ones change a digit."""
    text = str(body["messages"][-1]["content"])
    asked = re.search(r"Ticket number (\d+)$", text.strip())
    assert asked is not None, text
    number = int(asked[1])
    usage = WireUsage(input_tokens=90, output_tokens=12)
    wrong = is_wrong(str(body["model"]), number)
    if f"[faq-{number}]" not in text:
        said = "It takes 4 days." if wrong else "The passages do not say."
    else:
        days = number + 100 if wrong else number
        said = f"Refunded within {days} days [faq-{number}]; the fee is €{number}.50."
    return Reply(text=said, usage=usage)


def test_answers_from_passages_are_held_against_them(tmp_path: Path) -> None:
    with OpenAIServer(_answers) as server, inline_cluster() as cluster:
        (record,) = run_review(_workspace(tmp_path, server.port), cluster)
    (option,) = record.options
    assert option.quality is not None
    # As scripted, the incumbent errs on every 20th case and the candidate on every third.
    assert (option.quality.current or 0) >= 90
    assert (option.quality.candidate or 0) <= 75
    assert option.quality.only_current_right == 60 // 3 - 60 // 60
    assert option.quality.neither_right == 60 // 60


def _errors(root: Path) -> list[str]:
    report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
    return [str(each) for each in report.errors]


def test_check_tells_what_lacks_a_context_and_what_does_not_show_it(tmp_path: Path) -> None:
    root = _workspace(tmp_path)
    assert not _errors(root)
    cases = root / "evalsets" / "tickets" / "cases.jsonl"
    whole = cases.read_text()
    write(cases, re.sub(r'"context": \[\]', '"choices": ["a"]', whole))
    told, undefined = _errors(root)
    assert "evalset.yaml:4: primary: case 't-0010' has no `context`" in told
    assert "(and 5 cases more)" in told
    assert "case 't-0010': line 1 or below: 'context' is undefined" in undefined
    write(cases, whole.replace('"text": "Ticket', '"words": "Ticket', 1))
    (told,) = _errors(root)
    assert "context[0]: must be a text, or an object with `text` and perhaps `id`" in told
    write(cases, whole)
    write(root / "prompts" / "tickets" / "default.j2", "Answer: {{ input }}\n")
    (told,) = _errors(root)
    assert "has a context that is not shown: add {{ context }}" in told


def test_a_judge_is_shown_the_passages_and_they_count_in_the_hashes(tmp_path: Path) -> None:
    root = _workspace(tmp_path)
    folder = root / "evalsets" / "tickets"
    judge = "primary: {scorer: judge, model: referee, rubric: rubric.md}\n"
    guardrail = "guardrails: [{scorer: groundedness, margin: 20}]\n"
    write(
        folder / "evalset.yaml",
        EVALSET.replace("primary: {scorer: groundedness}\n", judge + guardrail),
    )
    write(folder / "rubric.md", RUBRIC)
    models = root / "models" / "all.yaml"
    write(models, models.read_text() + MODEL.format(name="referee", port=1, price="1.00"))

    def planned() -> tuple[str, str]:
        workspace = load_workspace(root)
        plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
        case = workspace.evalsets["tickets"].cases[0]
        trial = plan.judges[0].grade_trial(plan.judges[0].reader(), case, "in 1 day")
        return trial.request.messages[-1].text, trial.fingerprint

    shown, before = planned()
    assert "The context:" in shown
    assert "[faq-1]\nTicket number 1 is refunded in 1 days." in shown
    cases = folder / "cases.jsonl"
    write(cases, cases.read_text().replace("The fee is 1,50", "The fee is 2,50"))
    assert planned()[1] != before
