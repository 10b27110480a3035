from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.journal.earlier import read_paces
from harness.journal.journal import Ended, Journal, Sent
from harness.journal.trials import Answered, Lane, LaneHistory
from tests.harness.journal.test_journal import NOW, attempt
from tests.support.trials import trial

SEEN = LaneHistory(
    lane=Lane("openai", "KEY", "small"),
    calls=12,
    answered=10,
    rate_limited=2,
    overloaded=0,
    cuts=1,
    most_in_flight=4,
    tokens=250,
    active_s=2.5,
    requests_per_minute=600,
    tokens_per_minute=None,
)


def run(path: Path, run_id: str, started_at: str, seconds: float, seen: LaneHistory) -> None:
    """A run of one answered call of so many seconds, and what its lane told."""
    asked, tried = trial(int(run_id)), replace(attempt(), total_s=seconds)
    with Journal.open(path, run_id=run_id, cycle="2026-Q4", now=started_at) as journal:
        (row,) = journal.commit(ended=(), sent=[Sent(trial=asked, number=1)])
        outcome = Answered(trial=asked, attempts=(tried,), text="yes", finish="stop")
        journal.commit(ended=[Ended(row=row, attempt=tried, outcome=outcome)], sent=())
        journal.add_lanes([seen])


def test_a_lane_is_as_fast_as_its_answers_were_and_is_granted_what_the_newest_run_was(
    tmp_path: Path,
) -> None:
    run(tmp_path / "j", "2", "2026-11-24T09:00:00+00:00", 3.0, SEEN)
    run(
        tmp_path / "j",
        "1",
        "2026-08-24T09:00:00+00:00",
        1.0,
        replace(SEEN, calls=10, requests_per_minute=60),
    )
    (lane, pace), *rest = read_paces(tmp_path / "j").items()
    assert (lane, rest) == (SEEN.lane, [])
    assert (pace.call_s, pace.tokens, pace.tries) == (2.0, 25.0, pytest.approx(1.1))
    assert (pace.requests_per_minute, pace.tokens_per_minute) == (600, None)


def test_a_lane_that_never_answered_tells_nothing(tmp_path: Path) -> None:
    run(tmp_path / "j", "1", NOW, 1.0, replace(SEEN, answered=0))
    assert read_paces(tmp_path / "j") == {}


def test_without_a_journal_nothing_is_known_and_none_is_made(tmp_path: Path) -> None:
    assert read_paces(tmp_path / "j") == {}
    assert list(tmp_path.iterdir()) == []
