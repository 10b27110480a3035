"""People grade open answers, blind, in the terminal and on a sheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.bring.labelling.grading import (
    GradeRecorder,
    Ungraded,
    grade,
    read_sheet,
    ungraded,
    write_sheet,
)
from harness.bring.labelling.sheets import Console
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.judged import RUBRIC, judged_answers, write_judged_workspace
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, run_review
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("grading")]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grading")
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(root, server.port, Shape(cases=120, candidates="good"))
        run_review(root, cluster)
    return root


def open_answers(root: Path, by: str, *, second: bool = False) -> list[Ungraded]:
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    with Journal.read(root / ".rightsize" / "journal.sqlite") as journal:
        return ungraded(plan.features[0], journal, by=by, second=second)


def keys(words: Sequence[str], shown: list[str]) -> Console:
    waiting = iter(words)
    return Console(show=shown.append, read=lambda: next(waiting, None))


def recorder(path: Path, by: str = "dana") -> GradeRecorder:
    clock: Callable[[], str] = lambda: "2026-11-24T09:00:00+00:00"  # noqa: E731
    return GradeRecorder(path=path, by=by, clock=clock)


def test_sixty_answers_are_drawn_and_nothing_tells_whose_they_are(replayed: Path) -> None:
    asked = open_answers(replayed, "dana")
    assert len(asked) == 60
    assert {each.wanted for each in asked} == {RUBRIC.strip()}
    assert set(Ungraded.__slots__) == {
        "case_id", "task", "wanted", "answer", "incumbent", "choices", "rubric_sha256",
    }  # fmt: skip
    assert asked == open_answers(replayed, "dana")


def test_keys_undo_and_the_end_of_input(replayed: Path, tmp_path: Path) -> None:
    asked = open_answers(replayed, "dana")[:3]
    shown: list[str] = []
    path = tmp_path / "grades.jsonl"
    done = grade(asked, recorder(path), keys(["undo", "x", "p", "fail", "u", "PASS"], shown))
    assert done == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["grade"], line.get("withdrawn", False)) for line in lines] == [
        ("pass", False), ("fail", False), ("", True), ("pass", False),
    ]  # fmt: skip
    assert not any(each.answer in path.read_text() for each in asked)
    assert any("grade: pass, fail; undo" in text for text in shown)


def test_graded_answers_are_not_asked_again_but_by_a_second_person(
    replayed: Path, tmp_path: Path
) -> None:
    del tmp_path
    path = replayed / "evalsets" / "tickets" / "grades.jsonl"
    first = open_answers(replayed, "dana")
    try:
        grade(first[:10], recorder(path), keys(["pass"] * 10, []))
        assert open_answers(replayed, "dana")[:50] == first[10:]
        assert open_answers(replayed, "ada")[:50] == first[10:]
        assert len(open_answers(replayed, "ada")) == 60
        assert open_answers(replayed, "ada", second=True) == first
        recorder(path).withdraw(first[0])
        assert first[0] in open_answers(replayed, "dana")
    finally:
        path.unlink()


def test_a_sheet_comes_back_and_what_was_changed_is_refused(replayed: Path) -> None:
    asked = open_answers(replayed, "dana")[:4]
    head, *rows = write_sheet(asked).splitlines()
    filled = [row.replace(",,", ",,", 1) for row in rows]
    marks = ("pass", "f", "splendid", "")
    rows = [
        row.replace(f",,{each.digest}", f",{mark},{each.digest}")
        for row, each, mark in zip(filled, asked, marks, strict=True)
    ]
    rows.append(rows[0].replace(asked[0].digest, "0" * 12))
    found = read_sheet("\n".join([head, *rows]) + "\n", asked, file="sheet.csv")
    assert [(each.case_id, choice) for each, choice in found.answers] == [
        (asked[0].case_id, "pass"),
        (asked[1].case_id, "fail"),
    ]
    assert found.empty == 1
    assert [problem.message.split(": ", 1)[1] for problem in found.problems] == [
        "'splendid' is no grade",
        "not an open answer",
    ]
    with pytest.raises(UsageError, match="no grade sheet"):
        read_sheet("a,b\n1,2\n", asked, file="sheet.csv")
