"""`plan` says what changed since the last quarter, dearest first, before anything is spent."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.conduct.since import cannot_tell_lines, since_lines
from harness.plan.planning import Selection, plan_review
from harness.record.lifecycle import ends_on
from harness.record.stored import read_records, write_records
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from tests.support.reviews import (
    CYCLE,
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

    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("since")]

NEXT = datetime(2027, 2, 1, tzinfo=UTC)
"""Evidence is as old as its answers, which come on the day of the test."""


def never_right(_: Body) -> Reply:
    return Reply(text="none of them", usage=TokenUsage(input_tokens=80, output_tokens=2))


def lines(root: Path, now: datetime, cycle: str = "2027-Q1") -> list[str]:
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=cycle, on=now.date(), wanted=Selection())
    return list(since_lines(workspace, plan, root / "reviews", now))


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("since")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        shape = Shape(cases=120, features=("tickets", "mails"), candidates="bad")
        write_review_workspace(root, server.port, shape)
        write_records(run_review(root, cluster), root / "reviews" / CYCLE)
    return root


def test_nothing_changed_is_nothing_to_say(reviewed: Path) -> None:
    assert lines(reviewed, NEXT) == []
    assert lines(reviewed, NEXT, cycle=CYCLE) == []


def test_ended_evidence_is_named(reviewed: Path) -> None:
    ended = {ends_on(record) for record in read_records(reviewed / "reviews" / CYCLE)}
    (day,) = ended
    late = datetime.combine(day + timedelta(days=60), time(), UTC)
    head, *rest = lines(reviewed, late)
    assert head == "Since the last review, by what a new look may be worth a month:"
    assert sorted(rest) == [
        f"    {name}: the evidence of 2026-Q4 ended on {day}" for name in ("mails", "tickets")
    ]


def test_drift_prices_and_new_models_are_ranked_by_worth(reviewed: Path) -> None:
    """`tickets` asks twice the tokens: 164 a request at USD 4 a million are USD 656 a month.

    At least 0.7 x 162 + 0.5 x 2 tokens at USD 0.20 are USD 23 with `bad`.
    """
    feature = reviewed / "features" / "tickets.yaml"
    models = reviewed / "models" / "all.yaml"
    before = feature.read_text(encoding="utf-8"), models.read_text(encoding="utf-8")
    edit(feature, "input_tokens: 80", "input_tokens: 162")
    edit(feature, "candidates: [bad]", "candidates: [bad, good]")
    edit(models, "input: 0.25, output: 0.25", "input: 0.20, output: 0.20")
    try:
        _, first, second = lines(reviewed, NEXT)
    finally:
        feature.write_text(before[0], encoding="utf-8")
        models.write_text(before[1], encoding="utf-8")
    assert first.startswith(
        "    tickets: at most USD 633; tokens in a question: 80 to 162 (+102 %)"
    )
    assert "price of bad: 0.25 / 0.25 to 0.2 / 0.2" in first
    assert first.endswith("; new: good")
    assert second.startswith("    mails: at most USD 317; price of bad: 0.25 / 0.25")


def test_cases_that_could_not_tell_are_named_before_they_are_asked_again(tmp_path: Path) -> None:
    with OpenAIServer(never_right) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="bad"))
        write_records(run_review(tmp_path, cluster), tmp_path / "reviews" / CYCLE)
    workspace = load_workspace(tmp_path)
    for cycle in (CYCLE, "2027-Q1"):
        plan = plan_review(workspace, cycle=cycle, on=NEXT.date(), wanted=Selection())
        (line,) = cannot_tell_lines(plan, tmp_path / "reviews")
        assert line.startswith("      tickets: on these cases the review of 2026-Q4 found")
    path = tmp_path / "evalsets" / "tickets" / "cases.jsonl"
    path.write_text(path.read_text().replace('Ticket number 7"', 'Ticket number 7000"'))
    mended = load_workspace(tmp_path)
    plan = plan_review(mended, cycle=CYCLE, on=NEXT.date(), wanted=Selection())
    assert list(cannot_tell_lines(plan, tmp_path / "reviews")) == []
