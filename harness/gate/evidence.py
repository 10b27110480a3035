"""Whether a record is valid evidence for a change: fresh, comparable, and made as planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from harness.gate.findings import Cause, Outcome
from harness.gate.inputs import GateInput, ProductionSettings, Proposed, RepricedRecord, names_of
from harness.record.base import Reason, State
from harness.record.lifecycle import ends_on
from harness.record.lock import LockEntry
from harness.record.model import DecisionRecord
from harness.record.parts import Target

SKEW = timedelta(minutes=10)
"""Tolerance for a record dated after now: clocks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One reason why a record is no valid evidence."""

    code: Cause
    message: str
    outcome: Outcome = Outcome.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAndProposed:
    """One feature's change: what is locked, what is proposed."""

    entry: LockEntry
    proposed: Proposed
    asked: ProductionSettings


def newest(given: GateInput, feature: str) -> tuple[RepricedRecord, ...]:
    """A feature's records, newest first, without superseded ones."""
    mine = (
        one
        for one in given.evidence or ()
        if one.record.feature.id == feature and one.record.state is not State.SUPERSEDED
    )
    return tuple(sorted(mine, key=lambda one: one.record.generated_at, reverse=True))


def doubts(
    given: GateInput, case: LockedAndProposed, evidence: RepricedRecord, target: Target
) -> tuple[Doubt, ...]:
    """Every reason why this record is no valid evidence for asking `target`."""
    record = evidence.record
    found = [
        *_age(given, record),
        *_standing(record),
        *_same_set(case, record),
        *_same_asking(case, target),
        *_same_bar(given, case, record),
        *_as_planned(given, evidence, target),
    ]
    return tuple(found)


def _age(given: GateInput, record: DecisionRecord) -> Iterator[Doubt]:
    if record.generated_at > given.now + SKEW:
        yield Doubt(
            code=Cause.CLOCK_SKEW,
            message=f"{record.decision_id} is dated {record.generated_at:%Y-%m-%d %H:%M} UTC, "
            f"which is after now ({given.now:%Y-%m-%d %H:%M}): a clock is wrong",
            outcome=Outcome.CANNOT_TELL,
        )
    last = ends_on(record)
    if given.now.date() > last:
        yield Doubt(
            code=Cause.EVIDENCE_STALE, message=f"{record.decision_id} may be relied on until {last}"
        )


def _standing(record: DecisionRecord) -> Iterator[Doubt]:
    if record.evidence.exploratory:
        why = "; ".join(record.evidence.exploratory)
        yield Doubt(
            code=Cause.EVIDENCE_EXPLORATORY, message=f"{record.decision_id} is exploratory: {why}"
        )
    if record.state is State.REJECTED:
        why = record.history[-1].reason if record.history else ""
        yield Doubt(
            code=Cause.REJECTED,
            message=f"{record.decision_id} was rejected{f': {why}' if why else ''}",
        )
    if Reason.RUN_INCOMPLETE in record.reason_codes:
        yield Doubt(
            code=Cause.NOT_COMPARABLE, message=f"the run of {record.decision_id} is incomplete"
        )


def _same_set(case: LockedAndProposed, record: DecisionRecord) -> Iterator[Doubt]:
    inputs = case.proposed.inputs_sha256 or case.entry.evalset_sha256
    if record.evidence.eval_set.inputs_sha256 != inputs:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"{record.decision_id} was made on another eval set",
        )
    accepted, incumbent = case.entry.accepted, case.entry.before
    known = names_of(incumbent)
    if accepted.cascade is None:
        known |= names_of(accepted)
    if not names_of(record.current) & known:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"{record.decision_id} compares with {record.current.option}, "
            f"not with {case.entry.accepted.option}",
        )


def _same_asking(case: LockedAndProposed, target: Target) -> Iterator[Doubt]:
    asked = case.asked
    prompts = (asked.prompt_sha256, target.prompt_sha256)
    if None not in prompts and prompts[0] != prompts[1]:
        yield Doubt(
            code=Cause.NOT_COMPARABLE, message=f"{target.option} was asked with another prompt"
        )
    if asked.params_sha256 is not None and asked.params_sha256 != target.params_sha256:
        yield Doubt(
            code=Cause.NOT_COMPARABLE, message=f"{target.option} was asked with other parameters"
        )


def _same_bar(given: GateInput, case: LockedAndProposed, record: DecisionRecord) -> Iterator[Doubt]:
    policy = given.policy_sha256
    if policy is not None and record.evidence.policy_sha256 != policy:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"{record.decision_id} was made under another policy (margins, confidence or "
            "procedure changed)",
        )
    if given.laxer_policy:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"{record.decision_id} stands beside a policy that this change makes laxer "
            "than the base branch's",
        )
    margin = case.entry.margin if case.proposed.margin is None else case.proposed.margin
    if record.margin.value > margin:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"{record.decision_id} allowed a loss of {record.margin.value:g} points, "
            f"agreed are {margin:g}",
        )


def _as_planned(given: GateInput, evidence: RepricedRecord, target: Target) -> Iterator[Doubt]:
    record = evidence.record
    if evidence.seed is not None and record.evidence.seed != evidence.seed:
        yield Doubt(
            code=Cause.NOT_COMPARABLE,
            message=f"the cases of {record.decision_id} were drawn anew: its seed follows neither "
            "from feature, eval set and cycle nor from an earlier record's on these cases",
        )
    used = record.evidence.eval_set.times_used
    if given.looks is not None and used > given.looks:
        yield Doubt(
            code=Cause.BEYOND_PLAN,
            message=f"{record.decision_id} is test {used} of these cases, planned are "
            f"{given.looks} looks: testing until one passes shows nothing; add fresh cases",
        )
    option = next((one for one in record.options if one.target == target), None)
    looks = option.quality.looks if option is not None and option.quality is not None else ()
    if given.looks is not None and len(looks) > given.looks:
        yield Doubt(
            code=Cause.BEYOND_PLAN,
            message=f"{record.decision_id} tested {target.option} {len(looks)} times, planned were "
            f"{given.looks}",
        )
