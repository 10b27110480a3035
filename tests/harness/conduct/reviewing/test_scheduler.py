"""Whose turn it is, without an engine: stages made by hand, outcomes in any order."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.replay.engine import WINDOW
from harness.ask.replay.governor import lane_of
from harness.ask.replay.throttle import LaneLimits
from harness.conduct.reviewing.feature_review import Halt, TrialSet
from harness.conduct.reviewing.scheduler import ROUNDS, LaneQuotas, Scheduler
from harness.journal.trials import Missing
from tests.support.trials import request, trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.conduct.reviewing.feature_review import Stage
    from harness.journal.trials import Outcome, Trial


def ask(feature: str, model: str, number: int) -> Trial:
    return trial(
        number,
        feature=feature,
        option=model,
        fingerprint=f"{feature}-{model}-{number}",
        request=request(str(number), model=model),
    )


def ended(one: Trial) -> Outcome:
    return Missing(trial=one, attempts=(), reason="made up")


def quotas(*, in_order: bool = False, **concurrency: int) -> LaneQuotas:
    limits = {
        lane_of(ask("any", model, 0)): LaneLimits(max_concurrency=most)
        for model, most in concurrency.items()
    }
    return LaneQuotas(limits, in_order=in_order)


class Walk:
    """One feature: parts of so many trials each, on one lane; what it read, part by part."""

    def __init__(self, feature: str, model: str, *sizes: int) -> None:
        self.feature, self.model, self.sizes = feature, model, sizes
        self.read: list[list[str]] = []

    def stages(self) -> Iterator[Stage]:
        for part, size in enumerate(self.sizes):
            self.read.append([])
            numbers = range(1000 * part, 1000 * part + size)
            trials = (ask(self.feature, self.model, number) for number in numbers)
            yield TrialSet(trials=trials, take=lambda o: self.read[-1].append(o.trial.fingerprint))
            assert len(self.read[-1]) == size


def all_given(scheduler: Scheduler) -> list[Trial]:
    """Everything that is given out before an outcome is needed."""
    given: list[Trial] = []
    for one in scheduler:
        if one is None:
            break
        given.append(one)
    return given


@given(
    sizes=st.lists(st.lists(st.integers(0, 40), max_size=4), min_size=1, max_size=5),
    lanes=st.lists(st.sampled_from(["a", "b"]), min_size=5, max_size=5),
    seed=st.integers(0, 1000),
)
def test_every_trial_is_asked_once_and_read_in_its_own_part(
    sizes: list[list[int]], lanes: list[str], seed: int
) -> None:
    """Whatever the order of the answers."""
    walks = [Walk(f"f{n}", lanes[n], *parts) for n, parts in enumerate(sizes)]
    scheduler = Scheduler({walk.feature: walk.stages() for walk in walks}, quotas(a=1, b=3), None)
    rng, on_way, asked = Random(seed), list["Trial"](), Counter[str]()
    while True:
        more = all_given(scheduler)
        asked.update(one.fingerprint for one in more)
        on_way += more
        if not on_way:
            break
        rng.shuffle(on_way)
        for _ in range(rng.randint(1, len(on_way))):
            scheduler.take(ended(on_way.pop()))
    assert scheduler.has_ended
    assert set(asked.values()) <= {1}
    for walk, parts in zip(walks, sizes, strict=True):
        assert [len(part) for part in walk.read] == list(parts)
        assert sum(asked[name] for part in walk.read for name in part) == sum(parts)


def test_a_full_lane_leaves_the_others_their_quota() -> None:
    """Nothing of the slow lane ever ends; the other feature goes through all its parts."""
    slow, quick = Walk("slow", "late", 50_000), Walk("quick", "fast", *[3000] * 3)
    scheduler = Scheduler(
        {walk.feature: walk.stages() for walk in (slow, quick)}, quotas(late=4, fast=8), None
    )
    on_way: dict[str, list[Trial]] = defaultdict(list)
    room = WINDOW // 2 + ROUNDS * 4
    while not quick.read or len(quick.read) < 3 or len(quick.read[-1]) < 3000:
        for one in all_given(scheduler):
            on_way[one.feature].append(one)
        assert len(on_way["slow"]) == room
        assert on_way["quick"]
        for one in on_way.pop("quick"):
            scheduler.take(ended(one))
    assert all_given(scheduler) == []
    assert not scheduler.has_ended


def test_features_on_one_lane_take_turns() -> None:
    walks = [Walk(f"f{n}", "a", 5000) for n in range(4)]
    scheduler = Scheduler({walk.feature: walk.stages() for walk in walks}, quotas(a=1), None)
    given = all_given(scheduler)
    assert [one.feature for one in given[:8]] == ["f0", "f1", "f2", "f3"] * 2
    for one in given[:400]:
        scheduler.take(ended(one))
    shares = Counter(one.feature for one in all_given(scheduler))
    assert max(shares.values()) - min(shares.values()) <= 1


def test_in_order_one_feature_ends_before_the_next_one_is_asked_more_than_fits() -> None:
    """Each is told of as it ends; who is asked on a free lane meanwhile waits for nobody."""
    walks = [Walk(f"f{n}", "a", 30, 30) for n in range(3)] + [Walk("apart", "b", 30, 30)]
    told: list[str] = []
    scheduler = Scheduler(
        {walk.feature: walk.stages() for walk in walks},
        quotas(in_order=True, a=2, b=2),
        None,
        in_order=True,
        ended=told.append,
    )
    on_way, asked = all_given(scheduler), list[str]()
    while on_way:
        assert "apart" in told or any(one.feature == "apart" for one in on_way)
        one = on_way.pop(0)
        asked.append(one.feature)
        scheduler.take(ended(one))
        on_way += all_given(scheduler)
        assert len(on_way) <= 2 * ROUNDS * 2
    assert [name for name in told if name != "apart"] == ["f0", "f1", "f2"]
    behind = [name for name in asked if name in {"f1", "f2"}]
    first = asked[: len(asked) - asked[::-1].index("f0")]
    assert sum(name in {"f1", "f2"} for name in first) <= 3 * ROUNDS * 2
    assert len(behind) == 120
    assert Counter(asked)["f0"] == 60


def test_who_needs_quiet_waits_for_all_that_is_on_its_way() -> None:
    told: list[str] = []

    def careful() -> Iterator[Stage]:
        yield TrialSet(trials=iter([ask("careful", "a", 1)]), take=lambda _o: told.append("read"))
        yield Halt.QUIET
        told.append("alone")
        yield Halt.QUIET
        told.append("alone again")

    other = Walk("other", "b", 2, 2)
    scheduler = Scheduler({"careful": careful(), "other": other.stages()}, quotas(a=1, b=1), None)
    first, *rest = all_given(scheduler)
    scheduler.take(ended(first))
    assert all_given(scheduler) == []
    assert told == ["read"]
    for one in rest:
        scheduler.take(ended(one))
    for one in all_given(scheduler):
        scheduler.take(ended(one))
    with pytest.raises(StopIteration):
        next(scheduler)
    assert told == ["read"]
    assert not scheduler.has_ended
    scheduler.quiet()
    assert told == ["read", "alone", "alone again"]
    assert scheduler.has_ended


def test_quotas_fit_into_half_of_the_window() -> None:
    one = quotas(a=1000, b=1)
    lanes = [lane_of(ask("any", model, 0)) for model in "ab"]
    taken = sum(1 for lane in lanes for _ in range(100_000) if one.take(lane, "any"))
    assert taken <= one.window // 2
    one.give_back(lanes[0], "any")
    assert one.take(lanes[0], "any")
    assert not one.take(lanes[0], "any")


def test_a_feature_whose_calls_all_hang_leaves_room_in_its_own_lane() -> None:
    """Nothing of it ever ends; the other comes to that lane later, and goes through."""
    slow, late = Walk("slow", "a", 50_000), Walk("late", "b", 100)

    def later() -> Iterator[Stage]:
        yield from late.stages()
        late.model, late.sizes = "a", (100,)
        yield from late.stages()

    scheduler = Scheduler({"slow": slow.stages(), "late": later()}, quotas(a=4, b=8), None)
    while len(late.read) < 2 or len(late.read[-1]) < 100:
        given = [one for one in all_given(scheduler) if one.feature == "late"]
        assert given
        for one in given:
            scheduler.take(ended(one))
