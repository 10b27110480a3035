"""How people are asked: on sheets (CSV to fill in, HTML to read) and in a terminal, key by key."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Generic, TypeAlias, TypeVar

from harness.bring.labelling.questions import NO_ANSWER, Question
from harness.bring.labelling.recording import VERDICTS, Recorder, Verdict
from harness.errors import Problem, UsageError
from reports.untrusted import csv_lines

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


Q = TypeVar("Q")
A = TypeVar("A")
SheetRow: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSheet(Generic[Q, A]):
    """What a filled sheet says: the answers, the rows left empty, and the rows refused."""

    answers: tuple[tuple[Q, A], ...]
    empty: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetForm:
    """A CSV sheet with one row per question; a person fills in the column `answer`.

    The last column holds the question's digest, by which a filled row finds its question.
    """

    name: str
    columns: tuple[str, ...]
    answer: str

    def write(self, rows: Iterable[Sequence[str]]) -> str:
        """The sheet as CSV, no cell of which a spreadsheet takes for a formula."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([csv_lines(cell) for cell in row] for row in rows)
        return out.getvalue()

    def is_filled(self, text: str) -> bool:
        """Whether somebody wrote an answer into a sheet of this form, or into what is no sheet."""
        try:
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
        except csv.Error:
            return True
        return any((row.get(self.answer) or "").strip() for row in rows)

    def read(
        self,
        text: str,
        asked: Mapping[str, Q],
        answer: Callable[[str, SheetRow, Q | None], tuple[Q, A]],
        *,
        file: str,
    ) -> FilledSheet[Q, A]:
        """Read a filled sheet.

        Args:
            text: the CSV.
            asked: the questions that are open now, by digest.
            answer: from a row's word, the row and its open question, None where there is none;
                a `UsageError` refuses the row.
            file: the sheet's name, for messages.

        Raises:
            UsageError: the text is no such sheet.
        """
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not set(self.columns) <= set(reader.fieldnames or ()):
            columns = ", ".join(self.columns)
            raise UsageError(f"{file}:1: no {self.name}; its columns are {columns}")
        waiting = dict(asked)
        answers: list[tuple[Q, A]] = []
        problems: list[Problem] = []
        empty = 0
        for row in reader:
            digest, word = row[self.columns[-1]] or "", (row[self.answer] or "").strip().lower()
            if not word:
                empty += 1
                continue
            try:
                answers.append(answer(word, row, waiting.get(digest)))
            except UsageError as error:
                problems.append(
                    Problem(file=file, line=reader.line_num, key=self.answer, message=str(error))
                )
            else:
                del waiting[digest]
        return FilledSheet(answers=tuple(answers), empty=empty, problems=tuple(problems))


LABEL_SHEET = SheetForm(
    name="label sheet",
    columns=("case", "input", "a", "b", "verdict", "check"),
    answer="verdict",
)


def write_csv(asked: Sequence[Question]) -> str:
    """The label sheet of some questions: one row each, `verdict` to be filled in."""
    return LABEL_SHEET.write(
        (
            each.case_id,
            each.input,
            each.shown_a or NO_ANSWER,
            each.shown_b or NO_ANSWER,
            "",
            each.digest,
        )
        for each in asked
    )


def write_html(asked: Sequence[Question]) -> str:
    """The questions to read or print; it loads nothing and runs nothing."""
    cases = "\n".join(
        f"<h2>{escape(each.case_id)}</h2><pre>{escape(each.input)}</pre><table>"
        f"<tr><th>a</th><td>{escape(each.shown_a or NO_ANSWER)}</td></tr>"
        f"<tr><th>b</th><td>{escape(each.shown_b or NO_ANSWER)}</td></tr></table>"
        for each in asked
    )
    return _PAGE.format(count=len(asked), cases=cases)


def read_csv(text: str, asked: Sequence[Question], *, file: str) -> FilledSheet[Question, Verdict]:
    """Read a filled label sheet against the questions that are open now.

    A row whose answers are not those that would be shown now, in that order, is refused: it was
    changed, or made for another labeller.

    Raises:
        UsageError: the text is no label sheet.
    """
    return LABEL_SHEET.read(text, {each.digest: each for each in asked}, _verdict, file=file)


def _verdict(word: str, row: SheetRow, question: Question | None) -> tuple[Question, Verdict]:
    verdict: Verdict | None = next((each for each in VERDICTS if each == word), None)
    if verdict is None:
        raise UsageError(f"{word!r} is none of {', '.join(VERDICTS)}")
    if question is None or not _is(question, row):
        raise UsageError(
            f"case {row['case']!r}: not an open question with these answers in this order"
        )
    right = {"a": (question.a,), "b": (question.b,), "both": (question.a, question.b)}
    if None in right.get(verdict, ()):
        raise UsageError(f"case {row['case']!r}: a reply without a valid answer cannot be right")
    return question, verdict


def _is(question: Question, row: SheetRow) -> bool:
    """Whether a row shows the question; a spreadsheet may have dropped the guarding quote."""
    shown = (question.case_id, question.shown_a or NO_ANSWER, question.shown_b or NO_ANSWER)
    given = (row["case"], row["a"], row["b"])
    return all(
        _lines(cell or "") in {_lines(text), _lines(csv_lines(text))}
        for cell, text in zip(given, shown, strict=True)
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


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
    a, b = question.shown_a, question.shown_b
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
