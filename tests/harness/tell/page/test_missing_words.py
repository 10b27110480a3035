"""Every trial without an answer is told with its reason, on the terminal and on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.record.trust import Missingness
from harness.tell.page.missing import missing_text
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import a_failed_option, an_option
from tests.support.records import NOW, downgrade_record
from tests.support.reviews import Shape, answers, inline_cluster, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply


def lost(**over: object) -> Missingness:
    counts = {"current": 0, "candidate": 0, "failed_current": 0, "failed_candidate": 0}
    return Missingness.model_validate({**counts, **over})


def test_reasons_are_counted_over_models_and_records() -> None:
    one = lost(
        current=3,
        candidate=5,
        why_current=(("ConnectionFailedError", 3),),
        why_candidate=(("AuthRejectedError", 4), ("BudgetExhausted", 1)),
    )
    other = lost(current=2, candidate=7, why_current=(("ConnectionFailedError", 2),))
    options = (an_option(missing=one), a_failed_option(missing=other))
    record = downgrade_record(options=options)
    assert missing_text([record]) == (
        "15 trials missing: 4 the key was rejected, 3 no connection, "
        "1 the money allowed was spent, 7 not told by the record"
    )
    page = render(to_document(record, NOW), to="md")
    assert " 15 trials missing: 4 the key was rejected, 3 no connection, " in page
    assert "4 the key was rejected, 1 the money allowed was spent |" in page
    assert missing_text([record, record]).startswith("30 trials missing: 8 the key was rejected")


def test_an_older_record_tells_the_count_alone() -> None:
    record = downgrade_record(options=(an_option(missing=lost(current=1)),))
    assert missing_text([record]) == "1 trial missing"
    assert "Trials without an answer" not in render(to_document(record, NOW), to="md")


@pytest.mark.parametrize("why", [(("A", 1),), (("A", 2), ("B", 1)), ()])
def test_reasons_sum_to_what_is_missing(why: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(ValidationError, match="2 trials are missing"):
        lost(candidate=2, why_candidate=why)


def test_a_strange_reason_is_told_as_it_is_and_clipped() -> None:
    why = (("x" * 200, 1), ("not among the imported answers", 2))
    record = downgrade_record(options=(an_option(missing=lost(candidate=3, why_candidate=why)),))
    assert "2 not among the imported answers, 1 xxx" in missing_text([record])
    assert len(missing_text([record])) < 150


def test_a_review_tells_why_its_trials_are_missing(tmp_path: Path) -> None:
    def half(body: Body) -> Reply:
        return answers(body) if body["model"] == "big" else Reply(status=401)

    with OpenAIServer(half) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (record,) = run_review(tmp_path, cluster)
    assert missing_text([record]) == "120 trials missing: 120 the key was rejected"


def test_what_the_money_did_not_reach_is_told_as_that(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, cap="0.005"))
        (record,) = run_review(tmp_path, cluster)
    said = re.fullmatch(
        r"(\d+) trials missing: \1 the money allowed was spent", missing_text([record])
    )
    assert said is not None
    assert 0 < int(said[1]) < 360


def test_answers_that_were_not_imported_are_told_as_that(tmp_path: Path) -> None:
    write_review_workspace(
        tmp_path, 9, Shape(cases=120, candidates="good", extra="answers: imported")
    )
    (record,) = run_review(tmp_path, None)
    assert missing_text([record]) == "240 trials missing: 240 not among the imported answers"
