"""What changed since the last review, before anything is spent: where a new look is worth most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from harness.conduct.finding.record_facts import Context
from harness.conduct.finding.records import write_record
from harness.errors import Faults
from harness.plan.model import FeaturePlan, Plan
from harness.record.base import Reason
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.record.stored import read_past, read_sound
from harness.tell.portfolio.next_quarter import Since, since_last
from harness.wording import usd
from harness.workspace.workspace import Workspace


def since_lines(workspace: Workspace, plan: Plan, reviews: Path, now: datetime) -> Iterator[str]:
    """One line a feature whose facts changed or whose evidence ended; dearest first."""
    past = read_past(reviews / plan.cycle)
    newest = {one.feature.id: one for one in sorted(past, key=lambda one: one.cycle)}
    if not newest:
        return
    planned = [
        write_record(_unasked(one), None, _context(workspace, one, newest.get(one.feature), now))
        for one in plan.features
    ]
    known = {record.feature.id for record in planned}
    found = since_last([one for one in past if one.feature.id in known], planned, now.date())
    lines = list(_lines(found, newest, now))
    if lines:
        yield "Since the last review, by what a new look may be worth a month:"
        yield from lines


def cannot_tell_lines(plan: Plan, reviews: Path) -> Iterator[str]:
    """Features that are asked again on cases of which a review found that they cannot tell."""
    written = [*read_past(reviews / plan.cycle), *read_sound(reviews / plan.cycle, Faults())]
    newest = {one.feature.id: one for one in sorted(written, key=lambda one: one.cycle)}
    for one in plan.to_ask:
        record = newest.get(one.feature)
        if record is None or Reason.EVALSET_CANNOT_TELL not in record.reason_codes:
            continue
        if record.evidence.eval_set.inputs_sha256 == one.sample.inputs_sha256:
            yield (
                f"      {one.feature}: on these cases the review of {record.cycle} found that "
                "they cannot tell a good model from none; mend the eval set first"
            )


def _unasked(plan: FeaturePlan) -> FeaturePlan:
    """Nothing of it was asked yet: every option is open."""
    return replace(plan, reasons=plan.reasons or (Reason.QUALITY_UNDECIDED,))


def _lines(
    found: Sequence[Since], newest: Mapping[str, DecisionRecord], now: datetime
) -> Iterator[str]:
    changed = {item.record.feature.id: item for item in found}
    ended = {name: one for name, one in newest.items() if ends_on(one) < now.date()}
    for name, item in changed.items():
        worth = "not known" if item.worth is None else f"at most {usd(item.worth)}"
        stale = [_stale(ended[name])] if name in ended else []
        yield f"    {name}: {worth}; {'; '.join([*item.changes, *stale])}"
    for name, one in ended.items():
        if name not in changed:
            yield f"    {name}: {_stale(one)}"


def _stale(record: DecisionRecord) -> str:
    return f"the evidence of {record.cycle} ended on {ends_on(record):%Y-%m-%d}"


def _context(
    workspace: Workspace, plan: FeaturePlan, before: DecisionRecord | None, now: datetime
) -> Context:
    """What a record of the plan alone needs; an eval set that was used is used once more."""
    policy = workspace.policy
    used = before.evidence.eval_set if before is not None else None
    same = used is not None and used.inputs_sha256 == plan.sample.inputs_sha256
    return Context(
        cycle=plan.cycle,
        now=now,
        minimum_saving_usd=policy.minimum_saving_usd,
        policy_sha256=workspace.policy_sha256,
        decide_within_days=policy.decide_within_days,
        evidence_days=policy.expires_days.evidence,
        justify_days=policy.expires_days.justify,
        price_days=policy.expires_days.prices,
        runs=(),
        times_used=used.times_used + 1 if used is not None and same else 1,
        exploratory=(),
    )
