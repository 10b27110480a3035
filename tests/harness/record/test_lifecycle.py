from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from harness.errors import UsageError
from harness.record.base import State, Verdict
from harness.record.lifecycle import (
    TRANSITIONS,
    Actor,
    Move,
    ends_on,
    implemented,
    may_move,
    move,
    standing,
)
from harness.record.model import DecisionRecord, seal
from tests.support.record_parts import a_target, an_option
from tests.support.records import decided, downgrade_record, justify_record, undecided_record

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
LEGAL = {
    ("PROPOSED", "ACCEPTED", "owner"),
    ("PROPOSED", "REJECTED", "owner"),
    ("PROPOSED", "DEFERRED", "owner"),
    ("PROPOSED", "SUPERSEDED", "review"),
    ("PROPOSED", "EXPIRED", "calendar"),
    ("DEFERRED", "ACCEPTED", "owner"),
    ("DEFERRED", "REJECTED", "owner"),
    ("DEFERRED", "DEFERRED", "owner"),
    ("DEFERRED", "PROPOSED", "calendar"),
    ("DEFERRED", "SUPERSEDED", "review"),
    ("DEFERRED", "EXPIRED", "calendar"),
    ("ACCEPTED", "REJECTED", "owner"),
    ("ACCEPTED", "IMPLEMENTED", "lock"),
    ("ACCEPTED", "SUPERSEDED", "review"),
    ("ACCEPTED", "EXPIRED", "calendar"),
    ("REJECTED", "ACCEPTED", "owner"),
    ("REJECTED", "SUPERSEDED", "review"),
    ("REJECTED", "EXPIRED", "calendar"),
    ("IMPLEMENTED", "VERIFIED", "bill"),
    ("IMPLEMENTED", "REJECTED", "owner"),
    ("IMPLEMENTED", "SUPERSEDED", "review"),
    ("IMPLEMENTED", "EXPIRED", "calendar"),
    ("VERIFIED", "VERIFIED", "bill"),
    ("VERIFIED", "REJECTED", "owner"),
    ("VERIFIED", "SUPERSEDED", "review"),
    ("VERIFIED", "EXPIRED", "calendar"),
    ("EXPIRED", "SUPERSEDED", "review"),
}
"""Written down a second time, by hand: who may do what."""


def in_state(state: State) -> DecisionRecord:
    return seal(downgrade_record().model_copy(update={"state": state}))


def step(to: State, actor: Actor, **over: object) -> Move:
    return Move(
        **{
            "to": to,
            "actor": actor,
            "by": "dana",
            "by_source": "git identity",
            "at": AT,
            "reason": "because",
            **over,
        }
    )


@pytest.mark.parametrize("actor", list(Actor))
@pytest.mark.parametrize(("start", "end"), list(product(State, State)))
def test_every_pair_of_states(start: State, end: State, actor: Actor) -> None:
    legal = (start.value, end.value, actor.value) in LEGAL
    assert may_move(start, end, actor) is legal
    if legal:
        moved = move(in_state(start), step(end, actor))
        assert moved.state is end
        assert moved.history[-1].state is end
        assert moved.finding_sha256 == in_state(start).finding_sha256
        assert moved.etag != in_state(start).etag
    else:
        with pytest.raises(UsageError, match="cannot become") as caught:
            move(in_state(start), step(end, actor))
        assert "\n" not in str(caught.value)


def test_no_machine_accepts() -> None:
    accepting = [who for (_, end), who in TRANSITIONS.items() if end is State.ACCEPTED]
    assert accepting
    assert all(who == {Actor.OWNER} for who in accepting)


def test_nothing_leaves_the_end() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is State.SUPERSEDED]
    with pytest.raises(UsageError, match="nothing moves it any more"):
        move(in_state(State.SUPERSEDED), step(State.ACCEPTED, Actor.OWNER))


def test_an_actor_without_a_move_is_told_so() -> None:
    with pytest.raises(UsageError, match="the bill may not move it"):
        move(in_state(State.PROPOSED), step(State.VERIFIED, Actor.BILL))


def test_only_a_downgrade_is_implemented() -> None:
    with pytest.raises(UsageError, match="only a downgrade"):
        move(decided(justify_record()), step(State.IMPLEMENTED, Actor.LOCK))


def test_what_production_runs_is_implemented() -> None:
    accepted = decided(downgrade_record())
    assert implemented(accepted, "claude-haiku-4-5", AT).state is State.IMPLEMENTED
    assert implemented(accepted, "claude-opus-4-5", AT) is accepted
    assert implemented(downgrade_record(), "claude-haiku-4-5", AT) == downgrade_record()
    assert implemented(accepted, "claude-haiku-4-5", AT + timedelta(days=400)) is accepted


def test_the_history_keeps_every_move() -> None:
    record = move(downgrade_record(), step(State.DEFERRED, Actor.OWNER, until=date(2026, 12, 20)))
    record = move(record, step(State.ACCEPTED, Actor.OWNER, at=AT + timedelta(days=1)))
    assert [entry.state for entry in record.history] == [State.DEFERRED, State.ACCEPTED]


def test_evidence_ends_a_decision() -> None:
    record = in_state(State.ACCEPTED)
    assert standing(record, record.expires_at) is State.ACCEPTED
    assert standing(record, record.expires_at + timedelta(days=1)) is State.EXPIRED


def test_a_signed_exception_may_end_earlier() -> None:
    record = decided(justify_record())
    signed = record.exception
    assert signed is not None
    early = signed.model_copy(update={"expires_at": date(2026, 12, 31)})
    assert ends_on(record.model_copy(update={"exception": early})) == date(2026, 12, 31)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_retirement_ends_a_decision_early(verdict: Verdict) -> None:
    day = date(2027, 1, 15)
    if verdict is Verdict.DOWNGRADE:
        option = an_option(target=a_target("claude-haiku-4-5", retires_on=day))
        record = downgrade_record(options=(option,))
    else:
        make = justify_record if verdict is Verdict.JUSTIFY else undecided_record
        record = make(current=a_target("claude-opus-4-5", retires_on=day))
    assert ends_on(record) == day
    assert standing(record, day + timedelta(days=1)) is State.EXPIRED


def test_the_retirement_of_what_is_left_ends_nothing() -> None:
    record = downgrade_record(current=a_target("claude-opus-4-5", retires_on=date(2026, 12, 1)))
    assert ends_on(record) == record.expires_at


def test_a_deferral_ends_by_itself() -> None:
    until = date(2026, 12, 20)
    record = move(downgrade_record(), step(State.DEFERRED, Actor.OWNER, until=until))
    assert standing(record, until) is State.DEFERRED
    assert standing(record, until + timedelta(days=1)) is State.PROPOSED


def test_an_ended_decision_is_not_moved_by_its_owner() -> None:
    late = datetime(2027, 6, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="EXPIRED and cannot become ACCEPTED"):
        move(downgrade_record(), step(State.ACCEPTED, Actor.OWNER, at=late))
