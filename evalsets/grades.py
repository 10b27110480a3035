"""Grades made by people: append-only lines that say what an open answer is worth, by a rubric.

`{"case": "17", "answer_sha256": "9f...", "grade": "pass", "rubric_sha256": "3c...", "by": ...,
"at": ...}`: a judge's grades of the same answers are held against them. The answer's text stays in
the journal. A person's last line of an answer counts; one with `withdrawn: true` takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from evalsets.cases import Grade
from evalsets.jsonl import read_sound
from evalsets.validation import shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from evalsets.jsonl import Row
    from evalsets.source import Fault

_TEXTS = ("answer_sha256", "grade", "rubric_sha256", "by", "at")


def read_grades(
    text: str, *, file: str, case_ids: Collection[str]
) -> tuple[tuple[Grade, ...], tuple[Fault, ...]]:
    """The grades of a file in its order, and one fault for each line that is none."""
    return read_sound(text, file=file, problems=lambda row: _problems(row, case_ids), make=_grade)


def _grade(row: Row) -> Grade:
    answer, grade, rubric, by, at = (cast("str", row.data[key]) for key in _TEXTS)
    return Grade(
        case=str(row.data["case"]),
        answer_sha256=answer,
        grade=grade,
        by=by,
        at=at,
        rubric_sha256=rubric,
        withdrawn=row.data.get("withdrawn") is True,
    )


def _problems(row: Row, case_ids: Collection[str]) -> list[tuple[str, str]]:
    lacking = [key for key in ("case", *_TEXTS) if key not in row.data]
    problems = [(key, "is required and missing") for key in lacking]
    if "case" in row.data and str(row.data["case"]) not in case_ids:
        problems.append(("case", f"no case has the id {shown(row.data['case'])}"))
    return problems + [
        (key, f"must be a text, got {shown(row.data[key])}")
        for key in _TEXTS
        if key in row.data and not isinstance(row.data[key], str)
    ]
