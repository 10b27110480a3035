"""The records that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.publish.store import read_records

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord


def wanted_records(folder: Path, features: tuple[str, ...]) -> tuple[DecisionRecord, ...]:
    """The newest records of a cycle's folder; of some features only, where any are named.

    Raises:
        UsageError: there are none, or one that is named is not there.
    """
    records = read_records(folder)
    if not records:
        raise UsageError(f"{folder}: no records here; `rightsize review` writes them")
    known = {record.feature.id for record in records}
    for name in features:
        if name not in known:
            raise UsageError(f"--feature {name}: no record in {folder}")
    return tuple(one for one in records if not features or one.feature.id in features)
