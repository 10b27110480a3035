"""Which format a file has: the first whose fields are all there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from harness.bring.logs.formats import FORMATS
from harness.bring.logs.log_format import LogFormat, Paths
from harness.bring.logs.rows.batches import first_rows, is_parquet, taken_out
from harness.bring.logs.rows.lines import places
from harness.bring.logs.sql import columns
from harness.errors import UsageError


def find_format(path: Path) -> LogFormat:
    """The format of a file.

    Raises:
        UsageError: none that we know, or it cannot be read.
    """
    rows = first_rows(path)
    for form in FORMATS.values():
        inner = _inner(rows, form)
        if any(all(_there(row, paths) for paths in form.marks) for row in inner):
            return form
    if not rows:
        raise UsageError(f"{path}: {_why_none(path)}")
    objects = [cast("Mapping[str, object]", row) for row in rows if isinstance(row, dict)]
    shown = ", ".join(list(objects[0])[:8] if objects else ()) or "nothing that can be read"
    raise UsageError(
        f"{path}: no format that is known ({shown}); name it with --format ({', '.join(FORMATS)}), "
        "or say which column is what with --mapping FILE"
    )


def _why_none(path: Path) -> str:
    """Why no row of a file can be read: what is said of the first that has anything."""
    found = None if is_parquet(path) else next(places(path), None)
    if found is None or not found.reason:
        return "no rows that can be read; leave an empty file out"
    return f"no row that can be read (line {found.line}: {found.reason})"


def names_told(path: Path, form: LogFormat) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names that a format reads and a file has, and those of the file that it does not read."""
    picked, _ = columns(form)
    read = {pointer[1:].partition("/")[0] for pointer in picked.pointers}
    rows = [cast("Mapping[str, object]", row) for row in first_rows(path) if isinstance(row, dict)]
    found = dict.fromkeys(name for row in rows for name in row)
    return frozenset(found) & read, tuple(name for name in found if name not in read)


def tells_failures(path: Path, form: LogFormat) -> bool:
    """Whether a file has a field that would say which calls failed."""
    if form.failures or not form.failed_maybe:
        return bool(form.failures or form.failed)
    tested = {where[1:].partition("|")[0].partition("/")[0] for where, _ in form.failed}
    return bool(names_told(path, form)[0] & tested)


def _inner(rows: tuple[object, ...], form: LogFormat) -> tuple[object, ...]:
    """Rows as the marks name them: a log's line, not the event that carries it."""
    return taken_out(rows, form.unwrap) if form.unwrap == "cloudwatch" else rows


def _there(row: object, paths: Paths) -> bool:
    names = (path.removeprefix("/").partition("|")[0].partition("/")[0] for path in paths)
    return isinstance(row, dict) and any(name in row for name in names)
