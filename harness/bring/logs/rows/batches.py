"""A file's rows as `batch`, a table that one statement reads while they stream by.

Rows of JSON are its text; those of a table are its columns, which are not written as JSON first.

In CSV a line without a quote is a row, and what stands between two delimiters is a cell. From the
first quote on a cell may go over several lines, and the library's reader takes the rest.
"""

from __future__ import annotations

import codecs
import importlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self, TypeAlias

import duckdb

from harness.bring.logs.log_format import LogFormat
from harness.bring.logs.rows.lines import (
    OTHER_HEADER,
    CsvRow,
    Place,
    cells_in,
    head_of,
    numbered,
    odd_row,
    places,
    rows_in,
    shape_of,
    table_cells,
    text_chunks,
)
from harness.bring.logs.rows.unwrapping import UNWRAPPED, listed
from harness.bring.logs.sql import Picked, quoted
from harness.errors import UsageError

_BLANK = 64
"""Most bytes of a line that is looked at for being blank; a longer one is no JSON."""
_Column: TypeAlias = Any
_ARROW: Any = importlib.import_module("pyarrow")
"""pyarrow, which has no type stubs."""
_COMPUTE: Any = importlib.import_module("pyarrow.compute")
_SHAPE = (("line", "int64"), ("text", "string"), ("reason", "string"))


class RowBatches:
    """The rows of a file, offered while it is open."""

    def __init__(self, base: duckdb.DuckDBPyConnection, path: Path, form: LogFormat) -> None:
        self._base, self._path = base, path
        self.fault: Exception | None = None
        """What ended the stream; the engine would tell it in its own words."""
        self._parquet = is_parquet(path)
        self._shape = "parquet" if self._parquet else shape_of(path)
        self._twice: set[str] = set()
        self._table: CsvColumns | None = None
        self._columns: dict[str, str] | None = None
        """Of a table: the SQL of each column's text, by its name."""
        wrapped = form.unwrap is not None and not self._parquet
        self.source = f"({UNWRAPPED[form.unwrap]})" if form.unwrap and wrapped else "batch"
        """What to read from: the rows, taken out of their documents."""
        if self._shape == "table" and not wrapped:
            self._table = CsvColumns.at(path)
            names = self._table.header
            self._columns = {name: f"c{at}" for at, name in enumerate(names)}
            self._twice = {name for name in names if names.count(name) > 1}

    def __enter__(self) -> Self:
        """Offer them."""
        if self._parquet:
            source = f"read_parquet({quoted(str(self._path))}, file_row_number = true)"
            self._columns = _parquet_columns(self._base, source)
            self._base.execute(
                "CREATE OR REPLACE TEMP VIEW batch AS SELECT file_row_number + 1 AS line, "  # noqa: S608
                f"NULL::VARCHAR AS reason, COLUMNS(* EXCLUDE file_row_number) FROM {source}"
            )
            return self
        fields = [*_SHAPE] if self._table is None else self._table.fields
        reader = _ARROW.RecordBatchReader.from_batches(_ARROW.schema(fields), self._watched())
        self._base.register("batch", reader)
        return self

    def __exit__(self, *_: object) -> None:
        """Take them away."""
        if self._parquet:
            self._base.execute("DROP VIEW IF EXISTS batch")
        else:
            self._base.unregister("batch")

    @property
    def of_table(self) -> bool:
        """Whether its rows are cells of columns."""
        return self._columns is not None

    def places(self, picked: Picked) -> str:
        """The texts at all places of a row, or NULL where it cannot be read."""
        if self._columns is None:
            return picked.picked()
        found = (self._place(pointer) for pointer in picked.pointers)
        return f"[{', '.join(found)}]"

    def _place(self, pointer: str) -> str:
        """A column; in one of JSON, or of members, what stands there."""
        name, slash, deeper = pointer[1:].partition("/")
        plain = name.replace("~1", "/").replace("~0", "~")
        if plain in self._twice:
            raise UsageError(f"{self._path}: two columns are called {plain}; rename one")
        column = (self._columns or {}).get(plain)
        if column is None or (slash and not column.startswith("to_json(")):
            return "NULL::VARCHAR"
        return f"json_extract_string({column}, {quoted('/' + deeper)})" if slash else column

    def _watched(self) -> Iterator[_Column]:
        try:
            yield from self._of_rows() if self._table is None else self._table.batches()
        except Exception as error:
            self.fault = error
            raise

    def _of_rows(self) -> Iterator[_Column]:
        if self._shape == "lines":
            return _of_text(self._path)
        return _of_places(rows_in(shape_of(self._path), self._path))


def _of_places(found: Iterator[Place]) -> Iterator[_Column]:
    while rows := list(islice(found, BATCH)):
        columns = {
            name: _ARROW.array([getattr(row, name) for row in rows], kind) for name, kind in _SHAPE
        }
        yield _ARROW.RecordBatch.from_pydict(columns)


def _of_text(path: Path) -> Iterator[_Column]:
    """Lines at once where all of them are UTF-8 text, else one by one."""
    first = 1
    for found in text_chunks(path):
        if isinstance(found, str):
            yield from _of_places(iter((Place(first, None, found),)))
            return
        whole = _ARROW.array([without_marks(found)], "binary")
        lines = _COMPUTE.split_pattern(whole, b"\n").flatten()
        try:
            yield _of_lines(lines.cast("string"), first)
        except _ARROW.ArrowInvalid:
            yield from _of_places(numbered(lines.to_pylist(), first))
        first += len(lines)


def _of_lines(texts: _Column, first: int) -> _Column:
    columns = [_ARROW.arange(first, first + len(texts)), texts, _ARROW.nulls(len(texts), "string")]
    whole = _ARROW.RecordBatch.from_arrays(columns, [name for name, _ in _SHAPE])
    if _COMPUTE.min(_COMPUTE.binary_length(texts)).as_py() > _BLANK:
        return whole
    return whole.filter(_COMPUTE.not_equal(_COMPUTE.ascii_trim_whitespace(texts), ""))


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does.

    Raises:
        UsageError: it cannot be opened.
    """
    try:
        with path.open("rb") as handle:
            return handle.read(4) == b"PAR1"
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


_MEMBERS = ("STRUCT", "MAP", "JSON", "UNION")


def _parquet_columns(base: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    """The SQL of each column's text: what has members, or is a list, as JSON.

    A number of three places is none that points part by thousands, which a fourth place says.
    """
    found: dict[str, str] = {}
    query = f"DESCRIBE SELECT * EXCLUDE file_row_number FROM {source}"  # noqa: S608
    described = base.execute(query).fetchall()
    for name, kind, *_ in described:
        column = '"' + str(name).replace('"', '""') + '"'
        nested = str(kind).startswith(_MEMBERS) or str(kind).endswith("]")
        text = f"to_json({column})::VARCHAR" if nested else f"CAST({column} AS VARCHAR)"
        found[str(name)] = f"{text} || '0'" if str(kind).endswith(",3)") else text
    return found


def _parquet_texts(path: Path, most: int) -> list[str]:
    try:
        with duckdb.connect() as base:
            source = f"read_parquet({quoted(str(path))})"
            query = f"SELECT to_json(row)::VARCHAR FROM {source} row LIMIT {most}"  # noqa: S608
            return [str(text) for (text,) in base.execute(query).fetchall()]
    except duckdb.Error as error:
        line = str(error).splitlines()[0]
        raise UsageError(f"{path}: cannot be read as Parquet ({line[:120]})") from None


def first_rows(path: Path, most: int = 20) -> tuple[object, ...]:
    """The first rows of a file as they stand, to find its format by."""
    if is_parquet(path):
        return tuple(json.loads(text) for text in _parquet_texts(path, most))
    found: list[object] = []
    for place in islice(places(path), most):
        if place.text is None:
            continue
        try:
            found += [*listed(json.loads(place.text))]
        except (ValueError, RecursionError):
            continue
    return tuple(found)


def taken_out(rows: Sequence[object], how: str) -> tuple[object, ...]:
    """The rows that stand in some documents, as `first_rows` gives those."""
    texts = [json.dumps(row) for row in rows]
    with duckdb.connect() as base:
        base.execute(
            "CREATE TABLE batch AS SELECT 1 AS line, unnest(?) AS text, '' AS reason", [texts]
        )
        found = base.execute(f"SELECT text FROM ({UNWRAPPED[how]})").fetchall()  # noqa: S608
    return tuple(chain.from_iterable(_read(str(text)) for (text,) in found))


def _read(text: str) -> Iterator[object]:
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        return


BATCH = 50_000
_CELLS = (("line", "int64"), ("reason", "string"))


def without_marks(data: bytes) -> bytes:
    """Lines without the marks of UTF-8, which files that were put one after another begin with."""
    data = data.removeprefix(codecs.BOM_UTF8)
    return data.replace(_MARKED, b"\n") if _MARKED in data else data


_MARKED = b"\n" + codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class CsvColumns:
    """A CSV: its header, and its rows in batches of columns `line`, `reason`, `c0`, `c1`, ..."""

    path: Path
    delimiter: str
    header: Sequence[str]
    line: int
    """On which the header begins."""

    @classmethod
    def at(cls, path: Path) -> CsvColumns:
        """A file's header."""
        first = next(table_cells(path), CsvRow(1, None))
        return cls(path, head_of(path)[1], first.cells or (), first.line)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and kinds of the columns."""
        return [*_CELLS, *((f"c{at}", "string") for at in range(len(self.header)))]

    def batches(self) -> Iterator[_Column]:
        """All rows after the header."""
        chunks, first = text_chunks(self.path), 1
        for data in chunks:
            lines = _unquoted(data)
            if lines is None:
                skipped = self.line - 1 if first == 1 else 0
                left = chain([data], chunks)
                rows = cells_in(left, self.delimiter, first - 1, self.header, skipped)
                yield from self._row_by_row(row for row in rows if row.line > self.line)
                return
            numbers = _ARROW.array(range(first, first + len(lines)), "int64")
            first += len(lines)
            kept = _COMPUTE.and_(
                _COMPUTE.greater(numbers, self.line),
                _COMPUTE.not_equal(lines, ""),
            )
            found, ended = self._plain(lines.filter(kept), numbers.filter(kept))
            yield from found
            if ended:
                return

    def _plain(self, lines: _Column, numbers: _Column) -> tuple[list[_Column], bool]:
        """Lines as rows, and whether another header ends the table; few rows are odd."""
        cells = _COMPUTE.split_pattern(lines, self.delimiter)
        same = _COMPUTE.equal(_COMPUTE.list_value_length(cells), len(self.header))
        begins = _COMPUTE.utf8_trim_whitespace(_COMPUTE.list_element(cells, 0))
        named = _COMPUTE.is_in(begins, _ARROW.array([*self.header], "string"))
        odd = _COMPUTE.or_(_COMPUTE.invert(same), named)
        if not _COMPUTE.any(odd).as_py():
            return [self._columns(cells, numbers)], False
        rows = [
            odd_row(line, texts, self.header)
            for line, texts in zip(
                numbers.filter(odd).to_pylist(), cells.filter(odd).to_pylist(), strict=True
            )
            if any(text.strip() for text in texts)
        ]
        end = next((at for at, row in enumerate(rows) if row.reason == OTHER_HEADER), len(rows))
        fine = _COMPUTE.invert(odd)
        if end < len(rows):
            fine = _COMPUTE.and_(fine, _COMPUTE.less(numbers, rows[end].line))
        told = [*self._row_by_row(iter(rows[: end + 1]))]
        return [self._columns(cells.filter(fine), numbers.filter(fine)), *told], end < len(rows)

    def _columns(self, cells: _Column, numbers: _Column) -> _Column:
        """Rows of the header's width, column by column."""
        texts = (_COMPUTE.list_element(cells, at) for at in range(len(self.header)))
        return self._batch([numbers, _ARROW.nulls(len(numbers), "string"), *texts])

    def _row_by_row(self, rows: Iterator[CsvRow]) -> Iterator[_Column]:
        none = (None,) * len(self.header)
        while found := list(islice(rows, BATCH)):
            cells = zip(*(row.cells or none for row in found), strict=True)
            yield self._batch(
                [
                    _ARROW.array([row.line for row in found], "int64"),
                    _ARROW.array([row.reason for row in found], "string"),
                    *(_ARROW.array(column, "string") for column in cells),
                ]
            )

    def _batch(self, columns: Sequence[_Column]) -> _Column:
        return _ARROW.RecordBatch.from_arrays(columns, [name for name, _ in self.fields])


def _unquoted(data: bytes | str) -> _Column | None:
    """Lines as texts; None where a cell may be quoted, or something is no plain line of text."""
    if isinstance(data, str) or b'"' in data:
        return None
    plain = without_marks(data)
    if b"\r" in plain:
        plain = plain.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"\r" in plain:
        return None
    lines = _COMPUTE.split_pattern(_ARROW.array([plain], "binary"), b"\n").flatten()
    try:
        return lines.cast("string")
    except _ARROW.ArrowInvalid:
        return None
