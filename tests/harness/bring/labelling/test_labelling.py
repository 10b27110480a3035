"""An unlabelled feature from replay to verdict: only disagreements are labelled, and blind."""

import csv
import io
import itertools
import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from harness.bring.labelling.questions import Question
from harness.bring.labelling.recording import Sitting, Verdict, labels_of, sit
from harness.bring.labelling.sheets import Console, label, read_csv, write_csv, write_html
from harness.cli.main import run
from harness.conduct.finding.checks import two_labellers
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.model import FeaturePlan, Status
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.record.base import Verdict as Decided
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
from reports.render import render
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("labelling")]


def clock() -> Callable[[], str]:
    ticks = itertools.count()
    return lambda: f"2026-11-24T09:00:{next(ticks) % 60:02}+00:00"


def unlabelled(root: Path, port: int, shape: Shape) -> None:
    """The review workspace without one target; the guardrail needs none."""
    write_review_workspace(root, port, shape)
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    bare = [{key: value for key, value in line.items() if key != "target"} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in bare), encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unlabelled")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        unlabelled(root, server.port, Shape(cases=200, candidates="good"))
        (record,) = run_review(root, cluster)
    # Two differ: whichever model was right, the verdict is the same.
    assert record.verdict is Decided.DOWNGRADE
    assert record.options[0].quality is not None
    assert -5 < record.options[0].quality.worst < -3
    return root


@pytest.fixture
def replayed(workspace: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(workspace, tmp_path / "replayed"))


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    return plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]


def sitting(root: Path, *, by: str = "dana", second: bool = False) -> Sitting:
    with Journal.read(root / ".rightsize" / "journal.sqlite") as journal:
        return sit(planned(root), journal, by=by, clock=clock(), second=second)


def truth(question: Question) -> Verdict:
    right = right_answer(int(question.case_id.removeprefix("t-")))
    return "a" if question.a == right else "b"


def test_only_the_disagreements_are_asked_and_then_the_review_decides(replayed: Path) -> None:
    found = sitting(replayed)
    assert {each.case_id for each in found.asked} == {"t-0007", "t-0107"}
    for question in found.asked:
        found.recorder.record(question, truth(question))
    assert sitting(replayed).asked == ()
    (record,) = run_review(replayed, None, run_id="run-2")
    (option,) = record.options
    assert option.quality is not None
    assert option.quality.agreed_without_label == 198
    assert option.quality.difference == pytest.approx(-1.0)
    assert record.verdict is Decided.DOWNGRADE
    assert (option.quality.current, option.quality.candidate) == (None, None)
    assert (record.current_quality, record.current_cost.per_success) == (None, None)
    page = render(to_document(record, NOW), to="md")
    assert (
        f"On {option.quality.n} held-back tickets the models answered alike 198 times, unlabelled; "
        "where they differ the smaller model alone was right 0 times, today's alone 2; "
    ) in page
    assert "of 100," not in page
    assert "how good either model is by itself: only disagreements are labelled" in page


def test_labels_give_the_verdict_that_targets_give(replayed: Path, tmp_path: Path) -> None:
    found = sitting(replayed)
    for question in found.asked:
        found.recorder.record(question, truth(question))
    (by_labels,) = run_review(replayed, None, run_id="run-2")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        whole = tmp_path / "whole"
        write_review_workspace(whole, server.port, Shape(cases=200, candidates="good"))
        (by_targets,) = run_review(whole, cluster)
    one, other = by_labels.options[0].quality, by_targets.options[0].quality
    assert one is not None
    assert other is not None
    assert (by_labels.verdict, one.difference) == (by_targets.verdict, other.difference)
    assert one.worst == pytest.approx(other.worst)


def test_a_question_cannot_tell_whose_an_answer_is(replayed: Path) -> None:
    assert {field.name for field in fields(Question)} == {
        *("case_id", "input", "a", "b", "look", "are_calls")
    }
    sides = {
        (each.a == right_answer(7), by)
        for by in ("ada", "bo", "cy", "di", "eve", "flo")
        for each in sitting(replayed, by=by).asked
        if each.case_id == "t-0007"
    }
    assert {right_first for right_first, _ in sides} == {True, False}
    assert sitting(replayed).asked == sitting(replayed).asked


def test_a_skip_counts_against_the_candidate(replayed: Path) -> None:
    found = sitting(replayed)
    for question in found.asked:
        found.recorder.record(question, "skip")
    (record,) = run_review(replayed, None, run_id="run-2")
    assert record.options[0].quality is not None
    assert record.options[0].quality.difference == pytest.approx(-1.0)


def test_after_neither_both_are_wrong_and_nothing_is_open(replayed: Path) -> None:
    found = sitting(replayed)
    for question in found.asked:
        found.recorder.record(question, "neither")
    assert sitting(replayed).asked == ()
    (record,) = run_review(replayed, None, run_id="run-2")
    assert record.options[0].quality is not None
    assert record.options[0].quality.difference == 0


def test_after_neither_a_new_answer_is_unlabelled_again(replayed: Path) -> None:
    found = sitting(replayed)
    for question in found.asked:
        # As if earlier models had said something that the present ones do not say.
        earlier = Question(case_id=question.case_id, input="", a="other", b=None, look=1)
        found.recorder.record(earlier, "neither")
    assert sitting(replayed).asked == found.asked


def keys(*words: str) -> tuple[list[str], Console]:
    shown: list[str] = []
    waiting = iter(words)
    return shown, Console(show=shown.append, read=lambda: next(waiting, None))


def test_the_terminal_takes_keys_and_takes_them_back(replayed: Path) -> None:
    found = sitting(replayed)
    shown, console = keys("undo", "what?", "a\n", "undo", "both", "s")
    assert label(found.asked, found.recorder, console) == 2
    assert "nothing to undo" in " ".join(shown)
    lines = [json.loads(line) for line in found.recorder.path.read_text("utf-8").splitlines()]
    assert [line.get("verdict", "withdrawn") for line in lines] == [
        "a",
        "withdrawn",
        "both",
        "skip",
    ]
    assert all(line["by"] == "dana" and line["at"] for line in lines)
    first = next(c for c in planned(replayed).evalset.cases if c.id == found.asked[0].case_id)
    assert {first.target, *first.also_right} == {"billing", "technical"}


def test_the_terminal_stops_where_the_labeller_stops(replayed: Path) -> None:
    found = sitting(replayed)
    _, console = keys("neither")
    assert label(found.asked, found.recorder, console) == 1
    assert len(sitting(replayed).asked) == 1
    assert label(sitting(replayed).asked, found.recorder, keys("q")[1]) == 0


def test_an_answer_cannot_move_the_cursor(replayed: Path) -> None:
    question = Question(case_id="t-0007", input="\x1b[2J", a="bil\x07ling", b=None, look=1)
    shown, console = keys("b", "quit")
    assert label([question], sitting(replayed).recorder, console) == 0
    assert "\x1b" not in "".join(shown)
    assert "\x07" not in "".join(shown)
    assert "cannot be right" in "".join(shown)


def filled(text: str, verdicts: list[str]) -> str:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row, verdict in zip(rows, verdicts, strict=True):
        row["verdict"] = verdict
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_a_sheet_is_written_and_read_back(replayed: Path) -> None:
    found = sitting(replayed)
    text = filled(write_csv(found.asked), ["A", ""])
    read = read_csv(text, found.asked, file="sheet.csv")
    assert read.answers == ((found.asked[0], "a"),)
    assert (read.empty, read.problems) == (1, ())


def test_a_changed_sheet_is_refused_row_by_row(replayed: Path) -> None:
    found = sitting(replayed)
    text = filled(write_csv(found.asked), ["a", "left"]).replace(found.asked[0].digest, "0" * 12)
    read = read_csv(text, found.asked, file="sheet.csv")
    assert read.answers == ()
    assert [problem.line for problem in read.problems] == [2, 3]
    assert "not an open question" in str(read.problems[0])
    assert "'left' is none of a, b, both, neither, skip" in str(read.problems[1])
    other = sitting(replayed, by="somebody else entirely")
    swapped = [each for each in other.asked if each not in found.asked]
    assert not read_csv(write_csv(swapped), found.asked, file="s").answers
    with pytest.raises(UsageError, match="no label sheet"):
        read_csv("a,b\n", found.asked, file="s")


def test_a_sheet_holds_no_formula_and_no_markup() -> None:
    question = Question(case_id="=1+1", input="<script>x</script>", a="-5", b=None, look=1)
    cells = next(itertools.islice(csv.reader(io.StringIO(write_csv([question]))), 1, None))
    assert cells[:4] == ["'=1+1", "<script>x</script>", "'-5", "(no valid answer)"]
    read = read_csv(filled(write_csv([question]), ["a"]), [question], file="s")
    assert read.answers == ((question, "a"),)
    refused = read_csv(filled(write_csv([question]), ["b"]), [question], file="s")
    assert "cannot be right" in str(refused.problems[0])
    assert "<script>" not in write_html([question])


def test_a_second_person_labels_blind_to_the_first(replayed: Path) -> None:
    one = sitting(replayed, by="dana")
    for question in one.asked:
        one.recorder.record(question, truth(question))
    two = sitting(replayed, by="eli", second=True)
    assert {each.case_id for each in two.asked} == {each.case_id for each in one.asked}
    for question in two.asked:
        two.recorder.record(question, truth(question))
    found = two_labellers(labels_of(planned(replayed)))
    assert found is not None
    assert found[0] == ("dana", "eli")
    assert (found[1].n, found[1].agreed) == (2, 2)
    assert sitting(replayed, by="eli", second=True).asked == ()


def test_open_answers_and_repeats_are_refused(replayed: Path) -> None:
    path = replayed / "evalsets" / "tickets" / "evalset.yaml"
    text = path.read_text("utf-8")
    path.write_text(text + "repeats: 2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"repeats: 1"):
        sitting(replayed)
    path.write_text(
        text.replace("scorer: label, labels: [billing, technical]", "scorer: icontains"),
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="judges open answers"):
        sitting(replayed)


def test_without_answers_there_is_nothing_to_label(tmp_path: Path) -> None:
    unlabelled(tmp_path, 9, Shape(cases=200, candidates="good"))
    with Journal.open(
        tmp_path / ".rightsize" / "journal.sqlite", run_id="r", cycle=CYCLE, now=NOW.isoformat()
    ):
        pass
    with pytest.raises(UsageError, match="no answers to label yet"):
        sitting(tmp_path)


def test_the_command_labels_on_the_terminal_and_on_a_sheet(
    replayed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["label", "tickets", "-w", str(replayed), "--cycle", CYCLE]
    monkeypatch.setattr("sys.stdin", io.StringIO("neither\n"))
    assert run([*words, "--by", "dana"]) == 0
    assert "1 of " in capsys.readouterr().out
    sheet = replayed / "sheet.csv"
    assert run([*words, "--by", "eli", "--all", "--second", "--sheet", str(sheet)]) == 0
    page = replayed / "sheet.html"
    assert run([*words, "--by", "eli", "--all", "--second", "--sheet", str(page)]) == 0
    # They hold prompts and answers.
    assert [stat.S_IMODE(one.stat().st_mode) for one in (sheet, page)] == [0o600, 0o600]
    assert run([*words, "--by", "eli", "--sheet", str(replayed / "none" / "sheet.csv")]) == 2
    assert run([*words, "--by", "eli", "--sheet", str(replayed / "sheet.txt")]) == 2
    text = sheet.read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    sheet.write_text(filled(text, ["neither", *["what"] * (len(rows) - 1)]), encoding="utf-8")
    before = sheet.read_bytes()
    assert run([*words, "--by", "eli", "--all", "--second", "--sheet", str(sheet)]) == 2
    assert sheet.read_bytes() == before, "what somebody filled in is not written over"
    capsys.readouterr()
    assert run([*words, "--by", "eli", "--second", "--filled", str(sheet)]) == 0
    refused = f"1 labelled, 0 rows empty, {len(rows) - 1} refused"
    assert refused in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run([*words, "--by", "eli"]) == 0
    assert "<script" not in page.read_text("utf-8")


def test_the_record_says_how_far_two_labellers_agree(replayed: Path) -> None:
    first = sitting(replayed)
    for question in first.asked:
        first.recorder.record(question, truth(question))
    second = sitting(replayed, by="ada", second=True)
    assert {each.case_id for each in second.asked} == {each.case_id for each in first.asked}
    second.recorder.record(second.asked[0], truth(second.asked[0]))
    second.recorder.record(second.asked[1], "neither")
    (record,) = run_review(replayed, None, run_id="run-2")
    found = record.evidence.labels
    assert found is not None
    assert found.by == (("ada", 2), ("dana", 2))
    assert (found.shared, found.agreed) == (2, 1)
    assert found.kappa is not None
    assert found.kappa_lower is not None
    assert found.kappa_upper is not None
    assert found.kappa_lower <= found.kappa <= found.kappa_upper


def test_the_plan_says_how_many_labels_and_how_long(
    replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", "--cycle", CYCLE, "-w"]
    fresh = tmp_path / "fresh"
    shutil.copytree(replayed, fresh, ignore=shutil.ignore_patterns(".rightsize", "reviews"))
    assert run([*words, str(fresh)]) == 0
    assert (
        "   1  need labels            label the disagreements: about 16, 6 min, and 30 random "
        "cases for the level of quality (`rightsize label`)"
    ) in capsys.readouterr().out
    assert run([*words, str(replayed), "--details"]) == 0
    counted = capsys.readouterr().out
    assert "label the disagreements: about 2, 1 min" in counted
    assert "tickets: needs labels" in counted
    assert "about 2 disagreements to label, 1 min" in counted
    found = sitting(replayed)
    for question in found.asked:
        found.recorder.record(question, truth(question))
    assert run([*words, str(replayed)]) == 0
    ready = capsys.readouterr().out
    assert "   1  ready" in ready
    assert "tickets: level not known; label " in ready


def test_the_record_of_a_waiting_feature_says_how_many_and_how_long(replayed: Path) -> None:
    policy = replayed / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("margin: 5", "margin: 2"), "utf-8")
    (record,) = run_review(replayed, None, run_id="run-2")
    assert record.reason_codes == (Reason.LABELS_MISSING,)
    assert record.still_needed is not None
    assert (record.still_needed.labels, record.still_needed.fewest) == (2, 1)
    assert record.still_needed.note == (
        "label 2 disagreements, about 1 min: `rightsize label tickets`; as few as 1 may decide"
    )


def test_labels_cannot_stand_in_for_targets_of_an_open_scorer(replayed: Path) -> None:
    path = replayed / "evalsets" / "tickets" / "evalset.yaml"
    text = path.read_text().replace(
        "{scorer: label, labels: [billing, technical]}", "{scorer: contains}"
    )
    path.write_text(text)
    plan = planned(replayed)
    assert (plan.status, plan.reasons) == (Status.BLOCKED, (Reason.LABELS_MISSING,))
    assert "write targets, or let a model judge" in plan.note
