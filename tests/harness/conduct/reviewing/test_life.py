"""All tests of one pair of models on the same cases share one error, whatever they are called."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from harness.journal.journal import Journal
from harness.journal.life import past_tests
from harness.plan.planning import Selection
from harness.record.base import Reason, Verdict
from harness.record.stored import write_records
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

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.life import LifeFacts
    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

GOOD = Shape(cases=120, candidates="good")
LATER = NOW + timedelta(days=90)


def reviewed(
    root: Path, server: OpenAIServer, run_id: str, cycle: str, shape: Shape | None = None
) -> DecisionRecord:
    if shape is not None:
        write_review_workspace(root, server.port, shape)
    now = NOW if cycle == CYCLE else LATER
    with inline_cluster() as cluster:
        return run_review(root, cluster, run_id=run_id, cycle=cycle, now=now)[-1]


def life(record: DecisionRecord) -> LifeFacts:
    found = record.evidence.eval_set.life
    assert found is not None
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_another_cycle_or_feature_name_is_no_other_draw(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        first = reviewed(tmp_path, server, "run-1", CYCLE, GOOD)
        again = reviewed(tmp_path, server, "run-2", "2026-Q4-b")
        for kind in ("prompts", "evalsets"):
            shutil.copytree(tmp_path / kind / "tickets", tmp_path / kind / "zickets")
        shutil.copy(tmp_path / "features/tickets.yaml", tmp_path / "features/zickets.yaml")
        renamed = reviewed(tmp_path, server, "run-3", "2027-Q1")
        assert len(server.log.calls) == 240
    assert renamed.feature.id == "zickets"
    assert (life(first).test, life(first).level, life(first).left) == (1, 4.0, 1.0)
    for one in (again, renamed):
        assert life(one) == life(first).model_copy(update={"again": True})
        assert one.options[0].quality == first.options[0].quality
        assert one.evidence.seed == first.evidence.seed


def test_records_tell_what_a_deleted_journal_has_forgotten(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        first = reviewed(tmp_path, server, "run-1", CYCLE, replace(GOOD, cases=200))
        write_records((first,), tmp_path / "reviews" / CYCLE)
        shutil.rmtree(tmp_path / ".rightsize")
        second = reviewed(tmp_path, server, "run-2", "2027-Q1")
    assert (life(second).test, life(second).level) == (2, 0.333333)
    assert (second.margin.fixed_on, second.margin.fixed_at) == (NOW.date(), 5)


def test_a_quick_look_takes_nothing_of_the_level(tmp_path: Path) -> None:
    """`--quick` asks a few cases for a first look; the review after it is the first test."""
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, replace(GOOD, cases=200))
        wanted, quick = Selection(quick=True), f"{CYCLE}-quick"
        run_review(tmp_path, cluster, run_id="run-1", wanted=wanted, cycle=quick)
        (record,) = run_review(tmp_path, cluster, run_id="run-2")
    assert record.verdict is Verdict.DOWNGRADE
    assert life(record).test == 1


def test_as_many_cases_as_the_page_names_decide_at_the_level_of_the_next_test(
    tmp_path: Path,
) -> None:
    with OpenAIServer(answers) as server:
        first = reviewed(tmp_path, server, "run-1", CYCLE, GOOD)
        assert first.verdict is Verdict.UNDECIDED
        needed = first.still_needed
        assert needed is not None
        assert needed.cases is not None
        assert needed.new_cases is not None
        assert needed.new_cases < needed.cases
        assert f"so would {needed.new_cases} new cases alone, in a set of their own" in needed.note
        more = replace(GOOD, cases=GOOD.cases + needed.cases)
        second = reviewed(tmp_path, server, "run-2", "2027-Q1", more)
        fresh = replace(GOOD, cases=needed.new_cases)
        other = reviewed(tmp_path / "others", server, "run-3", CYCLE, fresh)
    assert (life(second).test, life(second).level) == (2, 0.333333)
    assert second.verdict is Verdict.DOWNGRADE
    assert (life(other).test, other.verdict) == (1, Verdict.DOWNGRADE)


def test_added_cases_are_a_further_test_and_the_last_ones_are_refused(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        reviewed(tmp_path, server, "run-1", CYCLE, GOOD)
        more = reviewed(tmp_path, server, "run-2", "2027-Q1", replace(GOOD, cases=200))
        assert len(server.log.calls) == 400
        edit(tmp_path / "policy.yaml", "max_spend_usd", "reviews_per_year: 2\nmax_spend_usd")
        write = tmp_path / "evalsets/tickets/cases.jsonl"
        extra = {"id": "new", "input": "Ticket number 3001", "target": "billing"}
        write.write_text(write.read_text("utf-8") + json.dumps(extra) + "\n", "utf-8")
        spent = reviewed(tmp_path, server, "run-3", "2027-Q2")
        assert len(server.log.calls) == 400
    assert (life(more).test, life(more).level, life(more).left) == (2, 0.333333, 0.666667)
    assert more.evidence.confidence == pytest.approx(0.996667, abs=1e-6)
    assert spent.verdict is Verdict.UNDECIDED
    assert spent.reason_codes == (Reason.EVALSET_SPENT,)
    assert "2 tests of it on these cases have spent the 5 %" in spent.options[0].note


def test_what_people_set_is_bound_by_the_first_plan_that_asked_a_case(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        first = reviewed(tmp_path, server, "run-1", CYCLE, GOOD)
        edit(tmp_path / "features/tickets.yaml", "risk: medium", "risk: low")
        edit(tmp_path / "policy.yaml", "minimum_saving_usd: 50", "minimum_saving_usd: 40")
        cases = tmp_path / "evalsets/tickets/cases.jsonl"
        edit(cases, 'number 7", "target": "billing"', 'number 7", "target": "technical"')
        wider = reviewed(tmp_path, server, "run-2", "2027-Q1")
    assert (first.margin.fixed_on, first.margin.fixed_at) == (NOW.date(), 5)
    assert (wider.margin.fixed_on, wider.margin.fixed_at) == (NOW.date(), 5)
    assert wider.evidence.exploratory == (
        (
            "changed after answers existed: the margin (5 points, now 10 points), the smallest "
            "saving (USD 50, now USD 40) and the labels of 1 case. These cases were first asked on "
            "2026-11-24: to decide by them, put that back; or decide on cases that nobody has asked"
        ),
    )


def test_labels_that_come_later_change_nothing(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, GOOD)
        cases = tmp_path / "evalsets/tickets/cases.jsonl"
        edit(cases, 'number 8", "target": "technical"', 'number 8"')
        reviewed(tmp_path, server, "run-1", CYCLE)
        edit(cases, 'number 8"', 'number 8", "target": "technical"')
        record = reviewed(tmp_path, server, "run-2", "2027-Q1")
    assert record.evidence.exploratory == ()
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        assert [test.cycle for test in past_tests(journal)] == [CYCLE, "2027-Q1"]
