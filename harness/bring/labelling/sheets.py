"""Labelling on a sheet: CSV to fill in and read back, HTML to read on.

Labelling in a terminal: one question a time, one key a verdict.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harness.bring.labelling.questions import NO_ANSWER, Question
from harness.bring.labelling.recording import VERDICTS, Recorder, Verdict
from harness.errors import Problem, UsageError

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
class FilledSheet:
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


def read_csv(text: str, asked: Sequence[Question], *, file: str) -> FilledSheet:
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
    return FilledSheet(verdicts=tuple(verdicts), empty=empty, problems=tuple(problems))


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


KEYS: Mapping[str, Verdict] = {
    "a": "a", "b": "b", "both": "both", "2": "both",
    "neither": "neither", "n": "neither", "0": "neither", "skip": "skip", "s": "skip",
}  # fmt: skip
SINGLE: Mapping[str, Verdict] = {
    "right": "both", "r": "both", "yes": "both", "y": "both",
    "wrong": "neither", "w": "neither", "no": "neither", "n": "neither",
    "skip": "skip", "s": "skip",
}  # fmt: skip
"""The words where one answer is shown."""
HELP = "which is right: a, b, both, neither, skip, undo (quit stops; what is labelled stays)"
HELP_SINGLE = "is it right: right, wrong, skip, undo (quit stops; what is labelled stays)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Where questions are shown and keys come from; `read` returns None at the end of input."""

    show: Callable[[str], None]
    read: Callable[[], str | None]


def label(asked: Sequence[Question], recorder: Recorder, console: Console) -> int:
    """Ask every question; returns how many are labelled when the labeller stops."""
    at = 0
    while at < len(asked):
        console.show(_shown(asked[at], at + 1, len(asked)))
        key = console.read()
        word = "quit" if key is None else key.strip().lower()
        if word in {"quit", "q"}:
            break
        if word in {"undo", "u"}:
            at = _undo(asked, at, recorder, console)
        elif (verdict := _keys(asked[at]).get(word)) is not None:
            at += _recorded(asked[at], verdict, recorder, console)
        else:
            console.show(_help(asked[at]))
    return at


def _keys(question: Question) -> Mapping[str, Verdict]:
    return SINGLE if question.is_single else KEYS


def _help(question: Question) -> str:
    return HELP_SINGLE if question.is_single else HELP


def _recorded(question: Question, verdict: Verdict, recorder: Recorder, console: Console) -> int:
    try:
        recorder.record(question, verdict)
    except UsageError as error:
        console.show(str(error))
        return 0
    return 1


def _undo(asked: Sequence[Question], at: int, recorder: Recorder, console: Console) -> int:
    if at == 0:
        console.show("nothing to undo here")
        return 0
    recorder.withdraw(asked[at - 1])
    return at - 1


def _shown(question: Question, number: int, total: int) -> str:
    a, b = (NO_ANSWER if answer is None else answer for answer in (question.a, question.b))
    given = (
        f"  answer: {printable(a)}"
        if question.is_single
        else f"  a: {printable(a)}\n  b: {printable(b)}"
    )
    return f"\n{number} of {total}\n\n{printable(question.input)}\n\n{given}\n{_help(question)}"


def printable(text: str) -> str:
    """Text without control characters: an answer must not move a terminal's cursor."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )
