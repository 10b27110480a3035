"""Labels and grades made by people: append-only lines of JSON.

A label says which normalised answer of a case is right:
`{"case": "17", "answer": "billing", "by": "dana.ruiz", "at": "2026-10-02T09:14:00Z", ...}`. The
answer is a text, a list of texts (several are right), or null (none of those shown was right:
`shown` lists them, and they stay wrong while other answers are unlabelled). The last line of a case
counts. Other keys are the labeller's.

A grade says what an open answer is worth by a rubric:
`{"case": "17", "answer_sha256": "9f...", "grade": "pass", "rubric_sha256": "3c...", "by": ...,
"at": ...}`. A judge's grades of the same answers are compared with them. The answer's text stays in
the journal. A person's last line of an answer counts.

A line with `withdrawn: true` takes back all lines before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import cast

from evalsets.cases import Case, Grade, Label
from evalsets.jsonl import JsonLine, read_sound
from evalsets.source import Fault
from evalsets.validation import shown


def read_labels(
    text: str, *, file: str, case_ids: Collection[str]
) -> tuple[tuple[Label, ...], tuple[Fault, ...]]:
    """The labels of a file in its order, and one fault for each line that is none."""
    return read_sound(text, file=file, problems=lambda row: _problems(row, case_ids), make=_label)


def with_labels(cases: Iterable[Case], labels: Iterable[Label]) -> tuple[Case, ...]:
    """The cases; those without a target take what their last label says is right."""
    standing: dict[str, list[Label]] = {}
    for label in labels:
        if label.withdrawn:
            standing.pop(label.case, None)
        else:
            standing.setdefault(label.case, []).append(label)
    return tuple(_labelled(case, standing.get(case.id, [])) for case in cases)


def _labelled(case: Case, labels: list[Label]) -> Case:
    if case.target is not None or not labels:
        return case
    right = labels[-1].answers
    if right:
        return replace(case, target=right[0], also_right=right[1:])
    wrong = [answer for label in labels if not label.answers for answer in label.shown]
    return replace(case, ruled_out=tuple(dict.fromkeys(wrong)))


def _label(row: JsonLine) -> Label:
    return Label(
        case=_id(row.data["case"]),
        answers=tuple(cast("list[str]", _several(row.data["answer"]))),
        by=cast("str", row.data["by"]),
        at=cast("str", row.data["at"]),
        shown=tuple(cast("list[str]", _several(row.data.get("shown")))),
        withdrawn=row.data.get("withdrawn") is True,
    )


def _id(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _several(answer: object) -> list[object]:
    if isinstance(answer, list):
        return cast("list[object]", answer)
    return [] if answer is None else [answer]


def _problems(row: JsonLine, case_ids: Collection[str]) -> list[tuple[str, str]]:
    problems = [
        (key, "is required and missing")
        for key in ("case", "answer", "by", "at")
        if key not in row.data
    ]
    if "case" in row.data and _id(row.data["case"]) not in case_ids:
        problems.append(("case", f"no case has the id {shown(row.data['case'])}"))
    answer = row.data.get("answer")
    items = _several(answer)
    if answer == [] or not all(isinstance(item, str) for item in items):
        problems.append(("answer", f"must be a text, a list of texts or null, got {shown(answer)}"))
    if not all(isinstance(item, str) for item in _several(row.data.get("shown"))):
        problems.append(("shown", "must be a list of texts"))
    problems += [
        (key, f"must be a text, got {shown(row.data[key])}")
        for key in ("by", "at")
        if key in row.data and not isinstance(row.data[key], str)
    ]
    return problems


_TEXTS = ("answer_sha256", "grade", "rubric_sha256", "by", "at")


def read_grades(
    text: str, *, file: str, case_ids: Collection[str]
) -> tuple[tuple[Grade, ...], tuple[Fault, ...]]:
    """The grades of a file in its order, and one fault for each line that is none."""
    return read_sound(
        text, file=file, problems=lambda row: _grades_problems(row, case_ids), make=_grade
    )


def _grade(row: JsonLine) -> Grade:
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


def _grades_problems(row: JsonLine, case_ids: Collection[str]) -> list[tuple[str, str]]:
    lacking = [key for key in ("case", *_TEXTS) if key not in row.data]
    problems = [(key, "is required and missing") for key in lacking]
    if "case" in row.data and str(row.data["case"]) not in case_ids:
        problems.append(("case", f"no case has the id {shown(row.data['case'])}"))
    return problems + [
        (key, f"must be a text, got {shown(row.data[key])}")
        for key in _TEXTS
        if key in row.data and not isinstance(row.data[key], str)
    ]
