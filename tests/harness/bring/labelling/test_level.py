"""Where only disagreements are labelled, the level comes from random cases that people label."""

import io
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bring.labelling.questions import Question
from harness.bring.labelling.recording import Sitting, Verdict, sit
from harness.bring.labelling.sheets import Console, label, read_csv, write_csv, write_html
from harness.cli.main import run
from harness.conduct import label as open_questions
from harness.conduct.preparing.labelling_cases import CasesToLabel, OpenQuestions
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.expecting import LEVEL_CASES, level_cases
from harness.plan.model import FeaturePlan
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.record.base import Verdict as Decided
from harness.record.model import DecisionRecord
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
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("level")]

CASES = 200
DIFFERS = {7, 107}
"""The tickets on which the candidate is wrong; today's model is wrong on every twentieth."""


def says(model: str, number: int) -> str:
    wrong = number % 20 == 0 or (model == "good" and number in DIFFERS)
    return right_answer(number + wrong)


def script(body: Body) -> Reply:
    found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
    number = int(found[1]) if found else 0
    usage = TokenUsage(input_tokens=80, output_tokens=2)
    return Reply(text=says(str(body["model"]), number), usage=usage)


def constant(_: Body) -> Reply:
    return Reply(text="billing", usage=TokenUsage(input_tokens=80, output_tokens=2))


def bare(root: Path, port: int) -> None:
    """The review workspace without one target."""
    write_review_workspace(root, port, Shape(cases=CASES, candidates="good"))
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    kept = [{key: value for key, value in line.items() if key != "target"} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("level")
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        bare(root, server.port)
        run_review(root, cluster)
    return root


@pytest.fixture
def replayed(workspace: Path, tmp_path: Path) -> Path:
    shutil.copytree(workspace, tmp_path / "copy")
    return tmp_path / "copy"


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    return plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]


def sitting(root: Path, by: str = "dana") -> Sitting:
    ticks = itertools.count()
    with Journal.read(root / ".rightsize" / "journal.sqlite") as journal:
        return sit(
            planned(root),
            journal,
            by=by,
            clock=lambda: f"2026-11-24T09:00:{next(ticks) % 60:02}+00:00",
        )


def number_of(question: Question) -> int:
    return int(question.case_id.partition("-")[2])


def truth(question: Question) -> Verdict:
    right = right_answer(number_of(question))
    if question.is_single:
        return "both" if question.a == right else "neither"
    return "a" if question.a == right else "b"


def label_disagreements(root: Path) -> None:
    found = sitting(root)
    for question in found.asked:
        found.recorder.record(question, truth(question))


def label_level(root: Path) -> list[Question]:
    found = sitting(root)
    for question in found.level:
        found.recorder.record(question, truth(question))
    return list(found.level)


def again(root: Path) -> tuple[DecisionRecord, str]:
    (record,) = run_review(root, None, run_id="run-2")
    return record, render(to_document(record, NOW), to="md").partition("## Appendix")[0]


def test_the_cases_are_drawn_from_all_and_stay_the_same(replayed: Path) -> None:
    sample = planned(replayed).sample
    drawn = [case.id for case in level_cases(sample)]
    order = [case.id for case in sample.deciding]
    assert len(set(drawn)) == LEVEL_CASES
    assert drawn == [case.id for case in level_cases(planned(replayed).sample)]
    places = sorted(order.index(case) for case in drawn)
    assert places[0] < CASES / 4
    assert places[-1] > 3 * CASES / 4


def test_labels_of_random_cases_tell_the_level(replayed: Path) -> None:
    label_disagreements(replayed)
    without, page = again(replayed)
    assert without.verdict is Decided.DOWNGRADE
    floor = without.evidence.floor
    assert floor is not None
    assert (floor.level, floor.clears) == (None, None)
    assert "level not known" in page
    asked = label_level(replayed)
    record, page = again(replayed)
    floor = record.evidence.floor
    assert floor is not None
    assert (record.verdict, floor.sampled, floor.clears) == (Decided.DOWNGRADE, True, True)
    drawn = [int(case.id.partition("-")[2]) for case in level_cases(planned(replayed).sample)]
    assert floor.right == sum(says("big", number) == right_answer(number) for number in drawn)
    assert (floor.cases, len(asked)) == (LEVEL_CASES, LEVEL_CASES - len(DIFFERS & {*drawn}))
    assert f"right on {floor.right} of 30 tickets drawn at random and labelled" in page
    assert "level not known" not in page
    assert sitting(replayed).open == ()


def test_random_cases_on_which_today_s_model_fails_decide_nothing(replayed: Path) -> None:
    label_disagreements(replayed)
    found = sitting(replayed)
    for place, question in enumerate(found.level):
        found.recorder.record(question, "neither" if place % 2 else truth(question))
    record, page = again(replayed)
    floor = record.evidence.floor
    assert floor is not None
    assert floor.sampled
    assert (record.verdict, record.reason_codes) == (
        Decided.UNDECIDED,
        (Reason.EVALSET_CANNOT_TELL,),
    )
    assert "tickets drawn at random and labelled" in page


def test_two_models_that_always_say_the_same_are_undecided(tmp_path: Path) -> None:
    with OpenAIServer(constant) as server, inline_cluster() as cluster:
        bare(tmp_path, server.port)
        (record,) = run_review(tmp_path, cluster)
    assert (record.verdict, record.reason_codes) == (
        Decided.UNDECIDED,
        (Reason.EVALSET_CANNOT_TELL,),
    )
    floor = record.evidence.floor
    assert floor is not None
    assert (floor.alike, floor.clears, floor.level) == (100.0, False, None)
    page = render(to_document(record, NOW), to="md")
    assert "one and the same answer to 100.0 % of the tickets" in page
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        found = sit(planned(tmp_path), journal, by="dana", clock=lambda: "2026-11-24T09:00:00Z")
    assert (found.asked, len(found.level)) == ((), LEVEL_CASES)


def console(keys: str) -> tuple[Console, list[str]]:
    shown: list[str] = []
    waiting: Iterator[str] = iter(keys.split())
    return Console(show=shown.append, read=lambda: next(waiting, None)), shown


def test_a_single_answer_is_right_or_wrong_and_a_skip_is_not_right(replayed: Path) -> None:
    found = sitting(replayed)
    singles = [question for question in found.level if question.is_single][:4]
    where, shown = console("a right undo right wrong skip y")
    assert label(singles, found.recorder, where) == len(singles)
    assert "is it right" in shown[0]
    assert "  b: " not in shown[0]
    lines = (replayed / "evalsets/tickets/labels.jsonl").read_text().splitlines()
    last = {row["case"]: row["answer"] for row in map(json.loads, lines)}
    answers = [singles[0].a, None, None, singles[3].a]
    assert [last[question.case_id] for question in singles] == [
        [answer] if answer else None for answer in answers
    ]
    label_level(replayed)
    assert not {question.case_id for question in singles} & {
        question.case_id for question in sitting(replayed).open
    }


def test_a_sheet_asks_for_single_answers_too(replayed: Path) -> None:
    asked = sitting(replayed).open
    lines = write_csv(asked).splitlines()
    single = next(at for at, question in enumerate(asked) if question.is_single)
    cells = lines[single + 1].rsplit(",", 2)
    filled = "\n".join([lines[0], ",".join([cells[0], "both", cells[2]])]) + "\n"
    (verdict,) = read_csv(filled, asked, file="sheet.csv").answers
    assert verdict == (asked[single], "both")
    assert "if it is right" in write_html(asked)


def test_plan_and_label_ask_for_them(
    replayed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-w", str(replayed), "--cycle", CYCLE]
    assert run(["plan", *words, "--details"]) == 0
    told = capsys.readouterr().out
    assert "random cases for the level of quality (`rightsize label`)" in told
    assert "without them the documents say that it is not known" in told
    asked = sitting(replayed).wanted(all_looks=True)
    keys = [truth(question) for question in asked]
    words_of = {"both": "right", "neither": "wrong"}
    typed = "".join(
        f"{words_of[key] if question.is_single else key}\n"
        for question, key in zip(asked, keys, strict=True)
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run(["label", "tickets", *words, "--all", "--by", "dana"]) == 0
    said = capsys.readouterr().out
    singles = sum(question.is_single for question in asked)
    assert f"2 of 2 disagreements and {singles} of {singles} random cases labelled" in said
    assert run(["plan", *words]) == 0
    assert "level not known" not in capsys.readouterr().out


def test_labelling_is_a_call_that_prints_nothing(
    replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = CasesToLabel(root=replayed, feature="tickets", by="dana", cycle=CYCLE, all_looks=True)
    found = open_questions(wanted, clock=lambda: NOW)
    assert isinstance(found, OpenQuestions)
    assert found.asked == found.sitting.wanted(all_looks=True)
    assert (found.later, found.agreement()) == (0, None)
    with pytest.raises(UsageError, match=r"\.csv or \.html"):
        found.write(tmp_path / "sheet.pdf")
    sheet = tmp_path / "sheet.csv"
    found.write(sheet)
    lines = sheet.read_text("utf-8").splitlines()
    cells = lines[1].rsplit(",", 2)
    sheet.write_text("\n".join([lines[0], ",".join([cells[0], "skip", cells[2]])]) + "\n")
    read = found.read(sheet)
    assert read.answers == ((found.asked[0], "skip"),)
    shown: list[str] = []
    assert found.ask(Console(show=shown.append, read=lambda: None)) == 0
    assert len(shown) == 1
    assert capsys.readouterr() == ("", "")
