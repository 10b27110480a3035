"""A decision's states, and who may move it between them.

Only the machine proposes and only a human accepts, rejects or defers. The lock tells what is in
production, a bill what was saved, the next review what replaces a decision, and the calendar what
has expired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from harness.errors import UsageError
from harness.record.base import State, Verdict
from harness.record.model import DecisionRecord, seal
from harness.record.parts import HistoryEntry


class Actor(StrEnum):
    """Who moves a decision."""

    OWNER = "owner"
    LOCK = "lock"
    BILL = "bill"
    REVIEW = "review"
    CALENDAR = "calendar"


_OWNER, _LOCK, _BILL = frozenset({Actor.OWNER}), frozenset({Actor.LOCK}), frozenset({Actor.BILL})
_REVIEW, _CALENDAR = frozenset({Actor.REVIEW}), frozenset({Actor.CALENDAR})

TRANSITIONS: Mapping[tuple[State, State], frozenset[Actor]] = {
    (State.PROPOSED, State.ACCEPTED): _OWNER,
    (State.PROPOSED, State.REJECTED): _OWNER,
    (State.PROPOSED, State.DEFERRED): _OWNER,
    (State.PROPOSED, State.SUPERSEDED): _REVIEW,
    (State.PROPOSED, State.EXPIRED): _CALENDAR,
    (State.DEFERRED, State.ACCEPTED): _OWNER,
    (State.DEFERRED, State.REJECTED): _OWNER,
    (State.DEFERRED, State.DEFERRED): _OWNER,
    (State.DEFERRED, State.PROPOSED): _CALENDAR,
    (State.DEFERRED, State.SUPERSEDED): _REVIEW,
    (State.DEFERRED, State.EXPIRED): _CALENDAR,
    (State.ACCEPTED, State.REJECTED): _OWNER,
    (State.ACCEPTED, State.IMPLEMENTED): _LOCK,
    (State.ACCEPTED, State.SUPERSEDED): _REVIEW,
    (State.ACCEPTED, State.EXPIRED): _CALENDAR,
    (State.REJECTED, State.ACCEPTED): _OWNER,
    (State.REJECTED, State.SUPERSEDED): _REVIEW,
    (State.REJECTED, State.EXPIRED): _CALENDAR,
    (State.IMPLEMENTED, State.VERIFIED): _BILL,
    (State.IMPLEMENTED, State.REJECTED): _OWNER,
    (State.IMPLEMENTED, State.SUPERSEDED): _REVIEW,
    (State.IMPLEMENTED, State.EXPIRED): _CALENDAR,
    (State.VERIFIED, State.VERIFIED): _BILL,
    (State.VERIFIED, State.REJECTED): _OWNER,
    (State.VERIFIED, State.SUPERSEDED): _REVIEW,
    (State.VERIFIED, State.EXPIRED): _CALENDAR,
    (State.EXPIRED, State.SUPERSEDED): _REVIEW,
}
"""Every legal move; whatever is not here is refused. Rejecting what is in production is a
rollback. SUPERSEDED is the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of a decision: where to, by whom, and why."""

    to: State
    actor: Actor
    by: str
    by_source: str
    at: datetime
    reason: str
    link: str | None = None
    until: date | None = None


def may_move(start: State, end: State, actor: Actor) -> bool:
    """Whether this actor may move a decision from one state to the other."""
    return actor in TRANSITIONS.get((start, end), frozenset())


def move(record: DecisionRecord, step: Move) -> DecisionRecord:
    """Move a decision, with an entry in its history; the finding stays as it is.

    Raises:
        UsageError: the move is not in the table, for this actor or at all.
    """
    start = standing(record, step.at.date())
    if not may_move(start, step.to, step.actor):
        raise UsageError(_refusal(record, start, step))
    if step.to is State.IMPLEMENTED and record.verdict is not Verdict.DOWNGRADE:
        raise UsageError(f"{record.feature.id}: only a downgrade is implemented; this one stays")
    entry = HistoryEntry(
        state=step.to,
        by=step.by,
        by_source=step.by_source,
        at=step.at,
        reason=step.reason,
        link=step.link,
        until=step.until,
    )
    return seal(record.model_copy(update={"state": step.to, "history": (*record.history, entry)}))


def implemented(record: DecisionRecord, production: str, at: datetime) -> DecisionRecord:
    """The record once production runs what was accepted; else the record as it is.

    `production` is the option that the workspace, and so the lock, names as the incumbent.
    """
    if standing(record, at.date()) is not State.ACCEPTED or record.chosen != production:
        return record
    step = Move(
        to=State.IMPLEMENTED,
        actor=Actor.LOCK,
        by="rightsize",
        by_source="machine",
        at=at,
        reason=f"the workspace names {production} as the model in production",
    )
    return move(record, step)


def _refusal(record: DecisionRecord, start: State, step: Move) -> str:
    ends = [end.value for (begin, end) in TRANSITIONS if begin is start]
    mine = [end.value for (begin, end), who in TRANSITIONS.items()
            if begin is start and step.actor in who]  # fmt: skip
    if not ends:
        known = "nothing moves it any more"
    elif mine:
        known = f"the {step.actor} may make it {' or '.join(mine)}"
    else:
        known = f"the {step.actor} may not move it; run `rightsize review` for a new finding"
    return f"{record.feature.id} is {start.value} and cannot become {step.to.value}: {known}"


def ends_on(record: DecisionRecord) -> date:
    """Last day on which the decision may be relied on.

    The evidence's expiry, a signed exception's if it is earlier, or the retirement of the model
    that the decision keeps or chooses.
    """
    days = [record.expires_at]
    if record.exception is not None:
        days.append(record.exception.expires_at)
    target = next((o.target for o in record.options if o.target.option == record.chosen), None)
    retires = (target or record.current).retires_on
    if retires is not None:
        days.append(retires)
    return min(days)


def standing(record: DecisionRecord, today: date) -> State:
    """The state on a day: what is written, unless the calendar ended it.

    A deferral whose day has passed is a proposal again.
    """
    if record.state in {State.SUPERSEDED, State.EXPIRED}:
        return record.state
    if today > ends_on(record):
        return State.EXPIRED
    if record.state is State.DEFERRED and record.history:
        until = record.history[-1].until
        if until is not None and today > until:
            return State.PROPOSED
    return record.state
