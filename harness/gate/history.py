"""Whether the records of a change go on from those of the base branch: nothing taken back."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gate.findings import Cause, Outcome, Violation
from harness.gate.inputs import GateInput, Stated
from harness.record.base import State
from harness.record.lifecycle import Actor, may_move
from harness.record.model import DecisionRecord
from harness.record.parts import HistoryEntry
from harness.record.stored import carries_decision
from harness.workspace.policy_file import GateRule

_MACHINE = "machine"
_MACHINES = (Actor.LOCK, Actor.BILL, Actor.REVIEW, Actor.CALENDAR)


def continued(given: GateInput) -> Iterator[Violation]:
    """A finding for every decision of the base branch that is not continued, and for new ones."""
    if given.here is None or given.before is None:
        return
    for path, was in given.before.records.items():
        yield from _kept(path, was, given.here.records.get(path))
    for path, now in given.here.records.items():
        was = given.before.records.get(path)
        if was is None or was.etag != now.etag:
            yield from _steps(given.before, was, now)


def _kept(path: str, was: DecisionRecord, now: DecisionRecord | None) -> Iterator[Violation]:
    if not carries_decision(was) or (now is not None and now.etag == was.etag):
        return
    last = was.history[-1].by if was.history else "somebody"
    if now is None:
        yield _bad(was, f"{path}, {was.state.value} by {last}, was removed")
    elif now.finding_sha256 != was.finding_sha256:
        yield _bad(was, f"{path}: the finding under the decision of {last} was replaced")
    elif now.history[: len(was.history)] != was.history:
        yield _bad(was, f"{path}: its history does not go on from the base branch's")


def _steps(before: Stated, was: DecisionRecord | None, now: DecisionRecord) -> Iterator[Violation]:
    at, start = (len(was.history), was.state) if was else (0, State.PROPOSED)
    for entry in now.history[at:]:
        if not _legal(start, entry):
            yield _bad(now, f"{start.value} cannot become {entry.state.value} by {entry.by}")
        start = entry.state
    if start is not now.state:
        yield _bad(now, f"says {now.state.value}, which no entry of its history does")
    signed = now.exception
    accepted = [one for one in now.history if one.state is State.ACCEPTED]
    if signed is not None and not any(
        (one.by, one.until) == (signed.approver, signed.expires_at) for one in accepted
    ):
        yield _bad(now, f"nobody signed its exception until {signed.expires_at}")
    yield from _by_whom(before, was, now)


def _legal(start: State, entry: HistoryEntry) -> bool:
    """Whether the step is in the table; a deferral whose day has passed is a proposal again."""
    begins = {start, State.PROPOSED} if start is State.DEFERRED else {start}
    actors = _MACHINES if entry.by_source == _MACHINE else (Actor.OWNER,)
    return any(may_move(begin, entry.state, actor) for begin in begins for actor in actors)


def _by_whom(
    before: Stated, was: DecisionRecord | None, now: DecisionRecord
) -> Iterator[Violation]:
    known = before.deciders(now.feature.id)
    history = now.history
    for at in range(len(was.history) if was else 0, len(history)):
        entry = history[at]
        if entry.by_source == _MACHINE:
            continue
        if known and entry.by not in known:
            yield _bad(
                now,
                f"{entry.by} may not decide it: {', '.join(sorted(known))}",
                code=Cause.NOT_A_DECIDER,
            )
        earlier = [one for one in history[:at] if one.by_source != _MACHINE]
        if earlier and earlier[-1].by != entry.by:
            yield _bad(
                now,
                f"{entry.state.value} by {entry.by} overturns {earlier[-1].state.value} by "
                f"{earlier[-1].by}",
                code=Cause.OVERTURNED,
                outcome=Outcome.WARN,
            )


def _bad(
    record: DecisionRecord,
    message: str,
    *,
    code: Cause = Cause.HISTORY_BROKEN,
    outcome: Outcome = Outcome.FAIL,
) -> Violation:
    return Violation(
        feature=record.feature.id,
        rule=GateRule.LOCK,
        code=code,
        outcome=outcome,
        message=f"{record.decision_id}: {message}",
    )
