"""Which review a cycle's later reviews are held to: the first that answers came under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.conduct.preparing.trying import rung_with
from harness.conduct.reviewing.review import changes
from harness.errors import BudgetRefusedError, ExitCode
from harness.journal.journal import Journal
from harness.plan.planning import Selection
from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from tests.harness.conduct.preparing.test_trying import planned, try_once
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
from tests.support.wire.reply import Body, Reply

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

GOOD = Shape(cases=120, candidates="good")
WIDER = replace(GOOD, extra="margin: 8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def plans(root: Path) -> int:
    path = root / ".rightsize" / "journal.sqlite"
    if not path.is_file():
        return 0
    with Journal.read(path) as journal:
        return len(journal.all_plans("tickets"))


def reviewed(root: Path, server: OpenAIServer, shape: Shape, run_id: str) -> DecisionRecord:
    write_review_workspace(root, server.port, shape)
    with inline_cluster() as cluster:
        (record,) = run_review(root, cluster, run_id=run_id)
    return record


def test_a_review_without_its_key_binds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, GOOD)
        edit(tmp_path / "models" / "all.yaml", "  may_see", "  key: NO_SUCH_KEY\n  may_see")
        review = ["review", "-w", str(tmp_path), "--cycle", CYCLE, "--yes"]
        assert run(review) == ExitCode.USAGE_ERROR
        assert plans(tmp_path) == 0
        record = reviewed(tmp_path, server, WIDER, "run-2")
    assert record.evidence.exploratory == ()
    assert record.evidence.eval_set.times_used == 1
    assert record.verdict is Verdict.DOWNGRADE


def test_a_review_that_nobody_allows_binds_nobody(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, GOOD)
        review = ["review", "-w", str(tmp_path), "--cycle", CYCLE]
        assert run(review) == ExitCode.BUDGET_REFUSED
        record = reviewed(tmp_path, server, WIDER, "run-2")
    assert record.evidence.exploratory == ()
    assert record.evidence.eval_set.times_used == 1


def test_a_review_whose_cap_allows_no_call_binds_nobody(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        with pytest.raises(BudgetRefusedError, match="allows not one call"):
            reviewed(tmp_path, server, replace(GOOD, cap="0.00001"), "run-1")
        assert not server.log.calls
        record = reviewed(tmp_path, server, WIDER, "run-2")
    assert record.evidence.exploratory == ()
    assert record.evidence.eval_set.times_used == 1


def test_a_review_that_got_no_answer_binds_nobody(tmp_path: Path) -> None:
    with OpenAIServer(lambda _: Reply(status=401)) as server:
        reviewed(tmp_path, server, GOOD, "run-1")
        assert server.log.calls
    with OpenAIServer(answers) as server:
        record = reviewed(tmp_path, server, WIDER, "run-2")
    assert record.evidence.exploratory == ()
    assert record.evidence.eval_set.times_used == 1


def test_who_goes_back_decides_again(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        first = reviewed(tmp_path, server, GOOD, "run-1")
        wider = reviewed(tmp_path, server, WIDER, "run-2")
        again = reviewed(tmp_path, server, GOOD, "run-3")
    (why,) = wider.evidence.exploratory
    assert why == (
        "changed after answers existed: the margin (5 points, now 8 points). To decide 2026-Q4, "
        "put that back and review again; or let the change count from the next cycle on"
    )
    assert again.evidence.exploratory == ()
    assert again.evidence.plan_sha256 == first.evidence.plan_sha256
    assert again.verdict is first.verdict
    assert [one.evidence.eval_set.times_used for one in (first, wider, again)] == [1, 2, 2]


def test_answers_of_an_earlier_cycle_are_answers(tmp_path: Path) -> None:
    """A review that asks nobody, because all is known, is a test: its plan binds."""
    with OpenAIServer(answers) as server:
        reviewed(tmp_path, server, GOOD, "run-1")
        journal = tmp_path / ".rightsize" / "journal.sqlite"
        workspace = ["-w", str(tmp_path), "--cycle", "2027-Q1"]
        assert run(["review", *workspace, "--yes"]) == ExitCode.OK
        edit(tmp_path / "features" / "tickets.yaml", "risk: medium", "risk: high")
        assert run(["review", *workspace, "--yes"]) == ExitCode.OK
        assert len(server.log.calls) == 240
    document = (tmp_path / "reviews" / "2027-Q1" / "documents" / "tickets.md").read_text("utf-8")
    assert "Changed after answers existed: the margin (5 points, now 3 points)." in document
    with Journal.read(journal) as opened:
        assert len(opened.plans("tickets", "2027-Q1")) == 2


CHANGED = [
    ("features/tickets.yaml", "candidates: [good]", "candidates: [bad, good]",
     "the options (good; now bad, good)"),
    ("evalsets/tickets/evalset.yaml", "margin: 30", "margin: 20", "the slices"),
    ("evalsets/tickets/evalset.yaml", "labels: [billing, technical]",
     "labels: [billing, technical, other]", "the scorer"),
    ("evalsets/tickets/evalset.yaml", "guardrails: [{scorer: format, margin: 5}]", "guardrails: []",
     "the guardrails"),
    ("prompts/tickets/default.j2", "Topic for", "What is the topic for",
     "the prompt of big and good"),
    ("features/tickets.yaml", "max_output_tokens: 8", "max_output_tokens: 9",
     "the request parameters of big and good"),
    ("policy.yaml", "kind: holm", "kind: ladder", "the procedure (its kind, pilot or looks)"),
    ("policy.yaml", "procedure:", "confidence: 0.9\nprocedure:",
     "the confidence (95 %, now 90 %)"),
    ("evalsets/tickets/cases.jsonl", "Ticket number 3\"", "Ticket number 4003\"",
     "the cases"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "said"), CHANGED)
def test_what_was_changed_is_named(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    with OpenAIServer(answers) as server:
        reviewed(tmp_path, server, GOOD, "run-1")
        edit(tmp_path / file, old, new)
        with inline_cluster() as cluster:
            (record,) = run_review(tmp_path, cluster, run_id="run-2")
    (why,) = record.evidence.exploratory
    assert why.startswith(f"changed after answers existed: {said}. To decide 2026-Q4")


def test_several_changes_are_named_together(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        reviewed(tmp_path, server, GOOD, "run-1")
        both = replace(GOOD, candidates="bad", extra="margin: 8")
        record = reviewed(tmp_path, server, both, "run-2")
    assert (
        "existed: the margin (5 points, now 8 points) and the options (good; now bad). To decide"
    ) in record.evidence.exploratory[0]


@pytest.mark.parametrize("command", ["plan", "review"])
def test_a_review_of_one_model_says_beforehand_what_it_fixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, replace(GOOD, candidates="bad, good"))
        arguments = [command, "-w", str(tmp_path), "--cycle", CYCLE]
        run([*arguments, "-m", "good"])
        said = capsys.readouterr().out
        assert (
            "tickets: with its first answer this review fixes the options of 2026-Q4: good, "
            "without bad; a later review of 2026-Q4 that adds it could only show"
        ) in said
        run(arguments)
        assert "fixes the options" not in capsys.readouterr().out
        with inline_cluster() as cluster:
            run_review(tmp_path, cluster, wanted=Selection(models=("good",)))
        run(arguments)
        assert (
            "tickets: EXPLORATORY, to show and not to decide: changed after answers existed: "
            "the options (good; now bad, good). To decide 2026-Q4, put that back and review again"
        ) in capsys.readouterr().out
        run([*arguments, "-m", "good"])
        said = capsys.readouterr().out
    assert "EXPLORATORY" not in said
    assert "fixes the options" not in said


def test_a_try_is_no_answer_of_the_test(tmp_path: Path) -> None:
    journal = tmp_path / ".rightsize" / "journal.sqlite"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, replace(GOOD, cap="0.00001"))
        edit(tmp_path / "evalsets/tickets/evalset.yaml", "unit:", "tune: 20\nunit:")
        with pytest.raises(BudgetRefusedError, match="allows not one call"):
            run_review(tmp_path, cluster, run_id="run-1")
        write_review_workspace(tmp_path, server.port, WIDER)
        edit(tmp_path / "evalsets/tickets/evalset.yaml", "unit:", "tune: 20\nunit:")
        plan = planned(tmp_path)
        rung = rung_with(plan, "good", None)
        try_once(plan, rung, cluster, journal=journal, run_id="run-1b")
        assert len(server.log.calls) == 20
        (record,) = run_review(tmp_path, cluster, run_id="run-2")
    assert record.evidence.exploratory == ()
    assert record.evidence.eval_set.times_used == 1
    assert record.options[0].prompts_tried == 1


def test_a_failure_of_the_model_is_an_answer(tmp_path: Path) -> None:
    def refuses(body: Body) -> Reply:
        return replace(answers(body), finish="content_filter")

    with OpenAIServer(refuses) as server:
        reviewed(tmp_path, server, GOOD, "run-1")
        record = reviewed(tmp_path, server, WIDER, "run-2")
    assert record.evidence.exploratory[0].startswith("changed after answers existed")


def test_runs_that_answered_come_in_the_order_of_time(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, GOOD)
        later = datetime(2026, 11, 25, tzinfo=UTC)
        with inline_cluster() as cluster:
            run_review(tmp_path, cluster, run_id="b", now=NOW)
            edit(tmp_path / "prompts" / "tickets" / "default.j2", "Topic", "Subject")
            run_review(tmp_path, cluster, run_id="a", now=later)
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        assert [one.run_id for one in journal.answering("tickets")] == ["b", "a"]


def test_what_only_a_newer_version_plans_by_is_no_change_of_the_team() -> None:
    before = {"feature": "f", "bar": None}
    assert changes(before, {**before, "sampling": 3}) == [
        "the test, as this version of rightsize plans it"
    ]
    assert changes({**before, "sampling": 2}, {**before, "sampling": 3}) == ["the plan's sampling"]
