"""A review that was made, as the jobs after it find it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.conduct.opening import cycle_of
from harness.errors import UsageError
from harness.record.model import DecisionRecord
from harness.record.stored import read_records


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReview:
    """Whose review, of which cycle, and which of its features are wanted."""

    root: Path
    """Folder of the workspace."""
    cycle: str | None = None
    """As 2026-Q4; the current quarter without."""
    out: Path | None = None
    """Where its records and documents lie; `reviews/` in the workspace without."""
    features: tuple[str, ...] = ()
    """All of them without."""

    def folder(self, on: date) -> Path:
        """Where the cycle's records and documents lie.

        Raises:
            UsageError: the cycle is not of the form 2026-Q4.
        """
        return (self.out or self.root / "reviews") / cycle_of(self.cycle, on)

    def records(self, on: date) -> tuple[DecisionRecord, ...]:
        """The newest records of the wanted features.

        Raises:
            UsageError: there are none, one that is named is not there, or one cannot be read.
        """
        folder = self.folder(on)
        records = read_records(folder)
        if not records:
            raise UsageError(f"{folder}: no records here; `rightsize review` writes them")
        known = {record.feature.id for record in records}
        for name in self.features:
            if name not in known:
                raise UsageError(f"--feature {name}: no record in {folder}")
        return tuple(one for one in records if not self.features or one.feature.id in self.features)
