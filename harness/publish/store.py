"""Records on disk: `reviews/<cycle>/records/<feature>.json`, and versions beside it.

A record that carries a human decision is never overwritten: a new finding becomes the next
version, `<feature>.v2.json`. A finding that has not changed keeps the bytes of its file.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.errors import Faults, UsageError
from harness.record.codes import State
from harness.record.model import dump, seal
from harness.record.stored import (
    FILE,
    LONGEST_ID,
    all_versions,
    newest_versions,
    read_past,
    read_record,
    read_records,
    read_sound,
    record_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.record.model import DecisionRecord

__all__ = [
    "Change",
    "Stored",
    "all_versions",
    "carries_decision",
    "file_name",
    "newest_versions",
    "read_past",
    "read_record",
    "read_records",
    "read_sound",
    "record_file",
    "replace_text",
    "write_records",
]

Change: TypeAlias = Literal["new", "changed", "unchanged", "next version"]

_FEATURE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_ID - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record, where it lies, and what writing it did."""

    record: DecisionRecord
    path: Path
    change: Change


def file_name(feature: str) -> str:
    """The name that a feature's files carry; refuses whatever could leave the folder."""
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

    `faults` keep one that cannot be written from the others.
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
    """Whether a human has moved it."""
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
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
