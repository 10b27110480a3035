"""A model judges open answers, through the real engine against a local server."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode, WorkspaceError
from harness.record.base import Reason, Verdict
from harness.record.model import DecisionRecord
from harness.workspace.workspace import load_workspace
from tests.support.judged import GOOD, RUBRIC, judged_answers, write_judged_workspace
from tests.support.reviews import CYCLE, Shape, inline_cluster, run_review
from tests.support.wire.decision_server import DecisionServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply, Script

pytestmark = pytest.mark.slow

SHAPE = Shape(cases=150, candidates="good")
PAIRWISE = ", compare: with-incumbent"


def grade_by_hand(root: Path, sheet: Path, *, contrary: int = 0, by: str = "dana") -> None:
    """Fill the sheet that `rightsize label` writes, `contrary` rows against what is so."""
    where = ["-w", str(root), "--cycle", CYCLE, "--by", by]
    assert run(["label", "tickets", *where, "--sheet", str(sheet)]) == ExitCode.OK
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for at, row in enumerate(rows):
        if row["today"]:
            grades = {True: {True: "even", False: "better"}, False: {True: "worse", False: "even"}}
            row["grade"] = grades[GOOD in row["answer"]][GOOD in row["today"]]
        else:
            row["grade"] = "pass" if (GOOD in row["answer"]) != (at < contrary) else "fail"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(["label", "tickets", *where, "--filled", str(sheet)]) == ExitCode.OK


def judged(root: Path, *, options: str = "", shape: Shape = SHAPE) -> tuple[DecisionRecord, int]:
    """One review from nothing, and the calls it took."""
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(root, server.port, shape, options=options)
        (record,) = run_review(root, cluster)
        return record, len(server.log.calls)


def test_a_judge_decides_nothing_until_people_are_shown_to_agree(tmp_path: Path) -> None:
    record, calls = judged(tmp_path, shape=Shape(cases=150, candidates="bad, good"))
    assert calls == 2 * 450
    assert record.verdict is Verdict.UNDECIDED
    assert record.reason_codes == (Reason.JUDGE_UNRELIABLE,)
    assert {option.reason_codes for option in record.options} == {(Reason.JUDGE_UNRELIABLE,)}
    assert record.evidence.judge is None
    assert record.still_needed is not None
    assert record.still_needed.labels == 30
    assert "grade 30 more answers by hand, about 10 min" in record.still_needed.note
    grade_by_hand(tmp_path, tmp_path / "sheet.csv")
    (decided,) = run_review(tmp_path, None, run_id="run-2")
    assert decided.verdict is Verdict.DOWNGRADE
    assert decided.chosen == "good"
    facts = decided.evidence.judge
    assert facts is not None
    assert (facts.option, facts.labels, facts.agreement, facts.kappa) == ("referee", 60, 100, 1)
    assert 95 < facts.agreement_lower < 100
    assert facts.people == ("dana",)
    assert facts.reliable
    assert RUBRIC.strip() not in decided.model_dump_json()


def test_its_cost_stands_on_a_line_of_its_own_and_inside_the_total(tmp_path: Path) -> None:
    record, _ = judged(tmp_path)
    spend = record.evidence.spend
    judge = 300 * 220 / 1_000_000
    assert float(spend.judge_usd) == pytest.approx(judge)
    assert float(spend.total_usd) == pytest.approx(judge + 150 * 82 * 4.5 / 1_000_000)


def test_equal_answers_are_judged_once(tmp_path: Path) -> None:
    def alike(body: Body) -> Reply:
        if body["model"] == "referee":
            return judged_answers(body)
        return judged_answers({**body, "model": "big"})

    with OpenAIServer(alike) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE)
        (record,) = run_review(tmp_path, cluster)
        asked = [call for call in server.log.calls if call.body["model"] == "referee"]
    assert len(asked) == 150
    assert float(record.evidence.spend.judge_usd) == pytest.approx(150 * 220 / 1_000_000)
    assert record.options[0].quality is not None
    assert record.options[0].quality.difference == 0


def test_people_who_disagree_with_it_make_it_unreliable(tmp_path: Path) -> None:
    judged(tmp_path)
    grade_by_hand(tmp_path, tmp_path / "sheet.csv", contrary=20)
    (record,) = run_review(tmp_path, None, run_id="run-2")
    assert record.reason_codes == (Reason.JUDGE_UNRELIABLE,)
    facts = record.evidence.judge
    assert facts is not None
    assert facts.agreement == pytest.approx(100 * 40 / 60)
    assert facts.agreement_lower < facts.needed == 80
    assert not facts.reliable
    assert record.still_needed is not None
    assert record.still_needed.labels is None
    assert "another rubric or judge" in record.still_needed.note


def test_another_rubric_needs_other_grades_and_is_exploratory(tmp_path: Path) -> None:
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE)
        run_review(tmp_path, cluster)
        grade_by_hand(tmp_path, tmp_path / "sheet.csv")
        rubric = tmp_path / "evalsets" / "tickets" / "rubric.md"
        rubric.write_text("The reply must be polite.\n")
        (record,) = run_review(tmp_path, cluster, run_id="run-2")
    assert record.evidence.judge is None
    assert record.reason_codes == (Reason.JUDGE_UNRELIABLE,)
    assert len(record.evidence.exploratory) == 1


def test_a_stopped_review_goes_on_without_paying_twice(tmp_path: Path) -> None:
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        small = Shape(cases=150, candidates="good", cap="0.06")
        write_judged_workspace(tmp_path, server.port, small)
        (stopped,) = run_review(tmp_path, cluster)
        first = len(server.log.calls)
        write_judged_workspace(tmp_path, server.port, SHAPE)
        (whole,) = run_review(tmp_path, cluster, run_id="run-2")
        times = server.log.by_hash
    assert first < 600
    assert float(stopped.evidence.spend.total_usd) <= 0.06
    assert Reason.RUN_INCOMPLETE in stopped.reason_codes
    assert sum(times.values()) == 600
    assert max(times.values()) == 1
    assert whole.reason_codes == (Reason.JUDGE_UNRELIABLE,)


def test_a_reply_that_names_no_grade_is_missing_not_wrong(tmp_path: Path) -> None:
    def mute(body: Body) -> Reply:
        if body["model"] == "referee" and "Ticket number 7\\n" in json.dumps(body["messages"]):
            return Reply(text="I would say it is fine.", usage=None)
        return judged_answers(body)

    with OpenAIServer(mute) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE)
        (record,) = run_review(tmp_path, cluster)
    (option,) = record.options
    assert option.missing is not None
    assert (option.missing.current, option.missing.candidate) == (1, 1)
    assert record.evidence.spend.possibly_billed_usd > 0


def test_beside_todays_answer_both_orders_are_asked(tmp_path: Path) -> None:
    record, calls = judged(tmp_path, options=PAIRWISE)
    assert calls == 300 + 300
    assert record.current_quality == 50
    grade_by_hand(tmp_path, tmp_path / "sheet.csv")
    (decided,) = run_review(tmp_path, None, run_id="run-2")
    facts = decided.evidence.judge
    assert facts is not None
    assert (facts.swapped, facts.swapped_alike) == (150, 150)
    quality = decided.options[0].quality
    assert quality is not None
    assert quality.method == "gaffke"
    assert quality.difference == pytest.approx(-100 * 0.5 * 2 / 150)


def test_a_winner_that_changes_with_its_side_is_none(tmp_path: Path) -> None:
    def first_always(body: Body) -> Reply:
        if body["model"] == "referee":
            return Reply(text='{"reason": "", "better": "first"}', usage=None)
        return judged_answers(body)

    with OpenAIServer(first_always) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE, options=PAIRWISE)
        (record,) = run_review(tmp_path, cluster)
    quality = record.options[0].quality
    assert quality is not None
    assert (quality.current, quality.candidate) == (50, 50)


def test_a_judge_must_be_known_and_may_see_the_data(tmp_path: Path) -> None:
    write_judged_workspace(tmp_path, 9, SHAPE)
    models = tmp_path / "models" / "all.yaml"
    head, _, tail = models.read_text().rpartition("may_see: [public, internal, customer]")
    models.write_text(f"{head}may_see: [public]{tail}")
    with pytest.raises(WorkspaceError, match=r"primary\.model: the judge referee may not see cust"):
        load_workspace(tmp_path)
    models.write_text(head.rpartition("referee:")[0])
    with pytest.raises(WorkspaceError, match=r"evalset.yaml:4: primary\.model: unknown judge"):
        load_workspace(tmp_path)


def test_a_judge_without_a_price_blocks_the_feature(tmp_path: Path) -> None:
    write_judged_workspace(tmp_path, 9, SHAPE)
    models = tmp_path / "models" / "all.yaml"
    head, _, _ = models.read_text().rpartition("price:")
    models.write_text(f"{head.rstrip()}\n")
    (record,) = run_review(tmp_path, None)
    assert record.reason_codes == (Reason.PRICE_MISSING,)
    assert "the judge referee" in (record.still_needed.note if record.still_needed else "")


def test_a_primary_judge_needs_something_wanted_of_every_case(tmp_path: Path) -> None:
    write_judged_workspace(tmp_path, 9, SHAPE)
    evalset = tmp_path / "evalsets" / "tickets" / "evalset.yaml"
    evalset.write_text(evalset.read_text().replace("rubric: rubric.md", "requirement: wanted"))
    with pytest.raises(WorkspaceError, match="150 cases have no metadata 'wanted'"):
        load_workspace(tmp_path)


def test_a_judge_of_the_same_family_is_said_so(tmp_path: Path) -> None:
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE)
        models = tmp_path / "models" / "all.yaml"
        text = models.read_text()
        for name in ("referee", "good"):
            text = text.replace(f"{name}:\n", f"{name}:\n  family: kin\n")
        models.write_text(text)
        run_review(tmp_path, cluster)
        grade_by_hand(tmp_path, tmp_path / "sheet.csv")
        (record,) = run_review(tmp_path, cluster, run_id="run-2")
    assert record.evidence.judge is not None
    assert record.evidence.judge.same_family == ("good",)
    assert any("family" in line for line in record.not_known)


def test_promptfoos_rubrics_are_judged_as_they_were_written(tmp_path: Path) -> None:
    tests = [
        {
            "vars": {"ticket": f"Ticket number {number}"},
            "assert": [{"type": "llm-rubric", "value": "Says how long refunds take"}],
        }
        for number in range(1, 151)
    ]
    default = {"options": {}, "assert": []}
    config = {"prompts": ["Reply: {{ticket}}"], "defaultTest": default, "tests": tests}
    config["tests"][0]["assert"][0]["provider"] = "openai:referee"  # type: ignore[index]
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, SHAPE)
        shutil.rmtree(tmp_path / "evalsets" / "tickets")
        source = tmp_path / "promptfooconfig.yaml"
        source.write_text(json.dumps(config))
        where = ["-f", "tickets", "-w", str(tmp_path)]
        assert run(["import", "promptfoo", str(source), *where]) == ExitCode.OK
        (record,) = run_review(tmp_path, cluster)
        wanted = "must meet this requirement: Says how long refunds take"
        asked = [c for c in server.log.calls if c.body["model"] == "referee"]
        assert len(asked) == 300
        assert all(wanted in json.dumps(call.body) for call in asked)
    assert record.reason_codes == (Reason.JUDGE_UNRELIABLE,)
    quality = record.options[0].quality
    assert quality is not None
    assert quality.difference == pytest.approx(-100 * 2 / 150)
    assert not record.options[0].slices


def test_agreement_on_too_few_bad_answers_asks_for_more_grades(tmp_path: Path) -> None:
    judged(tmp_path)
    notes: list[str] = []
    for round_ in range(4):
        (record,) = run_review(tmp_path, None, run_id=f"run-{2 + round_}")
        if record.verdict is Verdict.DOWNGRADE:
            break
        assert record.still_needed is not None
        notes.append(record.still_needed.note)
        grade_by_hand(tmp_path, tmp_path / f"sheet-{round_}.csv")
    assert record.verdict is Verdict.DOWNGRADE
    assert record.evidence.judge is not None
    assert record.evidence.judge.labels == 60 * len(notes)
    assert notes[1:] == ["grade 60 more answers by hand, about 20 min: `rightsize label tickets`"]


def deciding_script(unsure: frozenset[int] = frozenset()) -> Script:
    """`referee` decides: sure of good answers and of poor ones; wrongly on the `unsure` tickets."""

    def script(body: Body) -> Reply:
        if "questions" not in body:
            return judged_answers(body)
        (question,) = body["questions"]
        good = [GOOD in side for side in body["input"].split("The second answer:")]
        if question["type"] == "choice":
            better = {(True, False): "first", (False, True): "second"}.get((good[0], good[-1]))
            told = {option["value"]: 0.05 for option in question["choices"]}
            return Reply(text=json.dumps(told | {better or "tie": 0.9}))
        number = re.search(r"Ticket number (\d+)", body["input"])
        assert number is not None
        seen = good[0] != (int(number[1]) in unsure)
        return Reply(
            text=json.dumps({"pass": 0.9, "fail": 0.1} if seen else {"pass": 0.2, "fail": 0.8})
        )

    return script


def decided_by(root: Path, script: Script, *, options: str = "") -> DecisionRecord:
    """A decision model judges, people grade the sheet, and the review is written from both."""
    with DecisionServer(script) as server, inline_cluster() as cluster:
        shape = Shape(cases=70, candidates="bad, good", extra="margin: 20")
        write_judged_workspace(root, server.port, shape, options=options)
        models = root / "models" / "all.yaml"
        models.write_text(models.read_text().replace("referee:\n", "referee:\n  api: decisions\n"))
        (first,) = run_review(root, cluster)
        asked = [call for call in server.calls if call.path.endswith("/decisions")]
        assert Reason.JUDGE_UNRELIABLE in first.reason_codes
        assert len(asked) == (280 if options else 210)
        grade_by_hand(root, root / "sheet.csv")
        (record,) = run_review(root, cluster, run_id="run-2")
        assert [call for call in server.calls if call.path.endswith("/decisions")] == asked
    return record


@pytest.mark.parametrize("options", ["", PAIRWISE])
def test_a_decision_model_judges_once_people_are_shown_to_agree(
    options: str, tmp_path: Path
) -> None:
    record = decided_by(tmp_path, deciding_script(), options=options)
    assert record.verdict is Verdict.DOWNGRADE
    assert record.chosen == "good"
    facts = record.evidence.judge
    assert facts is not None
    assert (facts.option, facts.labels, facts.agreement) == ("referee", 60, 100)
    assert facts.reliable


def test_a_decision_model_that_people_disagree_with_decides_nothing(tmp_path: Path) -> None:
    record = decided_by(tmp_path, deciding_script(frozenset(range(1, 71, 3))))
    assert record.verdict is Verdict.UNDECIDED
    assert Reason.JUDGE_UNRELIABLE in record.reason_codes
    facts = record.evidence.judge
    assert facts is not None
    assert facts.agreement_lower < facts.needed == 80
    assert not facts.reliable
    assert record.still_needed is not None
    assert "another rubric or judge" in record.still_needed.note
