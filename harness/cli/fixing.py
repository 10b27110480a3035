"""What a review would fix for the rest of its cycle, or cannot decide any more, said beforehand."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.cli.running import STATE
from harness.replay.journal import Journal
from harness.review.binding import begun, binding, changed
from harness.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.plan.model import FeaturePlan, Plan


def fixing_lines(plan: Plan, root: Path) -> Iterator[str]:
    """A line per feature that this review would confine, or whose plan was changed too late."""
    path = root / STATE / "journal.sqlite"
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.read(path)) if path.is_file() else None
        for one in plan.to_ask:
            late = None if journal is None else changed(begun(one, journal), journal)
            if late is not None:
                yield f"      {one.feature}: EXPLORATORY, to show and not to decide: {late}"
            elif one.left_out and not (journal and binding(journal, one.feature, one.cycle)):
                yield _confined(one)


def _confined(plan: FeaturePlan) -> str:
    asked = listed([option.rung.option for option in plan.asked])
    left = listed(plan.left_out)
    return (
        f"      {plan.feature}: with its first answer this review fixes the options of "
        f"{plan.cycle}: {asked}, without {left}; a later review of {plan.cycle} that adds "
        f"{'it' if len(plan.left_out) == 1 else 'them'} could only show. "
        "Leave --model out to decide on all of them"
    )
