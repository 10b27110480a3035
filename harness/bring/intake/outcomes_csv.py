"""A plain table of answers, CSV or JSON Lines: `case, model, score` or `answer`, and what else.

Columns: `case`, `model`; `repeat` (from 0; without the column further rows of a case and model are
its repeats); `score` in [0, 1], `answer` and/or `tool_calls` (JSON: a list of {name, arguments});
`input`, `target`; `input_tokens`, `output_tokens`, `cached_tokens`; `seconds`; `error` (a text: the
trial has no score, by the world's fault); `cluster` (cases of one are not independent),
`slice.NAME` (a part of the cases, as metadata). An empty cell is unknown. Columns that nothing
reads are told.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from evalsets.cases import Case
from evalsets.jsonl import JsonLine
from evalsets.samples import as_text
from evalsets.validation import shown
from harness.bring.intake.headers import own_names
from harness.bring.intake.values import (
    ImportedAnswer,
    ImportedAnswers,
    TableText,
    a_count,
    a_list,
    a_number,
    a_score,
    as_table,
    has_no_input,
    placeholder_input,
    usage,
    warning,
)
from harness.errors import Problem, UsageError
from harness.judge.scoring.tools.calls import call_in
from providers.completion import TokenUsage

NEEDED = ("case", "model")
OPTIONAL = (
    "repeat", "score", "answer", "tool_calls", "input", "target", "input_tokens", "output_tokens",
    "cached_tokens", "seconds", "error", "cluster",
)  # fmt: skip
SLICE = "slice."
"""Begins the name of a column of parts."""
_LARGEST_FIELD = 16 * 1024 * 1024


def read_outcomes(data: bytes, *, file: str) -> ImportedAnswers:
    """Read a table of answers, comma, semicolon or tab between the cells.

    Raises:
        UsageError: the file is no such table at all.
    """
    table = _Table(file=file)
    read = as_table(data, file=file)
    text = read.text
    if "\0" in text:
        raise UsageError(f"{file}: not a text table (it holds NUL bytes)")
    for line, row in table.rows(read):
        table.take(line + read.header_line - 1, row)
    if not text.endswith("\n"):
        table.tell(text.count("\n") + 1, "", "the last line has no end; is the file cut short?")
    return table.whole(notes=(f"{file}: {read.note}",) if read.note else ())


def read_outcome_rows(rows: Sequence[JsonLine], *, file: str) -> ImportedAnswers:
    """Read the same table as JSON Lines: the keys are the columns.

    Raises:
        UsageError: the file is no such table at all.
    """
    table = _Table(file=file)
    names = list(dict.fromkeys(name for row in rows for name in row.data))
    cells = [[_cell(row.data.get(name)) for name in names] for row in rows]
    header = own_names([name.strip().lower() for name in names], cells)
    table.check_header(header)
    for row, told in zip(rows, cells, strict=True):
        table.take(row.line, dict(zip(header, told, strict=True)))
    return table.whole()


def _cell(value: object) -> str:
    """A JSON value as a cell has it."""
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else as_text(value).strip()


@dataclass(slots=True, kw_only=True)
class _Table:
    file: str
    comma: bool = False
    """Whether a comma may stand before decimals: it separates no cells."""
    answers: list[ImportedAnswer] = field(default_factory=list[ImportedAnswer])
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    problems: list[Problem] = field(default_factory=list[Problem])
    rows_of: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    seen: dict[tuple[str, str, int], int] = field(default_factory=dict[tuple[str, str, int], int])

    def whole(self, notes: tuple[str, ...] = ()) -> ImportedAnswers:
        """All that was read.

        Raises:
            UsageError: it is nothing.
        """
        if not self.answers:
            reasons = f"; first: {self.problems[0]}" if self.problems else ""
            raise UsageError(f"{self.file}: no row could be read{reasons}")
        graded = any(answer.score is not None for answer in self.answers)
        return ImportedAnswers(
            tool="csv",
            grader=f"the column score of {self.file}" if graded else "nobody yet",
            answers=tuple(self.answers),
            cases=tuple(self.cases.values()),
            problems=tuple(self.problems),
            notes=notes,
        )

    def rows(self, table: TableText) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row with its line, cells bare; rows of another length are told."""
        csv.field_size_limit(_LARGEST_FIELD)
        self.comma = table.delimiter != ","
        text = io.StringIO(table.text, newline="")
        reader = csv.reader(text, delimiter=table.delimiter, strict=True)
        try:
            names = [cell.strip().lower() for cell in next(reader, list[str]())]
            header = own_names(names, self.whole_rows(table))
            self.check_header(header)
            for cells in reader:
                if len(cells) == len(header):
                    bare = (cell.strip() for cell in cells)
                    yield reader.line_num, dict(zip(header, bare, strict=True))
                elif any(cells):
                    self.tell(
                        reader.line_num, "", f"{len(cells)} cells, the header has {len(header)}"
                    )
        except csv.Error as error:
            self.tell(reader.line_num, "", f"broken table: {error}; the rows below are not read")

    def whole_rows(self, table: TableText) -> list[list[str]]:
        """The rows below the header, to tell by them what a column is."""
        text = io.StringIO(table.text, newline="")
        try:
            return [*csv.reader(text, delimiter=table.delimiter)][1:]
        except csv.Error:
            return []

    def check_header(self, header: list[str]) -> None:
        """Refuse a table without the needed columns; tell the ones that nothing reads."""
        lacking = [name for name in NEEDED if name not in header]
        if not {"score", "answer", "tool_calls"} & set(header):
            lacking.append("score, answer or tool_calls")
        if lacking:
            raise UsageError(
                f"{self.file}:1: column {', '.join(lacking)} is missing; columns read: "
                f"{', '.join((*NEEDED, *OPTIONAL))}, {SLICE}NAME"
            )
        if len(set(header)) < len(header):
            raise UsageError(f"{self.file}:1: a column is named twice")
        for name in header:
            if name not in NEEDED and name not in OPTIONAL and not _part(name):
                self.tell(1, name or "(no name)", "column is not read")

    def take(self, line: int, row: dict[str, str]) -> None:
        """Read one row, or tell why not."""
        row_of = (row["case"], row["model"])
        repeat = a_count(_number(row.get("repeat") or "0"))
        if "repeat" not in row:
            repeat = self.rows_of.get(row_of, 0)
        if not row["case"] or not row["model"] or repeat is None:
            self.tell(line, "", "case, model or repeat is empty or no number")
            return
        key = (row["case"], row["model"], repeat)
        if key in self.seen:
            self.tell(line, "", f"the same case, model and repeat as line {self.seen[key]}")
            return
        answer = self.answer(line, row, repeat)
        if answer is not None and self.agrees(line, row):
            self.seen[key] = line
            self.rows_of[row_of] = self.rows_of.get(row_of, 0) + 1
            self.answers.append(answer)

    def answer(self, line: int, row: dict[str, str], repeat: int) -> ImportedAnswer | None:
        score = a_score(self.number(row.get("score") or ""))
        if row.get("score") and score is None:
            self.tell(line, "score", f"{row['score']!r} is not a number in [0, 1]")
            return None
        error = row.get("error") or None
        try:
            calls = self.calls(row.get("tool_calls") or "")
        except ValueError:
            self.tell(line, "tool_calls", f"{shown(row['tool_calls'])} is no list of calls")
            return None
        text = row.get("answer") or (None if calls is None else "")
        if score is None and text is None and not error:
            self.tell(line, "", "neither score nor answer nor error")
            return None
        return ImportedAnswer(
            case_id=row["case"],
            model=row["model"],
            repeat=repeat,
            row=0 if "repeat" in row else repeat,
            ending="missing" if error else "answered",
            text=text,
            tool_calls=None if calls == "[]" else calls,
            score=score,
            reason=error,
            usage=self.usage(line, row),
            seconds=self.known(line, row, "seconds"),
        )

    def agrees(self, line: int, row: dict[str, str]) -> bool:
        """Whether the row says of its case what earlier rows said."""
        case = Case(
            id=row["case"],
            input=row.get("input") or placeholder_input(row["case"]),
            target=row.get("target") or None,
            metadata=_metadata(row),
        )
        first = self.cases.get(case.id, case)
        asked = case.input if has_no_input(first) else first.input
        target = first.target if case.target is None else case.target
        told = dict(first.metadata) | dict(case.metadata)
        both = replace(case, input=asked, target=target, metadata=tuple(sorted(told.items())))
        if any(told[key] != value for key, value in first.metadata):
            self.tell(line, "", f"case {case.id!r} has another cluster or slice than before")
            return False
        if (not has_no_input(case) and case.input != asked) or (first.target not in (None, target)):
            self.tell(line, "", f"case {case.id!r} has another input or target than before")
            return False
        self.cases[case.id] = both
        return True

    def usage(self, line: int, row: dict[str, str]) -> TokenUsage | None:
        counts = {
            "input_tokens": a_count(self.known(line, row, "input_tokens")),
            "output_tokens": a_count(self.known(line, row, "output_tokens")),
            "cache_read_tokens": a_count(self.known(line, row, "cached_tokens")),
        }
        found = usage(counts)
        if found is None and None not in (counts["input_tokens"], counts["output_tokens"]):
            self.tell(line, "cached_tokens", "more than input_tokens; usage stays unknown")
        return found

    def calls(self, cell: str) -> str | None:
        """A cell's tool calls as the journal keeps them, `[]` for none; None where it tells none.

        Raises:
            ValueError: it is no list of calls.
        """
        try:
            listed: object = json.loads(cell) if cell else None
        except RecursionError:
            raise ValueError(cell) from None
        if listed is None:
            return None
        found = [call_in(each) for each in a_list(listed)]
        if not isinstance(listed, list) or None in found:
            raise ValueError(cell)
        calls = [
            {"id": str(number), "name": call.name, "arguments": call.arguments}
            for number, call in enumerate(found)
            if call is not None
        ]
        return json.dumps(calls)

    def known(self, line: int, row: dict[str, str], name: str) -> float | None:
        """A number that is not negative; anything else in the cell is told and unknown."""
        cell = row.get(name) or ""
        number = self.number(cell)
        if cell and (number is None or number < 0):
            self.tell(line, name, f"{cell!r} is no number from 0; it stays unknown")
            return None
        return number

    def number(self, cell: str) -> float | None:
        """A cell's number; with a comma before its decimals where none separates the cells."""
        return _number(cell.replace(",", ".") if self.comma and cell.count(",") == 1 else cell)

    def tell(self, line: int, key: str, message: str) -> None:
        self.problems.append(warning(self.file, line, key, message))


def _metadata(row: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The cluster and the parts that a row tells, by name."""
    told = {_part(name): cell for name, cell in row.items() if cell and _part(name)}
    if row.get("cluster"):
        told["cluster"] = row["cluster"]
    return tuple(sorted(told.items()))


def _part(name: str) -> str:
    """The part that a column tells; empty for another column."""
    return name.removeprefix(SLICE) if name.startswith(SLICE) else ""


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else a_number(float(cell))
    except ValueError:
        return None
