from __future__ import annotations

from collections import Counter

from harness.ask.replay.backlog import Backlog, Pending
from harness.ask.replay.governor import lane_of
from harness.journal.trials import Lane
from tests.support.trials import request, trial

LANE = lane_of(trial(0))


def taken(backlog: Backlog, lane: Lane = LANE) -> Pending:
    pending = backlog.first(lane)
    assert pending is not None
    return backlog.pop(pending)


def test_features_take_turns_in_a_lane() -> None:
    backlog = Backlog()
    for number in range(4):
        backlog.add(trial(number, feature="long"))
    backlog.add(trial(8, feature="short"))
    backlog.add(trial(9, feature="short"))
    order = [taken(backlog).trial.case_id for _ in range(6)]
    assert order == ["c0", "c8", "c1", "c9", "c2", "c3"]
    assert len(backlog) == 0
    assert backlog.lanes() == []


def test_what_is_asked_again_goes_first_when_it_is_due() -> None:
    backlog = Backlog()
    backlog.add(trial(1))
    pending = taken(backlog)
    backlog.add(trial(2))
    backlog.again(pending, due=10.0)
    assert backlog.wake(4.0) == 6.0
    first = backlog.first(LANE)
    assert first is not None
    assert first.trial.case_id == "c2"
    assert backlog.wake(10.0) == float("inf")
    assert [taken(backlog).trial.case_id for _ in range(2)] == ["c1", "c2"]


def test_clearing_a_lane_leaves_the_others() -> None:
    backlog = Backlog()
    for number in range(3):
        backlog.add(trial(number))
    backlog.again(taken(backlog), due=5.0)
    other = trial(7, request=request("x", model="other"))
    backlog.add(other)
    backlog.again(taken(backlog, lane_of(other)), due=5.0)
    assert sorted(p.trial.case_id for p in backlog.clear(LANE)) == ["c0", "c1", "c2"]
    assert len(backlog) == 1
    assert [p.trial.case_id for p in backlog.clear()] == ["c7"]
    assert len(backlog) == 0


def test_who_has_few_in_flight_comes_before_who_has_many_retries_and_all() -> None:
    backlog, held = Backlog(), Counter[str]()
    for number in range(4):
        backlog.add(trial(number, feature="hung"))
        backlog.add(trial(10 + number, feature="quick"))
    again = backlog.first(LANE, held)
    assert again is not None
    backlog.again(backlog.pop(again), due=0.0)
    backlog.wake(1.0)
    order = []
    held["hung"] = 3
    while (pending := backlog.first(LANE, held)) is not None:
        order.append(backlog.pop(pending).trial.case_id)
        held[pending.trial.feature] += 1
    assert order == ["c10", "c11", "c12", "c0", "c13", "c1", "c2", "c3"]
