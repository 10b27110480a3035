"""How many labels a plan waits for, counted in the workspace's journal where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.running import STATE
from harness.labelling.counting import counted
from harness.replay.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import Plan


def with_counted_labels(plan: Plan, root: Path) -> Plan:
    """The plan, its expected labels counted as far as answers are known."""
    path = root / STATE / "journal.sqlite"
    if not path.is_file():
        return plan
    with Journal.read(path) as journal:
        return counted(plan, journal)
