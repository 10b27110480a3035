"""Labelling on a sheet: CSV to fill in and read back, HTML to read on."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from harness.errors import Problem, UsageError
from harness.labelling.questions import NO_ANSWER
from harness.labelling.recording import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.labelling.questions import Question
    from harness.labelling.recording import Verdict

COLUMNS = ("case", "input", "a", "b", "verdict", "check")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Labels</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font:1rem sans-serif;max-width:60rem;margin:2rem auto}}pre{{white-space:pre-wrap}}
table{{border-collapse:collapse}}
td,th{{border:1px solid #999;padding:.4rem;text-align:left}}</style>
</head><body><h1>{count} cases</h1><p>Which answer is right: a, b, both, neither, skip? Write it
into the CSV sheet beside the case. Where a and b are one answer, write both if it is right and
neither if it is wrong.</p>
{cases}
</body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a sheet says: verdicts on questions, rows left empty, and rows that were refused."""

    verdicts: tuple[tuple[Question, Verdict], ...]
    empty: int
    problems: tuple[Problem, ...]


def write_csv(asked: Sequence[Question]) -> str:
    """The sheet: one row a question, `verdict` to be filled in."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in asked:
        row = (each.case_id, each.input, each.a or NO_ANSWER, each.b or NO_ANSWER, "", each.digest)
        writer.writerow([_quoted(cell) for cell in row])
    return out.getvalue()


def write_html(asked: Sequence[Question]) -> str:
    """The questions to read or print; it loads nothing and runs nothing."""
    cases = "\n".join(
        f"<h2>{escape(each.case_id)}</h2><pre>{escape(each.input)}</pre><table>"
        f"<tr><th>a</th><td>{escape(each.a or NO_ANSWER)}</td></tr>"
        f"<tr><th>b</th><td>{escape(each.b or NO_ANSWER)}</td></tr></table>"
        for each in asked
    )
    return _PAGE.format(count=len(asked), cases=cases)


def read_csv(text: str, asked: Sequence[Question], *, file: str) -> Filled:
    """Read a filled sheet against the questions that are open now.

    A row whose answers are not those that would be shown now, in that order, is refused: it was
    changed, or made for another labeller.

    Raises:
        UsageError: the text is no such sheet.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise UsageError(f"{file}:1: no label sheet; its columns are {', '.join(COLUMNS)}")
    open_ones = {each.digest: each for each in asked}
    verdicts: list[tuple[Question, Verdict]] = []
    problems: list[Problem] = []
    empty = 0
    for row in reader:
        word = (row["verdict"] or "").strip().lower()
        if not word:
            empty += 1
            continue
        found = _verdict(word, row, open_ones)
        if isinstance(found, str):
            problems.append(Problem(file=file, line=reader.line_num, key="verdict", message=found))
        else:
            verdicts.append(found)
            del open_ones[found[0].digest]
    return Filled(verdicts=tuple(verdicts), empty=empty, problems=tuple(problems))


def _verdict(
    word: str, row: Mapping[str, str | None], open_ones: Mapping[str, Question]
) -> tuple[Question, Verdict] | str:
    question = open_ones.get(row["check"] or "")
    verdict: Verdict | None = next((each for each in VERDICTS if each == word), None)
    if verdict is None:
        return f"{word!r} is none of {', '.join(VERDICTS)}"
    if question is None or not _is(question, row):
        return f"case {row['case']!r}: not an open question with these answers in this order"
    right = {"a": (question.a,), "b": (question.b,), "both": (question.a, question.b)}
    if None in right.get(verdict, ()):
        return f"case {row['case']!r}: a reply without a valid answer cannot be right"
    return question, verdict


def _is(question: Question, row: Mapping[str, str | None]) -> bool:
    shown = (question.case_id, question.a or NO_ANSWER, question.b or NO_ANSWER)
    given = tuple(_unquoted(row[name] or "") for name in ("case", "a", "b"))
    return tuple(_lines(text) for text in shown) == tuple(_lines(text) for text in given)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _quoted(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
