"""Eval sets that cannot tell models apart, through a whole review on a local server."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.record.base import Finding, Reason, Result, Verdict
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from reports.render import render
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    inline_cluster,
    right_answer,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from harness.record.trust import FloorFacts
    from tests.support.wire.reply import Body

    Says = Callable[[str, int], str]
    Target = Callable[[int], str]

pytestmark = pytest.mark.slow

USAGE = TokenUsage(input_tokens=80, output_tokens=2)
CANNOT = (Reason.EVALSET_CANNOT_TELL,)


def scripted(says: Says) -> Callable[[Body], Reply]:
    def script(body: Body) -> Reply:
        found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
        number = int(found[1]) if found else 0
        return Reply(text=says(str(body["model"]), number), usage=USAGE)

    return script


def prepared(root: Path, port: int, target: Target, evalset: dict[str, str], shape: Shape) -> None:
    write_review_workspace(root, port, shape)
    folder = root / "evalsets" / "tickets"
    lines = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines, start=1):
        line["target"] = target(number)
    write(folder / "cases.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    text = (folder / "evalset.yaml").read_text()
    for old, new in evalset.items():
        assert old in text
        text = text.replace(old, new)
    write(folder / "evalset.yaml", text)


def reviewed(  # noqa: PLR0913  # each is what one test varies
    root: Path,
    says: Says,
    *,
    target: Target = right_answer,
    evalset: dict[str, str] | None = None,
    prompt: str | None = None,
    shape: Shape | None = None,
) -> tuple[DecisionRecord, FloorFacts, str]:
    """The record of one review, what it says of its eval set, and page one."""
    with OpenAIServer(scripted(says)) as server, inline_cluster() as cluster:
        prepared(root, server.port, target, evalset or {}, shape or Shape(candidates="good"))
        if prompt is not None:
            write(root / "prompts" / "tickets" / "default.j2", prompt)
        (record,) = run_review(root, cluster)
    floor = record.evidence.floor
    assert floor is not None
    return record, floor, render(to_document(record, NOW), to="md").partition("## Appendix")[0]


def is_undecided(record: DecisionRecord) -> bool:
    """Undecided for the eval set's sake, with every option's result."""
    results = {(option.result, option.reason_codes) for option in record.options}
    return (
        record.verdict is Verdict.UNDECIDED
        and record.reason_codes == CANNOT
        and record.finding is Finding.INSUFFICIENT_EVIDENCE
        and record.savings is None
        and results == {(Result.UNDECIDED, CANNOT)}
    )


def test_labels_that_no_answer_matches_decide_nothing(tmp_path: Path) -> None:
    record, floor, page = reviewed(tmp_path, lambda _, __: "facturation")
    assert is_undecided(record)
    assert (floor.right, floor.level, floor.constant_right) == (0, 0.0, floor.cases // 2)
    assert "was right on 0 of" in page
    assert 'always answering "' in page


def test_a_right_and_cheaper_model_passes_and_every_model_at_100_is_said(tmp_path: Path) -> None:
    record, floor, page = reviewed(tmp_path, lambda _, number: right_answer(number))
    assert record.verdict is Verdict.DOWNGRADE
    assert (floor.clears, floor.all_right) == (True, True)
    assert "Every model that was asked was right on every case (100 %)" in page


def test_one_wrong_model_is_enough_for_a_set_that_is_not_too_easy(tmp_path: Path) -> None:
    def says(model: str, number: int) -> str:
        return right_answer(number + (model == "bad" and number % 3 == 0))

    record, floor, page = reviewed(tmp_path, says, shape=Shape(candidates="bad, good"))
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "good")
    assert not floor.all_right
    assert "100 %)" not in page


def test_a_prompt_without_its_case_decides_nothing(tmp_path: Path) -> None:
    """It differs from case to case by the channel, so that no check of prompts sees it."""
    record, floor, page = reviewed(
        tmp_path,
        lambda _, number: right_answer(number) if number else "billing",
        prompt="Topic of a ticket by {{ metadata.channel }}?\n",
    )
    assert is_undecided(record)
    assert floor.level == pytest.approx(50, abs=10)
    assert "Switch" not in page


@pytest.mark.parametrize("share", [70, 90])
def test_one_constant_answer_of_both_models_decides_nothing(tmp_path: Path, share: int) -> None:
    """However common the label is that both always give."""
    record, floor, page = reviewed(
        tmp_path,
        lambda _, __: "billing",
        target=lambda number: "billing" if number % 10 < share // 10 else "technical",
    )
    assert is_undecided(record)
    assert (floor.label, floor.right) == ("billing", floor.constant_right)
    assert f"right on {floor.right} of {floor.cases} tickets" in page


def test_one_frequent_label_is_told_before_a_call(tmp_path: Path) -> None:
    def nearly_all(number: int) -> str:
        return "technical" if number % 50 == 0 else "billing"

    prepared(tmp_path, 9, nearly_all, {}, Shape(candidates="good"))
    workspace = load_workspace(tmp_path)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features
    assert (plan.status, plan.reasons, plan.money) == (Status.TOO_SMALL, CANNOT, None)
    assert "always answering 'billing' scores 98.0 of 100 on 300 tickets" in plan.note
    (record,) = run_review(tmp_path, None)
    assert (record.verdict, record.reason_codes) == (Verdict.UNDECIDED, CANNOT)
    assert record.evidence.spend.trials == 0
    floor = record.evidence.floor
    assert floor is not None
    assert (floor.constant_right, floor.level, floor.clears) == (294, None, False)
    assert "would be right on 294 of 300 tickets" in render(to_document(record, NOW), to="md")


def test_harm_on_a_set_that_cannot_tell_is_no_reason_to_stay(tmp_path: Path) -> None:
    """Today's model is right on a fifth, the candidate never: a coin would be right on half."""

    def says(model: str, number: int) -> str:
        return right_answer(number + (model == "good" or number % 5 > 0))

    record, floor, _ = reviewed(tmp_path, says)
    assert is_undecided(record)
    assert floor.level == pytest.approx(20)


def test_a_reason_that_needs_no_eval_set_stands(tmp_path: Path) -> None:
    """The candidate writes so much that it saves nothing, whatever its answers are worth."""

    def wordy(body: Body) -> Reply:
        tokens = 2 if body["model"] == "big" else 900
        usage = TokenUsage(input_tokens=80, output_tokens=tokens)
        return Reply(text="facturation", usage=usage)

    with OpenAIServer(wordy) as server, inline_cluster() as cluster:
        prepared(tmp_path, server.port, right_answer, {}, Shape(candidates="good"))
        (record,) = run_review(tmp_path, cluster)
    floor = record.evidence.floor
    assert floor is not None
    assert floor.clears is False
    assert record.verdict is Verdict.JUSTIFY
    assert record.reason_codes == (Reason.SAVINGS_BELOW_MINIMUM,)
    assert [option.reason_codes for option in record.options] == [record.reason_codes]


def test_what_no_model_was_asked_for_says_nothing_of_the_set(tmp_path: Path) -> None:
    write_review_workspace(tmp_path, 9, Shape(candidates="good"))
    models = (tmp_path / "models" / "all.yaml").read_text()
    head, good = models.split("good:")
    closed = good.replace("[public, internal, customer]", "[public]", 1)
    write(tmp_path / "models" / "all.yaml", f"{head}good:{closed}")
    (record,) = run_review(tmp_path, None)
    assert (record.verdict, record.reason_codes) == (
        Verdict.JUSTIFY,
        (Reason.DATA_NOT_PERMITTED,),
    )
    assert record.evidence.floor is None


def test_graded_scores_have_a_bound_of_their_own(tmp_path: Path) -> None:
    """Shares of fields right: the commonest fields are half right by themselves."""
    fields = {
        "primary: {scorer: label, labels: [billing, technical]}": (
            "primary: {scorer: json-fields, pass: share}"
        ),
        "guardrails: [{scorer: format, margin: 5}]": "guardrails: []",
    }

    def wanted(number: int) -> str:
        return json.dumps({"topic": right_answer(number), "spam": "no"})

    def knows_spam_only(_: str, __: int) -> str:
        return json.dumps({"topic": "other", "spam": "no"})

    good, floor, _ = reviewed(
        tmp_path / "good", lambda _, number: wanted(number), target=wanted, evalset=fields
    )
    assert good.verdict is Verdict.DOWNGRADE
    assert (floor.constant_score, floor.constant_right, floor.level) == (75.0, None, 100.0)
    blind, low, page = reviewed(tmp_path / "blind", knows_spam_only, target=wanted, evalset=fields)
    assert is_undecided(blind)
    assert low.level == 50.0
    assert "scored 50.0 of 100 on" in page


def three_in_four(number: int) -> str:
    return "billing" if number % 4 else "technical"


def fails_at_once(model: str, number: int) -> str:
    """The candidate is never right; today's model on all but every twelfth."""
    return three_in_four(number) if number % 12 and model == "big" else "other"


def forget_what_was_asked_of_one_model_alone(root: Path) -> None:
    """As a journal is that was written before models were asked on."""
    with closing(sqlite3.connect(root / ".rightsize" / "journal.sqlite")) as journal, journal:
        journal.execute(
            "DELETE FROM outcomes WHERE fingerprint IN (SELECT fingerprint FROM trials GROUP BY "
            "case_id HAVING count(*) = 1)"
        )


def test_today_s_model_is_asked_on_where_a_test_that_stopped_early_leaves_it_uncertain(
    tmp_path: Path,
) -> None:
    """Of three in four targets being one label 20 cases show no model to be above it."""
    record, floor, _ = reviewed(
        tmp_path,
        fails_at_once,
        target=three_in_four,
        shape=Shape(candidates="good", kind="ladder"),
    )
    candidate = record.evidence.spend.trials - floor.cases
    assert (record.verdict, floor.clears) == (Verdict.JUSTIFY, True)
    assert floor.cases in {2 * candidate, 4 * candidate, 8 * candidate}
    (again,) = run_review(tmp_path, None, run_id="run-2")
    assert again.finding_sha256 == record.finding_sha256
    forget_what_was_asked_of_one_model_alone(tmp_path)
    (older,) = run_review(tmp_path, None, run_id="run-3")
    assert is_undecided(older)
    assert older.evidence.floor is not None
    assert older.evidence.floor.cases == candidate


def test_nothing_more_is_asked_where_it_could_not_help(tmp_path: Path) -> None:
    record, floor, _ = reviewed(
        tmp_path,
        lambda model, _: "facturation" if model == "big" else "other",
        shape=Shape(candidates="good", kind="ladder"),
    )
    assert is_undecided(record)
    # All cases are asked of the guardrail before an option is accepted, and none for the floor.
    assert record.evidence.spend.trials == 2 * 300
    assert floor.cases < 300
