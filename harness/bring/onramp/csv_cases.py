"""A table of cases (CSV, TSV or JSON Lines) to an eval set, by a mapping of its columns.

Every row that cannot be a case is told with its line; none is dropped in silence, and none is
guessed at.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from evalsets.cases import Case
from evalsets.jsonl import JsonLine, read_rows
from evalsets.samples import CaseReader, as_text
from evalsets.source import Fault
from evalsets.validation import suggestion
from harness.bring.intake.headers import FOR_CASES, folded_header, named_as, named_as_target
from harness.bring.intake.openai_evals import items_in
from harness.bring.intake.promptfoo_cases import INPUT_NAMES
from harness.bring.intake.values import ImportedSet, TableText, as_table
from harness.bring.intake.values import as_text as decoded
from harness.bring.onramp.foreign_messages import messages_in
from harness.bring.onramp.guessing import guess_scorer
from harness.errors import Problem, UsageError
from harness.wording import plural
from harness.workspace.reading import problem_of

ID_NAMES = ("id", "case", "case_id", "key", "uuid")
_ID_ENDINGS = tuple(
    f"{sign}{word}" for sign in "_ -" for word in ("id", "key", "uuid", "no", "nr", "number")
)
"""A column with one of these endings is an id where its cells are all there and all differ."""
_LARGEST_FIELD = 16 * 1024 * 1024
_JSON_LINES = frozenset({".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns say what; None: found by their names. `metadata` None: all the others."""

    id: str | None = None
    input: str | None = None
    target: str | None = None
    metadata: tuple[str, ...] | None = None
    locale: str | None = None
    """Whose numbers the targets are; None: found from them."""
    encoding: str | None = None
    """How the table's letters are written; None: UTF-8, UTF-16, or what is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Rows by column, with their lines; and the rows that are none."""

    columns: tuple[str, ...]
    rows: tuple[JsonLine, ...]
    faults: tuple[Fault, ...]


def read_cases(data: bytes, *, path: Path, columns: Columns) -> ImportedSet:
    """Read a table; a row that cannot be a case is a problem of the set.

    Raises:
        UsageError: it is no table, lacks a column that was named, or has no case at all.
    """
    file = path.name
    read_as, comma = None, False
    if path.suffix in _JSON_LINES:
        table = _json_lines(decoded(data, file=file), file)
    else:
        read = as_table(data, file=file, encoding=columns.encoding)
        table, comma = _table(read, file), read.delimiter == ";"
        read_as = None if read.note is None else f"{file}: {read.note}"
    found = _found(columns, table, file)
    reader = CaseReader(file=file, folder=path.parent)
    cases = tuple(_cases(table.rows, found, reader))
    faults = (*table.faults, *reader.faults)
    problems = [problem_of(fault) for fault in faults]
    if not cases:
        first = f"; first: {min(problems)}" if problems else ""
        raise UsageError(f"{file}: no case could be read{first}")
    problems += _unread_columns(columns, found, table.columns, file)
    guess = guess_scorer(cases, locale=columns.locale, comma=comma)
    return ImportedSet(
        cases=cases,
        primary=guess.primary,
        prompts=(),
        models=(),
        converted=0,
        problems=tuple(sorted(problems, key=lambda each: (each.line or 0, each.key))),
        notes=(*_no_target(found), *guess.notes),
        read_as=read_as,
    )


def _no_target(found: Columns) -> tuple[str, ...]:
    names = ", ".join(found.metadata or ())
    if found.target is not None or not names:
        return ()
    return (f"no column is read as the target; name it with --target ({names})",)


def _json_lines(text: str, file: str) -> _Table:
    rows, faults = read_rows(text.split("\n"), file=file)
    if rows and all(_is_item(row) for row in rows):
        faults = (*faults, *_samples(rows, file))
        rows = tuple(replace(row, data=cast("dict[str, object]", row.data["item"])) for row in rows)
    elif items_in([row.data for row in rows]):
        raise UsageError(
            f"{file}: output items of OpenAI's Evals are answers: `rightsize import outcomes`"
        )
    columns = dict.fromkeys(name for row in rows for name in row.data)
    return _Table(columns=tuple(columns), rows=rows, faults=faults)


def _is_item(row: JsonLine) -> bool:
    """Whether a line is a row of a data source of OpenAI's Evals."""
    return isinstance(row.data.get("item"), dict) and not set(row.data) - {"item", "sample"}


def _samples(rows: Sequence[JsonLine], file: str) -> Iterator[Fault]:
    first = next((row for row in rows if row.data.get("sample")), None)
    if first is not None:
        count = plural(sum(bool(row.data.get("sample")) for row in rows), "row")
        message = f"an answer, which is no part of a case: left out in {count}"
        yield Fault(file=file, line=first.line, key="sample", message=message)


def _table(table: TableText, file: str) -> _Table:
    text = table.text
    if "\0" in text:
        raise UsageError(f"{file}: not a text table (it holds NUL bytes)")
    csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter, strict=True)
    rows: list[JsonLine] = []
    faults: list[Fault] = []
    header: list[str] = []
    try:
        header = [cell.strip() for cell in next(reader, list[str]())]
        _check_header(header, file)
        for begins, cells in _lines(reader):
            line = begins + table.header_line - 1
            if len(cells) != len(header):
                message = f"{len(cells)} cells, the header has {len(header)}"
                faults.append(Fault(file=file, line=line, key="", message=message))
            else:
                rows.append(JsonLine(line=line, data=dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        message = f"broken table: {error}; the rows below are not read"
        faults.append(Fault(file=file, line=reader.line_num, key="", message=message))
    return _Table(columns=tuple(header), rows=tuple(rows), faults=tuple(faults))


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line it begins on."""
    while True:
        begins = cast("int", getattr(reader, "line_num", 0)) + 1
        cells = next(reader, None)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield begins, cells


def _check_header(header: Sequence[str], file: str) -> None:
    if not any(header):
        raise UsageError(f"{file}: no header; the first line names the columns")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UsageError(f"{file}:1: the column {twice[0]!r} is named twice")


def _found(columns: Columns, table: _Table, file: str) -> Columns:
    """The columns by name: the named ones must be there, the others are looked for."""
    header = table.columns
    named = [columns.id, columns.input, columns.target, *(columns.metadata or ())]
    for name in named:
        if name is not None and name not in header:
            raise UsageError(f"{file}: no column {name!r}{suggestion(name, header)}")
    question = columns.input or _by_name(header, INPUT_NAMES, "input")
    if question is None:
        raise UsageError(
            f"{file}: which column is the input? name it with --input ({', '.join(header)})"
        )
    found = Columns(
        id=columns.id or _by_name(header, ID_NAMES),
        input=question,
        target=columns.target or named_as_target(header),
    )
    if found.id is None:
        found = replace(found, id=_named_like_an_id(table, {found.input, found.target}))
    taken = {found.id, found.input, found.target}
    rest = columns.metadata
    others = tuple(name for name in header if name and name not in taken)
    return Columns(
        id=found.id,
        input=found.input,
        target=found.target,
        metadata=others if rest is None else rest,
    )


def _named_like_an_id(table: _Table, taken: set[str | None]) -> str | None:
    """A column that is named as an id is, and whose cells are all there and all differ."""
    for name in table.columns:
        lowered = name.lower().rstrip(".")
        ends = lowered.endswith(_ID_ENDINGS) or re.search(r"[a-z]I[Dd]$", name) is not None
        ends = ends or folded_header(name) in FOR_CASES["id"]
        if name in taken or not ends:
            continue
        cells = [str(row.data.get(name) or "").strip() for row in table.rows]
        if all(cells) and len(set(cells)) == len(cells):
            return name
    return None


def _by_name(header: Sequence[str], names: Sequence[str], what: str = "") -> str | None:
    """The column with the first of the names, else with one of another language's for it."""
    by_lower = {name.lower(): name for name in header}
    found = next((by_lower[name] for name in names if name in by_lower), None)
    return found or named_as(header, FOR_CASES.get(what, ()))


def _cases(rows: Sequence[JsonLine], columns: Columns, reader: CaseReader) -> Iterator[Case]:
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        case = reader.case(_as_sample(row, columns), number=None if columns.id else number)
        if case is None:
            continue
        if case.id in first:
            message = f"the id {case.id!r} is already on line {first[case.id]}"
            key = columns.id or "id"
            reader.faults.append(Fault(file=reader.file, line=row.line, key=key, message=message))
            continue
        first[case.id] = row.line
        yield case


def _as_sample(row: JsonLine, columns: Columns) -> JsonLine:
    """The row under the names that a case file has. An empty cell is absent."""
    sample: dict[str, object] = {"input": messages_in(row.data.get(columns.input or ""))}
    sample["metadata"] = _metadata(row, columns.metadata or ())
    target = row.data.get(columns.target or "")
    if target not in (None, ""):
        sample["target"] = target if isinstance(target, list) else as_text(target)
    if columns.id is not None and row.data.get(columns.id) not in (None, ""):
        sample["id"] = row.data[columns.id]
    return JsonLine(line=row.line, data=sample)


def _metadata(row: JsonLine, names: Sequence[str]) -> dict[str, object]:
    """The named columns that say something; an object called `metadata` gives its own keys."""
    found: dict[str, object] = {}
    for name in names:
        value = row.data.get(name)
        if name == "metadata" and isinstance(value, dict):
            found |= cast("dict[str, object]", value)
        elif value not in (None, ""):
            found[name] = value
    return found


def _unread_columns(
    asked: Columns, found: Columns, header: Sequence[str], file: str
) -> Iterator[Problem]:
    """Columns that nothing reads, because `--metadata` names others."""
    read = {found.id, found.input, found.target, *(found.metadata or ())}
    for name in header:
        if name not in read and (name or asked.metadata is not None):
            yield Problem(
                file=file, line=1, key=name, message="column is not read", severity="warning"
            )
