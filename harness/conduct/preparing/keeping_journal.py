"""`journal`: the upkeep of the file where a workspace's answers live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.journal import upkeep
from harness.journal.upkeep import JournalFacts, Merged
from harness.workspace.state import journal_file


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalKeeper:
    """What can be done with a journal that no review writes to.

    Each raises UsageError where there is no journal, and CannotTellError where the file is none.
    """

    path: Path

    def facts(self) -> JournalFacts:
        """What is in it."""
        return upkeep.show(self.path)

    def problems(self) -> Sequence[str]:
        """What is wrong with it."""
        return upkeep.check(self.path)

    def merge(self, other: Path) -> Merged:
        """Bring in a colleague's journal; what both hold comes once."""
        return upkeep.merge(self.path, other)

    def compact(self) -> tuple[int, int]:
        """Give back unused space; bytes before and after."""
        return upkeep.compact(self.path)

    def export(self, out: Path, *, answers: bool = False) -> int:
        """Write every attempt as a row of a Parquet file; returns how many."""
        return upkeep.export(self.path, out, answers=answers)


def journal(root: Path) -> JournalKeeper:
    """The journal of the workspace in `root`; nothing is opened yet."""
    return JournalKeeper(path=journal_file(root))
