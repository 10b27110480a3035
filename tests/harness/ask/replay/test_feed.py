from __future__ import annotations

from harness.ask.replay.backlog import Feed
from tests.support.trials import trial


def test_a_full_feed_holds_the_next_trial_back_and_loses_none() -> None:
    source = iter([trial(number) for number in range(7)])
    feed = Feed(3)
    taken: list[str] = []
    while not feed.ended:
        feed.top_up(source)
        taken += [one.case_id for one in feed.take(2, 0)]
    assert taken == [f"c{number}" for number in range(7)]
    assert feed.take(2, 0.01) == []


def test_an_empty_feed_is_waited_for_no_longer_than_told() -> None:
    assert Feed(3).take(2, 0.01) == []


def test_a_source_that_has_nothing_for_now_is_read_again() -> None:
    given = iter([trial(1), None, None, trial(2)])
    feed = Feed(3)
    feed.top_up(given)
    assert feed.dry
    assert [one.case_id for one in feed.take(5, 0)] == ["c1"]
    assert not feed.ended
    feed.top_up(given)
    assert feed.take(5, 0) == []
    feed.top_up(given)
    assert not feed.dry
    assert [one.case_id for one in feed.take(5, 0)] == ["c2"]
    assert feed.ended
