from __future__ import annotations

import stat
from dataclasses import fields
from typing import TYPE_CHECKING

from harness.record.model import DecisionRecord
from harness.tell.content import ContentCase, to_blind_sheet, to_content, write_content
from harness.tell.pages import publish
from reports.render import render
from tests.support.document_text import texts
from tests.support.records import NOW, downgrade_record

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "TOP-SECRET-ANSWER"


def case(
    number: int, current: float | None, candidate: float | None, **over: object
) -> ContentCase:
    return ContentCase(
        **{
            "case_id": f"c{number}",
            "part": "layout handwritten",
            "prompt": f"Prompt {number}\n  second line",
            "incumbent_answer": f"{SECRET} old {number}",
            "candidate_answer": f"{SECRET} new {number}",
            "incumbent_score": current,
            "candidate_score": candidate,
            "judge_reason": "because",
            **over,
        }
    )


CASES = [
    case(1, 1.0, 0.0),
    case(2, 1.0, 0.5, judge_reason=None),
    case(3, 0.0, 1.0),
    case(4, 1.0, 1.0),
    case(5, None, 1.0),
    case(6, 1.0, 1.0, candidate_answer=f"{SECRET} old 6"),
]


def test_regressions_come_worst_first_and_gains_best_first() -> None:
    made = to_content(downgrade_record(), "claude-haiku-4-5", CASES)
    worst, best, _ = made.appendix
    assert [b.lead for b in worst.blocks if b.lead.startswith("Case")] == [
        "Case c1, layout handwritten",
        "Case c2, layout handwritten",
    ]
    assert best.blocks[0].lead == "Case c3, layout handwritten"
    assert "2 worse with claude-haiku-4-5" in texts(made)
    assert "claude-haiku-4-5, score 0.50" in texts(made)


def test_nothing_to_show_is_said() -> None:
    made = to_content(downgrade_record(), "claude-haiku-4-5", [CASES[3]])
    assert texts(made).count("None.") == 2


def test_the_blind_sheet_names_no_model_and_the_key_does() -> None:
    cases = [case(at, 1.0, 0.0) for at in range(40)]
    sheet = " ".join(texts(to_blind_sheet(downgrade_record(), cases)))
    assert "claude" not in sheet
    assert sheet.count("Right:") == 20
    key = [text for text in texts(to_content(downgrade_record(), "x", cases)) if ": A is" in text]
    assert len(key) == 20
    assert {text.rpartition(" A is ")[2] for text in key} == {"the candidate", "today"}
    first = sheet.partition("Case 1")[2]
    swapped = key[0].endswith("the candidate")
    assert (first.index(" new ") < first.index(" old ")) is swapped


def test_identical_answers_are_not_on_the_sheet() -> None:
    sheet = " ".join(texts(to_blind_sheet(downgrade_record(), CASES)))
    assert "Prompt 6" not in sheet


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    for _ in range(2):
        paths = write_content(downgrade_record(), "claude-haiku-4-5", CASES, tmp_path / "c", NOW)
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert SECRET in path.read_text()
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o700
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "invoice-extraction-blind.html",
        "invoice-extraction.html",
    ]


def test_line_breaks_stay_and_hostile_answers_are_shown_as_they_are() -> None:
    hostile = case(1, 1.0, 0.0, candidate_answer="<script>1</script>\n```\n# x\u202e")
    made = to_content(downgrade_record(), "x", [hostile])
    html, markdown = render(made, to="html"), render(made, to="md")
    assert "&lt;script&gt;1&lt;/script&gt;\n```\n# x\ufffd" in html
    assert "Prompt 1\n  second line" in html
    assert "````text\n<script>1</script>\n```\n# x\ufffd\n````" in markdown


def test_a_huge_answer_is_cut_and_says_so() -> None:
    made = to_content(downgrade_record(), "x", [case(1, 1.0, 0.0, candidate_answer="x" * 10**6)])
    assert len(render(made, to="html")) < 100_000
    assert "[cut: 1,000,000 characters]" in render(made, to="html")


def test_no_other_artefact_has_a_place_for_texts_of_cases(tmp_path: Path) -> None:
    """By construction: nothing that publish is given holds a prompt or an answer."""
    publish([downgrade_record()], tmp_path, now=NOW)
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text()
    ]
    names = {field.name for field in fields(ContentCase)} - {"case_id", "part"}
    schema = DecisionRecord.model_json_schema()
    keys = {key for part in schema["$defs"].values() for key in part.get("properties", {})}
    assert not names & keys
