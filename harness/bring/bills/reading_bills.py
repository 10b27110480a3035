"""Files of a bill, in whichever form: each charge once, and whose it is."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from harness.bring.bills.focus_rows import MARKS, BadRowError, Row, Unplaced, focus_charge
from harness.bring.bills.vendor_pages import is_page, page_charges, read_page
from harness.bring.logs.attributing import Attribution, Placeable
from harness.bring.logs.rows.lines import CutFileError, Place, blocks, table_rows
from harness.errors import Problem, UsageError, WorkspaceError
from harness.money.bill import BillRead, Invoice, Posting

_MOST_PROBLEMS = 20
_BATCH = 10_000
_KNOWN = "FOCUS (CSV, Parquet, JSON Lines), or OpenAI's and Anthropic's usage and cost pages (JSON)"


@dataclass(frozen=True, slots=True)
class _Found:
    """A row of a file, and how such a row is read."""

    line: int
    row: Row
    read: Callable[[Row], Iterator[Unplaced]]
    format: str
    key: str = ""
    """What a vendor's answer is about; empty: a charge, known by all that it says."""


def read_charges(paths: tuple[Path, ...], rules: Attribution) -> Invoice:
    """The charges of some files.

    A file with the same content counts once, and so does a row that several files have. Of a
    vendor's answers about the same day and group the largest counts: a day that was not over when
    it was asked about has a smaller amount.

    Raises:
        UsageError: a file that cannot be read, or is no bill that is known.
        WorkspaceError: rows that cannot be read, each by its line and key: none is left out.
    """
    reading = _Reading(rules)
    for path in paths:
        reading.add(path)
    if reading.problems:
        raise WorkspaceError(reading.problems)
    lines = tuple(line for charged in reading.charged for line in charged)
    return Invoice(lines=lines, files=tuple(reading.files))


class _Reading:
    """What was read so far."""

    def __init__(self, rules: Attribution) -> None:
        self._rules = rules
        self._seen: Counter[str] = Counter()
        self._answers: dict[str, list[Posting]] = {}
        self._sellers: dict[tuple[str, str], str] = {}
        self.charged: list[list[Posting]] = []
        self.files: list[BillRead] = []
        self.problems: list[Problem] = []

    def add(self, path: Path) -> None:
        digest = _sha256(path)
        if any(file.sha256 == digest for file in self.files):
            return
        own: Counter[str] = Counter()
        again = otherwise = 0
        forms: dict[str, None] = {}
        for found in _rows(path, self.problems):
            forms[found.format] = None
            key = found.key or _key(found.row)
            own[key] += 1
            if not found.key and own[key] <= self._seen[key]:
                again += 1
                continue
            lines = self._lines(found, path)
            earlier = self._answers.setdefault(key, lines) if found.key else lines
            if earlier is lines:
                self.charged.append(lines)
            elif earlier == lines:
                again += 1
            else:
                otherwise += 1
                earlier[:] = max(earlier, lines, key=_size)
        if not forms and not self.problems:
            raise UsageError(f"{path}: no rows; read are {_KNOWN}")
        self._seen |= own
        read = BillRead(
            file=path.name,
            sha256=digest,
            format="+".join(forms) or "no rows",
            rows=own.total(),
            told_again=again,
            told_otherwise=otherwise,
        )
        self.files.append(read)

    def _lines(self, found: _Found, path: Path) -> list[Posting]:
        try:
            lines = [_placed(charge, found.format, self._rules) for charge in found.read(found.row)]
        except BadRowError as error:
            self.problems.append(_problem(path, found.line, error.key, error.why))
            if len(self.problems) >= _MOST_PROBLEMS:
                raise WorkspaceError(self.problems) from None
            return []
        _billed_once(lines, found.format, self._sellers, path)
        return lines


def _size(lines: list[Posting]) -> tuple[Decimal, Decimal, int]:
    """USD, tokens and requests: of a credit, too, the larger one is the later."""
    return (
        sum((abs(line.cost_usd or Decimal(0)) for line in lines), Decimal(0)),
        sum((line.tokens or Decimal(0) for line in lines), Decimal(0)),
        sum(line.requests or 0 for line in lines),
    )


def _problem(path: Path, line: int, key: str, why: str) -> Problem:
    return Problem(file=str(path), line=line, key=key, message=why)


def _key(row: Row) -> str:
    """Tells rows apart by all that they say."""
    return hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()


def _billed_once(
    lines: list[Posting], form: str, sellers: dict[tuple[str, str], str], path: Path
) -> None:
    """Refuse a model's month that two kinds of bills charge: each would count."""
    for line in lines:
        if line.cost_usd is None or not line.model:
            continue
        first = sellers.setdefault((line.month, line.model), form)
        if first != form:
            raise UsageError(
                f"{path}: {line.model} of {line.month} is charged in a bill of {first}, and in "
                f"this one of {form}: give one of them, or it counts twice"
            )


def _placed(charge: Unplaced, form: str, rules: Attribution) -> Posting:
    whose = rules.place(
        Placeable(
            tags=charge.tags,
            caller=charge.line.caller,
            model=charge.line.model,
            environment=charge.environment,
        )
    )
    seller = f"{form} of {charge.line.seller}" if charge.line.seller else form
    return replace(charge.line, feature=whose.get("feature", ""), seller=seller)


def _rows(path: Path, problems: list[Problem]) -> Iterator[_Found]:
    head = _head(path)
    if head.startswith(b"PAR1"):
        yield from _focus(parquet_rows(path), path)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        yield from _json(path)
    else:
        rows = _unbroken(table_rows(path), path, problems)
        yield from _focus(((place.line, json.loads(place.text or "{}")) for place in rows), path)


def _unbroken(rows: Iterator[Place], path: Path, problems: list[Problem]) -> Iterator[Place]:
    for place in rows:
        if place.text is not None:
            yield place
        elif place.reason:
            problems.append(_problem(path, place.line, "", place.reason))


def _focus(rows: Iterator[tuple[int, Row]], path: Path) -> Iterator[_Found]:
    for number, (line, row) in enumerate(rows):
        absent = [name for name in MARKS if name not in row]
        if number == 0 and absent:
            shown = ", ".join(list(row)[:6])
            raise UsageError(f"{path}: no bill that is known ({shown}); read are {_KNOWN}")
        yield _Found(line, row, _one_focus, "focus")


def _one_focus(row: Row) -> Iterator[Unplaced]:
    yield focus_charge(row)


def _json(path: Path) -> Iterator[_Found]:
    for line, value in _values(path):
        if is_page(value):
            try:
                page = read_page(value)
            except BadRowError as error:
                raise UsageError(f"{path}: line {line}: {error}") from None
            keyed = zip(page.rows, page.keys, strict=True)
            yield from (_Found(line, row, page_charges, page.format, key) for row, key in keyed)
        else:
            inner = cast("list[object]", value) if isinstance(value, list) else [value]
            if not all(isinstance(row, dict) for row in inner):
                raise UsageError(f"{path}: line {line}: no bill that is known; read are {_KNOWN}")
            yield from _focus(((line, cast("Row", row)) for row in inner), path)


def _values(path: Path) -> Iterator[tuple[int, object]]:
    """The values of a file of JSON: one document, one a line, or a list of pages."""
    try:
        text = b"".join(blocks(path)).decode("utf-8-sig")
    except CutFileError:
        raise UsageError(f"{path}: the file is cut or damaged") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None
    try:
        found: object = json.loads(text)
    except ValueError:
        yield from _lines(path, text)
        return
    except RecursionError:
        raise UsageError(f"{path}: JSON that is nested too deeply") from None
    if isinstance(found, list) and found and all(map(is_page, cast("list[object]", found))):
        yield from enumerate(cast("list[object]", found), start=1)
    else:
        yield 1, found


def _lines(path: Path, text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            raise UsageError(f"{path}: line {number}: no JSON") from None


def parquet_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a Parquet file with their numbers, from 1.

    Raises:
        UsageError: it cannot be read.
    """
    library: Any = importlib.import_module("pyarrow.parquet")
    errors: Any = importlib.import_module("pyarrow").ArrowException
    number = 0
    try:
        for batch in library.ParquetFile(path).iter_batches(_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (errors, OSError, ValueError) as error:
        line = str(error).splitlines()[0][:120]
        raise UsageError(f"{path}: cannot be read as Parquet ({line})") from None


def _head(path: Path) -> bytes:
    try:
        return next(blocks(path), b"")[:4096]
    except CutFileError:
        raise UsageError(f"{path}: the file is cut or damaged") from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def is_neutral(path: Path, columns: tuple[str, ...]) -> bool:
    """Whether a file is a CSV with any of some columns, and no bill of another form."""
    try:
        head = _head(path)
    except UsageError:
        return False
    first = head.split(b"\n")[0].decode("utf-8-sig", "replace")
    names = {name.strip().strip('"') for name in first.split(",")}
    return bool(names & set(columns)) and not names & set(MARKS)
