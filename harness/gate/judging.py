"""The gate's decision: is a change what was decided, or else is there evidence for it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.gate.evidence import SKEW, LockedAndProposed, newest
from harness.gate.findings import (
    ALL,
    Cause,
    Change,
    GateReport,
    Outcome,
    Violation,
    asked_of,
    weighed,
)
from harness.gate.history import continued
from harness.gate.inputs import (
    GateInput,
    Proposed,
    is_locked,
    means,
    names_of,
    shown,
    written_forms,
)
from harness.gate.money import rates_rose
from harness.gate.proof import (
    Judged,
    judge_changed_request,
    judge_evalset,
    judge_model,
    judge_unlocked,
)
from harness.gate.unread import unread_files
from harness.gate.weakening import labels, weakened
from harness.record.base import State, Verdict
from harness.record.lifecycle import ends_on
from harness.record.lock import IN_FORCE, LockedModel, LockEntry, unlike
from harness.record.model import DecisionRecord
from harness.workspace.policy_file import GateRule

_RELOCK = "run `rightsize lock` and commit it"


def judge(given: GateInput) -> GateReport:
    """Compare a change with the lock. Pure: no file is read and no model asked."""
    findings: list[Violation] = []
    changes: list[Change] = []
    changed: set[str] = set()
    for proposed in given.proposed:
        entry = given.lock.features.get(proposed.feature)
        risk = entry.risk if entry else None
        judged = list(_feature(given, proposed, entry))
        changes += [one.change for one in judged if one.change.what]
        changed |= {one.change.feature for one in judged if one.change.what}
        found = [each for one in judged for each in one.findings]
        findings += weighed(found, given.in_force, risk=risk)
    for whole in (_removed(given), _unclaimed(given), continued(given), _not_proved(given)):
        findings += weighed(whole, given.in_force, risk=None)
    quiet = all(one.outcome is Outcome.PASS for one in findings)
    seen = not given.unread and not given.told
    alone = quiet and seen and not changes and _same_decisions(given)
    rest = (*unread_files(given), *_weakened(given, alone=alone))
    findings += weighed(rest, given.in_force, risk=None)
    names = {one.feature for one in given.proposed if one.feature in given.lock.features}
    unique = dict.fromkeys(findings)
    return GateReport(
        findings=tuple(unique),
        changes=tuple(dict.fromkeys(changes)),
        matching=len(names - changed),
        asked=asked_of(given),
    )


def _feature(given: GateInput, proposed: Proposed, entry: LockEntry | None) -> Iterator[Judged]:
    if entry is None:
        yield from _unlocked(given, proposed)
        return
    yield from _backing(given, entry)
    if proposed.asked is None:
        why = proposed.unreadable or "it says nothing"
        message = f"{proposed.place}: {why}"
        yield _plain(entry.feature, GateRule.MODEL, Cause.UNREADABLE, message, Outcome.CANNOT_TELL)
        return
    case = LockedAndProposed(entry=entry, proposed=proposed, asked=proposed.asked)
    was = _locked_as(entry, proposed)
    if was is None:
        yield from _permitted(case)
        yield judge_model(given, case, entry.accepted)
        return
    judged = [*_asking(given, case, was), *_evalset(given, case, was)]
    yield from judged or _unchanged(given, case, was)
    yield from _behind(given, case)
    for found in labels(given, entry):
        yield Judged(findings=(found,), change=Change(feature=entry.feature, what=""))
    yield from _check_seen(case)
    yield from _permitted(case, changed=False)


def _unlocked(given: GateInput, proposed: Proposed) -> Iterator[Judged]:
    """A feature without an entry: what is missing, and whether it asks what failed its review."""
    name = proposed.feature
    records = [one.record for one in newest(given, name)]
    states = {one.state for one in records[:1]}
    if states & IN_FORCE:
        advice = _RELOCK
    elif records and records[0].verdict is not Verdict.UNDECIDED:
        advice = f"run `rightsize decide {name} accept`, then `rightsize lock`"
    else:
        advice = "run `rightsize review`, `rightsize decide` and `rightsize lock`"
    found = Violation(
        feature=name,
        rule=GateRule.UNLOCKED,
        code=Cause.UNLOCKED,
        outcome=Outcome.FAIL,
        message="no decision is locked for it",
        advice=advice,
    )
    yield Judged(findings=(found,), change=Change(feature=name, what=""))
    if proposed.asked is not None and records:
        yield from judge_unlocked(name, proposed.asked, records[0])


def _locked_as(entry: LockEntry, proposed: Proposed) -> LockedModel | None:
    """The locked model that production would ask: accepted or incumbent; None: another one.

    A name that leads to another address by now is another model, unless it was locked there.
    """
    asked = proposed.asked
    for one in (entry.accepted, entry.before):
        moved = asked and proposed.elsewhere and asked.params_sha256 != one.params_sha256
        if asked is not None and not moved and is_locked(asked, one, entry.before):
            return one
    return None


def _asking(given: GateInput, case: LockedAndProposed, was: LockedModel) -> Iterator[Judged]:
    asked = case.asked
    prompt = asked.prompt_sha256 not in {None, was.prompt_sha256}
    params = asked.params_sha256 not in {None, was.params_sha256}
    what = " and ".join(
        name for name, differs in (("prompt", prompt), ("parameters", params)) if differs
    )
    if what:
        yield judge_changed_request(given, case, was, what)


def _evalset(given: GateInput, case: LockedAndProposed, was: LockedModel) -> Iterator[Judged]:
    inputs = case.proposed.inputs_sha256
    if inputs is not None and inputs != case.entry.evalset_sha256:
        yield judge_evalset(given, case, was)


def _unchanged(given: GateInput, case: LockedAndProposed, was: LockedModel) -> Iterator[Judged]:
    entry, expired = case.entry, given.now.date() > case.entry.expires_at
    before = case.proposed.asked_before
    adopting = before is not None and not _same(before, was) and was == entry.accepted
    if expired and adopting:
        what = f"{before} -> {shown(case.asked)}"
        message = f"{what}: the decision could be relied on until {entry.expires_at}"
        yield _plain(
            entry.feature, GateRule.MODEL, Cause.EVIDENCE_STALE, message, Outcome.FAIL, what=what
        )
    elif expired:
        message = f"unchanged, but the decision ended on {entry.expires_at}"
        yield _plain(
            entry.feature, GateRule.EXPIRED_UNCHANGED, Cause.EXPIRED, message, Outcome.FAIL
        )
    elif was != entry.accepted and entry.verdict is Verdict.DOWNGRADE:
        message = f"{entry.accepted.option} is accepted, {was.option} still in production"
        yield _plain(
            entry.feature, GateRule.MODEL, Cause.NOT_YET_IN_PRODUCTION, message, Outcome.PASS
        )
    yield from _dearer(given, entry)


def _dearer(given: GateInput, entry: LockEntry) -> Iterator[Judged]:
    for one in given.evidence or ():
        if one.record.finding_sha256 != entry.finding_sha256:
            continue
        costs = {one.at_today.current.option: one.at_today.current_cost}
        costs |= {each.target.option: each.cost for each in one.at_today.options}
        cost = costs.get(entry.accepted.option)
        if cost is not None:
            found = rates_rose(entry.feature, entry.accepted, cost, given.rules)
            yield Judged(findings=tuple(found), change=Change(feature=entry.feature, what=""))


def _same(text: str, model: LockedModel) -> bool:
    return any(form in names_of(model) for form in written_forms(text))


def _check_seen(case: LockedAndProposed) -> Iterator[Judged]:
    """Warn of a cascade as locked whose check cannot be read: no `accepts_in` names its place."""
    after = case.asked.escalation
    if after is not None and not after.seen:
        message = (
            f"{case.entry.accepted.option} goes on to {after.to} at {after.place}; nobody says "
            "where production reads what an answer must pass: state `accepts_in` of the cascade"
        )
        yield _plain(
            case.entry.feature, GateRule.MODEL, Cause.CHECK_NOT_SEEN, message, Outcome.WARN
        )


def _permitted(case: LockedAndProposed, *, changed: bool = True) -> Iterator[Judged]:
    asked, feature = case.asked, case.entry.feature
    if asked.may_see is not None and case.entry.data not in asked.may_see:
        message = f"{shown(asked)} may not see {case.entry.data} data"
        yield _plain(
            feature, GateRule.NOT_PERMITTED, Cause.DATA_NOT_PERMITTED, message, Outcome.FAIL
        )
    if not changed:
        return
    if asked.has_price is False:
        message = f"{shown(asked)} has no price"
        yield _plain(feature, GateRule.UNPRICED, Cause.PRICE_MISSING, message, Outcome.FAIL)
    if asked.retires_on is not None:
        message = f"{shown(asked)} retires on {asked.retires_on}"
        yield _plain(feature, GateRule.RETIRING, Cause.MODEL_RETIRING, message, Outcome.FAIL)


def _backing(given: GateInput, entry: LockEntry) -> Iterator[Judged]:
    """Where there are records, the entry's own must be present, accepted and not dated ahead."""
    if given.evidence is None:
        return
    mine = [one.record for one in given.evidence if one.record.decision_id == entry.decision_id]
    backing = [one for one in mine if one.finding_sha256 == entry.finding_sha256]
    if not backing:
        message = f"the lock rests on {entry.decision_id}, which is not among the records"
        yield _plain(entry.feature, GateRule.LOCK, Cause.LOCK_NOT_BACKED, message, Outcome.FAIL)
    elif all(one.state not in IN_FORCE | {State.SUPERSEDED} for one in backing):
        message = f"the lock rests on {entry.decision_id}, which is {backing[0].state.value}"
        yield _plain(entry.feature, GateRule.LOCK, Cause.LOCK_NOT_BACKED, message, Outcome.FAIL)
    elif all(one.etag in given.unsigned for one in backing):
        message = f"the lock rests on {entry.decision_id}: {given.unsigned[backing[0].etag]}"
        yield _plain(entry.feature, GateRule.LOCK, Cause.NOT_SIGNED, message, Outcome.FAIL)
    elif any(one.generated_at > given.now + SKEW for one in backing):
        message = f"{entry.decision_id} is dated after now: a clock is wrong"
        yield _plain(entry.feature, GateRule.LOCK, Cause.CLOCK_SKEW, message, Outcome.CANNOT_TELL)
    else:
        yield from _as_its_record(entry, backing)


def _as_its_record(entry: LockEntry, backing: list[DecisionRecord]) -> Iterator[Judged]:
    told = [unlike(entry, one, ends_on=ends_on(one)) for one in backing]
    if all(told):
        message = f"the lock is not what {entry.decision_id} gives: {'; '.join(told[0])}"
        yield _plain(entry.feature, GateRule.LOCK, Cause.LOCK_NOT_BACKED, message, Outcome.FAIL)


def _behind(given: GateInput, case: LockedAndProposed) -> Iterator[Judged]:
    """What is locked counts no more where a later decision is in force that does not know it."""
    entry = case.entry
    records = [one.record for one in newest(given, entry.feature)]
    made = [one.generated_at for one in records if one.finding_sha256 == entry.finding_sha256]
    later = next((one for one in records if one.state in IN_FORCE), None)
    newer = later is not None and made and later.generated_at > max(made)
    if later is None or not newer or case.proposed.offered:
        return
    chosen = [one.target for one in later.options if one.target.option == later.chosen]
    if later.evidence.exploratory or any(
        means(case.asked, one) for one in (later.current, *chosen)
    ):
        return
    message = f"the lock rests on {entry.decision_id}; {later.decision_id} was decided since"
    yield _plain(entry.feature, GateRule.LOCK, Cause.LOCK_BEHIND, message, Outcome.FAIL)


def _same_decisions(given: GateInput) -> bool:
    """Whether lock and records are as on the base branch."""
    same = given.here is None or given.before is None or given.here.records == given.before.records
    return same and (given.lock_before is None or given.lock_before == given.lock)


def _weakened(given: GateInput, *, alone: bool) -> Iterator[Violation]:
    """Laxer rules; in a change that holds nothing else they only warn."""
    for one in weakened(given):
        laxer = one.code is Cause.WEAKENED and alone
        yield replace(one, outcome=Outcome.WARN, advice="") if laxer else one


def _not_proved(given: GateInput) -> Iterator[Violation]:
    """Without records nothing proves an entry that the change edits; what it says is shown."""
    if given.evidence is not None or given.lock_before is None:
        return
    for name, entry in given.lock.features.items():
        was = given.lock_before.features.get(name)
        if was is None or was == entry:
            continue
        rewritten = was.finding_sha256 == entry.finding_sha256 or entry.cycle < was.cycle
        yield Violation(
            feature=name,
            rule=GateRule.LOCK,
            code=Cause.LOCK_NOT_PROVED,
            outcome=Outcome.FAIL if rewritten else Outcome.WARN,
            message=f"the lock's entry was {was.decision_id} (margin {was.margin:g}, until "
            f"{was.expires_at}) and is {entry.decision_id} (margin {entry.margin:g}, until "
            f"{entry.expires_at}); no record is here that proves it",
        )


def _removed(given: GateInput) -> Iterator[Violation]:
    before = given.lock_before.features if given.lock_before else {}
    here = {one.feature for one in given.proposed}
    for name in sorted(before.keys() - given.lock.features.keys()):
        if name in here:
            yield Violation(
                feature=name,
                rule=GateRule.LOCK,
                code=Cause.LOCK_ENTRY_REMOVED,
                outcome=Outcome.FAIL,
                message="its entry was removed from the lock while the feature is still there",
                advice=_RELOCK,
            )


def _unclaimed(given: GateInput) -> Iterator[Violation]:
    """Model ids that the change adds in production code and that belong to no feature."""
    entries = given.lock.features.values()
    claimed = {name for one in entries for name in _names(one)}
    read = {pair for one in given.proposed for pair in _read(one)}
    for use in given.added or ():
        known = {use.model_id, *written_forms(use.written)} & claimed
        judged = (use.path, use.written) in read
        if use.kind != "production" or use.listed or judged or known:
            continue
        yield Violation(
            feature=ALL,
            rule=GateRule.UNCLAIMED_MODEL,
            code=Cause.UNCLAIMED_MODEL,
            outcome=Outcome.FAIL,
            message=f"{use.path}:{use.line}: {use.written} is used by no feature of the lock",
            advice="add a feature for it, or name the place in a feature's `used_in`",
        )


def _read(proposed: Proposed) -> Iterator[tuple[str, str]]:
    """The files in which a feature's models were read, each with what was read there."""
    if proposed.asked is None:
        return
    yield proposed.place.partition("#")[0], proposed.written or proposed.asked.name
    after = proposed.asked.escalation
    if after is not None:
        yield after.place.partition("#")[0], after.to


def _names(entry: LockEntry) -> Iterator[str]:
    for model in (entry.accepted, entry.before):
        for name in names_of(model):
            yield from written_forms(name)


def _plain(  # noqa: PLR0913  # one argument per part of the finding
    feature: str, rule: GateRule, code: Cause, message: str, outcome: Outcome, *, what: str = ""
) -> Judged:
    advice = _RELOCK if code in {Cause.LOCK_NOT_BACKED, Cause.LOCK_BEHIND} else ""
    found = Violation(
        feature=feature, rule=rule, code=code, outcome=outcome, message=message, advice=advice
    )
    return Judged(findings=(found,), change=Change(feature=feature, what=what))
