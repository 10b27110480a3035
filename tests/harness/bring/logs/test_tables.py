"""A CSV is the same rows whether its lines are read at once or by the library's reader."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from harness.bring.logs.rows.batches import CsvColumns
from harness.bring.logs.rows.lines import CHUNK, table_cells

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"timestamp,feature,request_id,input_tokens,output_tokens\n"
ROW = b"2026-10-05T00:00:00Z,a,r1,10,1\n"
MARK = b"\xef\xbb\xbf"
Rows = list[tuple[int, "tuple[str, ...] | None", "str | None"]]


def row_by_row(path: Path) -> Rows:
    _, *rows = table_cells(path)
    return sorted(
        ((row.line, tuple(row.cells) if row.cells else None, row.reason) for row in rows), key=str
    )


def at_once(path: Path) -> Rows:
    table = CsvColumns.at(path)
    names = [name for name, _ in table.fields][2:]
    rows = [row for batch in table.batches() for row in batch.to_pylist()]
    found: Rows = []
    for row in rows:
        cells = None if row["reason"] is not None else tuple(row[name] for name in names)
        found.append((row["line"], cells, row["reason"]))
    return sorted(found, key=str)


CASES = {
    "plain": HEAD + ROW + ROW.rstrip(),
    "CRLF": (HEAD + ROW * 2).replace(b"\n", b"\r\n"),
    "CRLF without its last": (HEAD + ROW).replace(b"\n", b"\r\n")[:-1],
    "a return in a cell": HEAD + b"a\rb,c,d,e,f\n" + ROW,
    "blank lines": b"\n \n" + HEAD + b"\n" + ROW + b"  \n\t\n" + ROW + b"\n\n",
    "cells of blanks": HEAD + b" , , , , \n,,,,\n,,,,,\n" + ROW,
    "other widths": HEAD + ROW + ROW.rstrip() + b",x\na\n" + ROW,
    "the header again": HEAD + ROW + HEAD + ROW + HEAD.replace(b",", b" , ") + ROW,
    "another header": HEAD + ROW + b"x,y\n" + HEAD.rstrip() + b",more\n" + ROW + b"z\n",
    "a name in a cell": b"a,b,c\n1,2,3\na,2,3\n b ,2,3\nb,a,9\n",
    "marks": MARK + HEAD + ROW + MARK + HEAD + MARK + ROW,
    "a quote": HEAD + ROW + b'2026,"x\ny",r,1,1\n' + ROW,
    "a quote within": HEAD + b'2026,5" tv,r,1,1\n' + ROW,
    "a quoted header": HEAD.replace(b"feature", b'"fea\nture"') + ROW,
    "an open quote": HEAD + ROW + b'2026,"open,r,1,1\n' + ROW,
    "no text": HEAD + ROW + b"2026,\xfc,r,1,1\n" + ROW,
    "a zero": HEAD + b"2026,a\0b,r,1,1\n" + ROW,
    "a quote in a comment": b'# a,"b\n' + HEAD + ROW + b'2026,"x",r,1,1\n',
    "a separator": b"sep=;\n" + (HEAD + ROW).replace(b",", b";") + b"1;2\n",
    "odd blanks": HEAD + b"\xc2\xa0\n\x0c\n\x1c\n2026,a\xe2\x80\xa8b\x0b,r,1,1\n" + ROW,
    "one column": b"a\n1\n \n2",
    "a header alone": HEAD,
    "several chunks": HEAD
    + ROW.replace(b"a", b"x" * 999) * (CHUNK // 1000)
    + b"short\n"
    + ROW * 2000
    + b'2026,"x",r,1,1\n'
    + ROW * 2000,
}


@pytest.mark.parametrize("case", CASES)
def test_lines_at_once_are_the_rows_of_the_library_s_reader(tmp_path: Path, case: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(CASES[case])
    assert at_once(path) == row_by_row(path)
    assert case == "a header alone" or at_once(path)


def test_a_cut_file_has_the_rows_before_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    rows = b"".join(b"2026,%032x,r,1,1\n" % (number * 7**40) for number in range(3000))
    path.write_bytes(gzip.compress(HEAD + rows)[:-500])
    found = at_once(path)
    assert found == row_by_row(path)
    assert [reason for _, _, reason in found if reason] == [
        "the file is cut or damaged from here on"
    ]
    assert len(found) > 100
