"""Records on disk: `reviews/<cycle>/records/<feature>.json`, and versions beside it.

A record that carries a human decision is never overwritten: a new finding becomes the next
version, `<feature>.v2.json`. A finding that has not changed keeps the bytes of its file.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import ValidationError

from harness.errors import UsageError
from harness.record.codes import State
from harness.record.model import dump, load, seal, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.record.model import DecisionRecord

Change: TypeAlias = Literal["new", "changed", "unchanged", "next version"]

_FILE = re.compile(r"^(?P<feature>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.v(?P<version>\d+))?\.json$")
_QUARTER = re.compile(r"^\d{4}-Q[1-4]$")
_FEATURE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record, where it lies, and what writing it did."""

    record: DecisionRecord
    path: Path
    change: Change


def file_name(feature: str) -> str:
    """The name that a feature's files carry; refuses whatever could leave the folder."""
    if not _FEATURE.match(feature) or re.search(r"\.v\d+$", feature):
        shown = feature[:40]
        raise UsageError(
            f"feature id {shown!r} cannot name a file; use letters, digits, dots and hyphens"
        )
    return feature


def write_records(records: Iterable[DecisionRecord], review: Path) -> tuple[Stored, ...]:
    """Write the records of a review under `review`/records."""
    folder = review / "records"
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_write(record, folder) for record in records)


def read_records(review: Path) -> tuple[DecisionRecord, ...]:
    """The newest version of each record of a review, by feature.

    Raises:
        UsageError: one line per record that cannot be read.
    """
    paths = newest_versions(review / "records")
    found: list[DecisionRecord] = []
    problems: list[str] = []
    for path in paths.values():
        try:
            found.append(read_record(path))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))
    return tuple(found)


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


def read_record(path: Path) -> DecisionRecord:
    """Read one record and check that nobody edited it by hand.

    Raises:
        UsageError: one line that names the file and what to do.
    """
    advice = "take it back from version control, or run the review again"
    try:
        text = path.read_text(encoding="utf-8")
        record = load(text)
        raw: dict[str, Any] = json.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: not a record: {where}: {first['msg']}; {advice}") from None
    except ValueError:
        raise UsageError(f"{path}: not a record: no valid JSON text; {advice}") from None
    if sha256({key: value for key, value in raw.items() if key != "etag"}) != record.etag:
        raise UsageError(f"{path}: was changed by hand (its etag does not match); {advice}")
    return record


def newest_versions(folder: Path) -> dict[str, Path]:
    """Path of the newest version of each feature's record, by feature."""
    return {feature: paths[-1] for feature, paths in all_versions(folder).items()}


def all_versions(folder: Path) -> dict[str, list[Path]]:
    """Paths of each feature's records, oldest version first, by feature."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        match = _FILE.match(path.name)
        if match is not None:
            version = int(match["version"] or 1)
            found.setdefault(match["feature"], []).append((version, path))
    return {feature: [path for _, path in sorted(paths)] for feature, paths in found.items()}


def carries_decision(record: DecisionRecord) -> bool:
    """Whether a human has moved it."""
    return record.state is not State.PROPOSED or any(
        entry.by_source != "machine" for entry in record.history
    )


def _write(record: DecisionRecord, folder: Path) -> Stored:
    sealed, name = seal(record), file_name(record.feature.id)
    versions = all_versions(folder).get(name, [])
    if not versions:
        path = folder / f"{name}.json"
        return _put(sealed, path, "new")
    newest = versions[-1]
    before = read_record(newest)
    if before.finding_sha256 == sealed.finding_sha256:
        return Stored(record=before, path=newest, change="unchanged")
    if not carries_decision(before):
        return _put(sealed, newest, "changed")
    match = _FILE.match(newest.name)
    version = int((match and match["version"]) or 1) + 1
    return _put(sealed, folder / f"{name}.v{version}.json", "next version")


def _put(record: DecisionRecord, path: Path, change: Change) -> Stored:
    replace_text(path, dump(record))
    return Stored(record=record, path=path, change=change)


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
