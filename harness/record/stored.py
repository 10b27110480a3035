"""Records on disk: `reviews/<cycle>/records/<feature>.json`, and later versions `.v2.json`.

A record that carries a human decision is never overwritten: a new finding becomes the next
version, `<feature>.v2.json`. A finding that has not changed keeps the bytes of its file.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from pydantic import ValidationError

from evalsets.source import NOT_FETCHED, is_pointer
from harness.errors import Faults, UsageError
from harness.record.base import LONGEST_ID, State
from harness.record.model import (
    DecisionRecord,
    KeyTwiceError,
    as_it_stands,
    dump,
    finding_sha256,
    load,
    seal,
    sha256,
)

FILE = re.compile(r"^(?P<feature>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.v(?P<version>\d+))?\.json$")
_NUMBERED = re.compile(r"\.v\d+$")
_QUARTER = re.compile(r"^\d{4}-Q[1-4]$")
_ADVICE = "take it back from version control, or run the review again"


def record_file(feature: str, version: int = 1) -> str:
    """The name of a record's file: the first has no number, unless the id ends like one.

    >>> record_file("topic"), record_file("topic", 2), record_file("topic.v2")
    ('topic.json', 'topic.v2.json', 'topic.v2.v1.json')
    """
    plain = version == 1 and _NUMBERED.search(feature) is None
    return f"{feature}.json" if plain else f"{feature}.v{version}.json"


def read_records(review: Path) -> tuple[DecisionRecord, ...]:
    """The newest version of each record of a review, by feature.

    Raises:
        UsageError: one line per record that cannot be read.
    """
    faults = Faults()
    found = read_sound(review, faults)
    if faults.found:
        raise UsageError.of([str(fault.error) for fault in faults.found])
    return found


def read_sound(review: Path, faults: Faults) -> tuple[DecisionRecord, ...]:
    """The newest version of each readable record of a review; `faults` collects the others."""
    paths = newest_versions(review / "records")
    doing = "its record could not be read"
    found = [
        faults.attempt(feature, doing, partial(read_record, path))
        for feature, path in paths.items()
    ]
    return tuple(record for record in found if record is not None)


def read_past(review: Path) -> tuple[DecisionRecord, ...]:
    """The newest records of the cycles before a review, from the folders beside its own.

    Only whole quarters count (`2026-Q3`): a quick or exploratory cycle has a longer name.
    """
    cycle = review.resolve().name
    if not _QUARTER.match(cycle) or not review.parent.is_dir():
        return ()
    earlier = sorted(
        folder
        for folder in review.parent.iterdir()
        if _QUARTER.match(folder.name) and folder.name < cycle and folder.is_dir()
    )
    return tuple(record for folder in earlier for record in read_records(folder))


def read_every(reviews: Path) -> tuple[DecisionRecord, ...]:
    """Every version of every record of all quarters under a folder of reviews.

    Raises:
        UsageError: one cannot be read.
    """
    folders = sorted(reviews.iterdir()) if reviews.is_dir() else []
    quarters = [folder for folder in folders if _QUARTER.match(folder.name) and folder.is_dir()]
    paths = (
        path
        for folder in quarters
        for versions in all_versions(folder / "records").values()
        for path in versions
    )
    return tuple(read_record(path) for path in paths)


def read_record(path: Path) -> DecisionRecord:
    """Read one record and check by its hashes that it was not edited by hand.

    Raises:
        UsageError: one line that names the file and what to do.
    """
    try:
        text = read_plain(path).decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a record: no valid JSON text; {_ADVICE}") from None
    record = parse_record(text, shown=str(path))
    named = FILE.match(path.name)
    if named is not None and named["feature"] != record.feature.id:
        raise UsageError(
            f"{path}: holds the record of {record.feature.id}: its name and its feature differ; "
            f"{_ADVICE}"
        )
    return record


def parse_record(text: str, *, shown: str) -> DecisionRecord:
    """A record's text, with both hashes checked over its JSON as it stands.

    Raises:
        UsageError: one line that names the file and what to do.
    """
    if is_pointer(text):
        raise UsageError(f"{shown}: {NOT_FETCHED}")
    try:
        record = load(text)
        raw = cast("dict[str, Any]", as_it_stands(text))
        found, whole = (
            finding_sha256(raw),
            sha256({name: raw[name] for name in raw.keys() - {"etag"}}),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "value_error":
            line = first["msg"].removeprefix("Value error, ")
            message = f"{shown}: its figures do not fit together: {line}; {_ADVICE}"
            raise UsageError(message) from None
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{shown}: not a record: {where}: {first['msg']}; {_ADVICE}") from None
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, KeyTwiceError) else "no valid JSON text"
        raise UsageError(f"{shown}: not a record: {why}; {_ADVICE}") from None
    if whole != record.etag:
        raise UsageError(f"{shown}: was changed by hand (its etag does not match); {_ADVICE}")
    if found != record.finding_sha256:
        raise UsageError(
            f"{shown}: its finding was changed by hand (finding_sha256 does not match); {_ADVICE}"
        )
    return record


def read_plain(path: Path) -> bytes:
    """A plain file's bytes; a pipe, device or folder is refused, so that nothing waits for it.

    Raises:
        OSError: it is not there, no plain file, or cannot be read.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no plain file", str(path))
    return path.read_bytes()


def newest_versions(folder: Path) -> dict[str, Path]:
    """Path of the newest version of each feature's record, by feature."""
    return {feature: paths[-1] for feature, paths in all_versions(folder).items()}


def all_versions(folder: Path) -> dict[str, list[Path]]:
    """Paths of each feature's records, oldest version first, by feature."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        match = FILE.match(path.name)
        if match is not None:
            version = int(match["version"] or 1)
            found.setdefault(match["feature"], []).append((version, path))
    return {feature: [path for _, path in sorted(paths)] for feature, paths in found.items()}


Change: TypeAlias = Literal["new", "changed", "unchanged", "next version"]

_FEATURE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_ID - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record, its path, and whether it was written."""

    record: DecisionRecord
    path: Path
    change: Change


def file_name(feature: str) -> str:
    """The name of a feature's files; refuses one that could leave the folder."""
    if not _FEATURE.fullmatch(feature):
        shown = feature[:40]
        raise UsageError(
            f"feature id {shown!r} cannot name a file; use letters, digits, dots and hyphens, "
            f"at most {LONGEST_ID}"
        )
    return feature


def write_records(
    records: Iterable[DecisionRecord], review: Path, faults: Faults | None = None
) -> tuple[Stored, ...]:
    """Write the records of a review under `review`/records.

    `faults` collects those that cannot be written, so that the others are.
    """
    folder = review / "records"
    folder.mkdir(parents=True, exist_ok=True)
    faults = faults or Faults(contains=False)
    doing = "its record could not be written"
    stored = [
        faults.attempt(record.feature.id, doing, partial(_write, record, folder))
        for record in records
    ]
    return tuple(each for each in stored if each is not None)


def carries_decision(record: DecisionRecord) -> bool:
    """Whether a human has moved the decision."""
    return record.state is not State.PROPOSED or any(
        entry.by_source != "machine" for entry in record.history
    )


def _write(record: DecisionRecord, folder: Path) -> Stored:
    sealed, name = seal(record), file_name(record.feature.id)
    versions = all_versions(folder).get(name, [])
    if not versions:
        path = folder / record_file(name)
        return _put(sealed, path, "new")
    newest = versions[-1]
    before = read_record(newest)
    if before.finding_sha256 == sealed.finding_sha256:
        return Stored(record=before, path=newest, change="unchanged")
    if not carries_decision(before):
        return _put(sealed, newest, "changed")
    match = FILE.match(newest.name)
    version = int((match and match["version"]) or 1) + 1
    return _put(sealed, folder / record_file(name, version), "next version")


def _put(record: DecisionRecord, path: Path, change: Change) -> Stored:
    replace_text(path, dump(record))
    return Stored(record=record, path=path, change=change)


def replace_text(path: Path, text: str) -> None:
    """Write a file atomically."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
