"""Rows of a CSV as columns: many lines at once while no cell is quoted, else row by row.

Without a quote a line is a row, and whatever stands between two delimiters is a cell. From the
first quote on a cell may go over several lines, and the library's reader takes the rest.
"""

from __future__ import annotations

import codecs
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

from harness.bring.logs.rows.lines import (
    OTHER_HEADER,
    CsvRow,
    cells_in,
    head_of,
    odd_row,
    table_cells,
    text_chunks,
)

BATCH = 50_000
_ARROW: Any = importlib.import_module("pyarrow")
"""pyarrow, which has no type stubs."""
_COMPUTE: Any = importlib.import_module("pyarrow.compute")
_Column: TypeAlias = Any
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
