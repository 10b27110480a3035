"""Which plan a feature's reviews of a cycle are held to, and what of it was changed since.

A plan binds when answers came under it, or stood in the journal when it was written: what is tuned
after that is tuned after seeing. A plan of a review that was refused, or that nobody answered,
binds nobody and is no use of the eval set. Whoever goes back to the plan that binds decides again.
"""

from __future__ import annotations

import json
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from harness.plan.adopting import adopt
from harness.replay.journal import Answering
from harness.review.changes import changes
from harness.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan.model import FeaturePlan
    from harness.replay.journal import Journal, PlanRow


def binding(journal: Journal, feature: str, cycle: str) -> tuple[PlanRow, ...]:
    """The plans of a cycle that bind, oldest first; the first is the one that counts."""
    rows = journal.plans(feature, cycle)
    return _answered(rows, journal.answering(feature) if rows else ())


def begun(plan: FeaturePlan, journal: Journal) -> FeaturePlan:
    """The plan with the weights of a test that has begun already."""
    rows = binding(journal, plan.feature, plan.cycle)
    return adopt(plan, rows[0].plan) if rows else plan


def changed(plan: FeaturePlan, journal: Journal) -> str | None:
    """Why a review by this plan decides nothing in its cycle; None when it may."""
    rows = binding(journal, plan.feature, plan.cycle)
    if not plan.plan_sha256 or not rows or rows[0].sha256 == plan.plan_sha256:
        return None
    found = listed(changes(json.loads(rows[0].plan), json.loads(plan.plan_json)))
    return (
        f"changed after answers existed: {found}. To decide {plan.cycle}, put that back and review "
        "again; or let the change count from the next cycle on"
    )


def times_used(journal: Journal, plan: FeaturePlan) -> int:
    """Tests made on these inputs, this one included: one for each cycle and distinct plan."""
    answering = journal.answering(plan.feature)
    used = {
        (row.cycle, row.sha256)
        for row in _answered_by_cycle(journal.all_plans(plan.feature), answering)
        if json.loads(row.plan).get("inputs") == plan.sample.inputs_sha256
    }
    if plan.plan_sha256 and answering:
        used.add((plan.cycle, plan.plan_sha256))
    return len(used)


def _answered_by_cycle(
    rows: Sequence[PlanRow], answering: Sequence[Answering]
) -> tuple[PlanRow, ...]:
    by_cycle = groupby(sorted(rows, key=lambda row: row.cycle), key=lambda row: row.cycle)
    return tuple(row for _, group in by_cycle for row in _answered(list(group), answering))


def _answered(rows: Sequence[PlanRow], answering: Sequence[Answering]) -> tuple[PlanRow, ...]:
    """Those of one cycle's plans under which, or before which, answers came."""
    return tuple(
        row
        for row, end in zip_longest(rows, [_began(row) for row in rows[1:]])
        if any(
            run < _began(row) or (run.cycle == row.cycle and (end is None or run < end))
            for run in answering
        )
    )


def _began(row: PlanRow) -> Answering:
    return Answering(started_at=row.written_at, run_id=row.run_id, cycle=row.cycle)
