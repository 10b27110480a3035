"""Files to rows with their place: text lines, tables, compressed or cut, without holding a file.

A row is (line, JSON text); a place that cannot be read is (line, reason).
"""

from __future__ import annotations

import bz2
import codecs
import csv
import importlib
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from harness.bring.logs.rows.scrapes import is_scrape, used_by_hour
from harness.bring.logs.rows.unwrapping import enveloped
from harness.errors import UsageError

BLOCK = 1 << 20
CHUNK = 8 << 20
"""Bytes of lines that are read at once."""
LONGEST = 64 << 20
"""Most bytes of a line; a longer one is refused."""
_WHOLE = 512 << 20
_HEADS = 20
"""Lines by which a file is told to be of JSON: the first of them may be damaged."""
FROM_HERE = "from here on"
"""Words of a reason that holds for all later rows of the file as well."""
_CUT = f"the file is cut or damaged {FROM_HERE}"
_TOO_LONG = f"a line of more than {LONGEST >> 20} MB: nothing is read {FROM_HERE}"
_NOT_UTF8 = "not UTF-8 text"
_SEPARATOR = re.compile(rb"sep=([,;\t|])", re.IGNORECASE)
OTHER_HEADER = f"another header: its columns are others {FROM_HERE}"


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a file: its JSON text, or why it has none."""

    line: int
    text: str | None
    reason: str | None = None


Places: TypeAlias = "Iterator[Place]"
Shape: TypeAlias = Literal["lines", "table", "document", "scrapes"]


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Zstandard:
    """The library's unpacker, loaded for files that need it: the base install lacks it."""

    def __init__(self) -> None:
        self._library: Any = importlib.import_module("zstandard")
        self._inner: Any = self._library.ZstdDecompressor().decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, /) -> bytes:
        try:
            return bytes(self._inner.decompress(data))
        except self._library.ZstdError:
            raise EOFError from None


_PACKED: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x28\xb5\x2f\xfd", _Zstandard),
)
_DAMAGED = (zlib.error, OSError, EOFError, lzma.LZMAError)


class CutFileError(Exception):
    """A compressed file ends, or is damaged, before its end."""


def blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes, unpacked if it is packed (gzip, bzip2, xz, zstandard).

    Raises:
        UsageError: it cannot be opened.
        CutFileError: it is damaged; what stands before was given.
    """
    try:
        handle = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    with handle:
        first = handle.read(BLOCK)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UsageError(f"{path}: UTF-16 text; save it as UTF-8")
        if first.startswith(b"PK\x03\x04"):
            raise UsageError(f"{path}: an archive; unpack it, or save the workbook in it as CSV")
        make = next((made for mark, made in _PACKED if first.startswith(mark)), None)
        raw = chain([first], iter(lambda: handle.read(BLOCK), b""))
        yield from raw if make is None else _unpacked(raw, make)


def _unpacked(raw: Iterator[bytes], make: Callable[[], _Unpacker]) -> Iterator[bytes]:
    unpacker = make()
    for block in raw:
        left = block
        while left:
            if unpacker.eof:
                left = left.lstrip(b"\0")
                if not left:
                    break
                unpacker = make()
            try:
                yield unpacker.decompress(left)
            except _DAMAGED:
                raise CutFileError from None
            left = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise CutFileError


def text_lines(path: Path) -> Places:
    """The lines of a text file, from 1 on; empty ones are no rows."""
    for number, line in enumerate(_lines(path), start=1):
        if isinstance(line, Place):
            yield Place(number, None, line.reason)
        elif line.strip():
            yield _decoded(number, line)


def text_chunks(path: Path) -> Iterator[bytes | str]:
    """Whole lines of a text file, many at once; at last, if any, why nothing more is read."""
    parts, size = list[bytes](), 0
    try:
        for block in blocks(path):
            end = block.rfind(b"\n")
            size += len(block)
            if end >= 0 and size >= CHUNK:
                yield b"".join((*parts, block[:end]))
                parts = [block[end + 1 :]]
                size = len(parts[0])
                continue
            parts.append(block)
            if size > LONGEST and not any(b"\n" in part for part in parts):
                yield _TOO_LONG
                return
    except CutFileError:
        whole, end, _ = b"".join(parts).rpartition(b"\n")
        if end:
            yield whole
        yield _CUT
        return
    yield b"".join(parts)


def numbered(lines: Iterable[bytes], first: int) -> Places:
    """Lines as rows, from a number on; empty ones are none."""
    for number, line in enumerate(lines, start=first):
        if line.strip():
            yield _decoded(number, line)


def _decoded(number: int, line: bytes) -> Place:
    try:
        return Place(number, line.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError:
        return Place(number, None, _NOT_UTF8)


def _lines(path: Path) -> Iterator[bytes | Place]:
    rest = b""
    try:
        for block in blocks(path):
            whole = rest + block
            *found, rest = whole.split(b"\n")
            yield from found
            if len(rest) > LONGEST:
                yield Place(0, None, _TOO_LONG)
                return
    except CutFileError:
        yield Place(0, None, _CUT)
        return
    yield rest


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row of a table, or why it has none."""

    line: int
    cells: Sequence[str] | None
    reason: str | None = None


def table_cells(path: Path) -> Iterator[CsvRow]:
    """The rows of a CSV, the header first, each with the line on which it begins."""
    before, delimiter = head_of(path)
    return cells_in(text_chunks(path), delimiter, 0, (), skipped=before)


def cells_in(
    chunks: Iterator[bytes | str],
    delimiter: str,
    before: int,
    header: Sequence[str],
    skipped: int = 0,
) -> Iterator[CsvRow]:
    """The rows of lines of a CSV that begin after so many; without a header their first is it."""
    csv.field_size_limit(LONGEST)
    text = _csv_text(chunks)
    before += len([*islice(text, skipped)])
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    begun, names = before + 1, {*header}
    try:
        for cells in reader:
            if cells and len(cells) == len(header) and cells[0].strip() not in names:
                yield CsvRow(begun, cells)
            elif any(cell.strip() for cell in cells):
                row = odd_row(begun, cells, header)
                yield row
                if row.reason == OTHER_HEADER:
                    return
                header = header or [*(row.cells or ())]
                names = names or {*header}
            begun = before + reader.line_num + 1
    except csv.Error as error:
        yield CsvRow(begun, None, f"no CSV {FROM_HERE}: {error}")
    except UnicodeDecodeError:
        yield CsvRow(begun, None, f"{_NOT_UTF8} {FROM_HERE}")
    except CutFileError as error:
        yield CsvRow(begun, None, str(error))


def odd_row(line: int, cells: Sequence[str], header: Sequence[str]) -> CsvRow:
    """The header, a row like it, or one of another width; an empty reason: the header again."""
    named = [cell.strip() for cell in cells]
    if not header:
        return CsvRow(line, named)
    if named == header:
        return CsvRow(line, None, "")
    if 2 * len({*named} & {*header}) > len(header):
        return CsvRow(line, None, OTHER_HEADER)
    if len(cells) == len(header):
        return CsvRow(line, cells)
    return CsvRow(line, None, f"{len(cells)} cells where the header has {len(header)}")


def table_rows(path: Path) -> Places:
    """The rows of a CSV with a header, as JSON."""
    found = table_cells(path)
    header = next(found, CsvRow(1, None)).cells or ()
    for row in found:
        if row.cells is None:
            yield Place(row.line, None, row.reason)
        else:
            text = json.dumps(dict(zip(header, row.cells, strict=True)), ensure_ascii=False)
            yield Place(row.line, text)


def _csv_text(chunks: Iterator[bytes | str]) -> Iterator[str]:
    """Lines with their ends, as the CSV reader wants them for cells of several lines."""
    for chunk in chunks:
        if isinstance(chunk, str):
            raise CutFileError(chunk)
        for line in chunk.split(b"\n"):
            yield line.removeprefix(codecs.BOM_UTF8).decode() + "\n"


def head_of(path: Path) -> tuple[int, str]:
    """Lines before the header (comments, and Excel's `sep=;`), and what parts its cells.

    Else that is what the header has most of: comma, semicolon, tab or bar.
    """
    for number, line in enumerate(_lines(path)):
        text = b"" if isinstance(line, Place) else line.removeprefix(codecs.BOM_UTF8).strip()
        said = _SEPARATOR.fullmatch(text)
        if said is not None:
            return number + 1, said[1].decode()
        if isinstance(line, Place) or (text and not text.startswith(b"#")):
            return number, max((b",", b";", b"\t", b"|"), key=text.count).decode()
    return 0, ","


def documents(path: Path) -> Places:
    """The items of one JSON document: a list's, or the document alone.

    Raises:
        UsageError: it is no JSON, or too large to be read whole.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for block in blocks(path):
            parts.append(block)
            size += len(block)
            if size > _WHOLE:
                raise UsageError(f"{path}: one JSON document of more than 512 MB; write JSON Lines")
        found = json.loads(b"".join(parts).decode("utf-8-sig"))
    except CutFileError:
        raise UsageError(f"{path}: {_CUT}; one JSON document cannot be read in part") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: neither JSON Lines nor one JSON document ({error})") from None
    for number, item in enumerate(enveloped(found), start=1):
        yield Place(number, json.dumps(item))


def places(path: Path) -> Places:
    """The rows of a file of text: JSON Lines, one JSON document, or a CSV."""
    return rows_in(shape_of(path), path)


def rows_in(shape: Shape, path: Path) -> Places:
    """The rows of a file of text of a known shape."""
    readers = {
        "lines": text_lines,
        "table": table_rows,
        "document": documents,
        "scrapes": _scraped,
    }
    return readers[shape](path)


def _scraped(path: Path) -> Places:
    """What was used in each hour, of a server's counters."""
    whole = (place for place in text_lines(path) if place.text is not None)
    texts = ((place.line, place.text or "") for place in whole)
    for line, row, reason in used_by_hour(texts):
        yield Place(line, None if row is None else json.dumps(row), reason)


def shape_of(path: Path) -> Shape:
    """Whether a file of text is JSON Lines, a CSV, one JSON document, or a server's metrics."""
    heads = [place.text.strip() for place in islice(text_lines(path), _HEADS) if place.text]
    if heads and _opens_a_list(heads[0]):
        return "document"
    if len(heads) == 1 and len([*enveloped(_parsed(heads[0]))]) > 1:
        return "document"
    if any(map(is_scrape, heads)):
        return "scrapes"
    if not heads or any(isinstance(_parsed(head), dict) for head in heads):
        return "lines"
    return "document" if heads[0].startswith(("{", "[")) else "table"


def _opens_a_list(head: str) -> bool:
    """Whether a list of JSON begins here whose items stand on lines of their own."""
    return head == "[" or (head.startswith("[") and head.endswith(",") and _parsed(head) is None)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
