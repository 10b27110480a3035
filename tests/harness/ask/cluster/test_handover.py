"""Whose calls a hand-over makes, in what order, and within which width; both sides are scripted."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.handover import HandoverCluster
from harness.ask.cluster.workers import Done, Ended, InlineCluster
from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.errors import RightsizeError
from harness.journal.journal import Journal
from harness.journal.trials import Answered, Missing
from tests.support.scripted_worker import FACTORY
from tests.support.trials import CENT, calls, scripted, usd_per_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster, WorkerPool
    from harness.journal.trials import Outcome, Trial


@dataclass(eq=False)
class Scripted:
    """A pool whose tasks end when the test says so."""

    size: int = 1
    given: list[object] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(100))
    by_number: dict[int, object] = field(default_factory=dict)

    def size_at(self, server_url: str | None) -> int:
        del server_url
        return self.size

    def send(self, payloads: Sequence[object]) -> Sequence[int]:
        numbers = [next(self.numbers) for _ in payloads]
        self.by_number |= dict(zip(numbers, payloads, strict=True))
        self.given += payloads
        return numbers

    def receive(self, timeout_s: float) -> Sequence[Ended]:
        del timeout_s
        ended, self.ends = self.ends, []
        return ended

    def end(self, payload: object) -> None:
        number = next(n for n, one in self.by_number.items() if one == payload)
        self.ends.append(Done(task=number, result=payload))


@dataclass(eq=False)
class Late:
    """A cluster that has started when the test says so."""

    inner: Cluster | Scripted | RightsizeError
    started: threading.Event = field(default_factory=threading.Event)
    opened: list[str] = field(default_factory=list)
    ends: bool = False

    def begin_shutdown(self) -> None:
        self.ends = True

    def wait(self) -> None:
        assert self.started.wait(60)

    def pool(self, factory: str) -> WorkerPool:
        self.opened.append(factory)
        if isinstance(self.inner, RightsizeError):
            raise self.inner
        return self.inner if isinstance(self.inner, Scripted) else self.inner.pool(factory)


@dataclass(eq=False)
class Here:
    scripted: Scripted

    def pool(self, factory: str) -> WorkerPool:
        del factory
        return self.scripted


@dataclass(frozen=True)
class Asked:
    name: str
    lane: str = "a"
    width: int | None = None
    waits: bool = True


def begun(both: HandoverCluster, late: Late) -> None:
    """Let the second cluster come, and wait until it has."""
    late.started.set()
    for opener in both._openers:  # the only thing to wait for
        opener.join(60)


def test_what_is_begun_here_ends_here_and_all_else_goes_there() -> None:
    first, second = Scripted(), Scripted(size=3)
    late = Late(second)
    with closing(HandoverCluster(Here(first), late, print)) as both:
        pool = both.pool("any")
        one, two = pool.send(["one", "two"])
        assert pool.size == pool.size_at("http://x") == 1
        begun(both, late)
        first.end("two")
        assert [end.task for end in pool.receive(0)] == [two]
        assert pool.size == pool.size_at("http://x") == 3
        (three,) = pool.send(["three"])
        assert (first.given, second.given) == (["one", "two"], ["three"])
        first.end("one")
        second.end("three")
        assert sorted(pool.receive(0), key=lambda end: end.task) == [
            Done(task=one, result="one"),
            Done(task=three, result="three"),
        ]
        assert both.pool("any") is pool


def test_both_sides_together_keep_to_a_lanes_width() -> None:
    first, second = Scripted(), Scripted(size=2)
    late = Late(second)
    with closing(HandoverCluster(Here(first), late, print)) as both:
        pool = both.pool("any")
        # Four may be on the wire; two more wait at the one worker.
        pool.send(begun_here := [Asked(f"here {n}", width=4) for n in range(6)])
        begun(both, late)
        pool.receive(0)
        new = [Asked(f"there {n}", width=2) for n in range(3)]
        kept = Asked("kept", width=2, waits=False)
        other = Asked("other", lane="b", width=1)
        numbers = pool.send([*new, kept, other])
        assert second.given == [kept, other]
        for done, on_their_way in ((2, 0), (3, 1), (4, 2), (5, 3)):
            while len(first.by_number) > 6 - done:
                number, payload = next(iter(first.by_number.items()))
                first.ends.append(Done(task=number, result=payload))
                del first.by_number[number]
            pool.receive(0)
            assert second.given[2:] == new[:on_their_way]
        for payload in new:
            second.end(payload)
        assert [end.task for end in pool.receive(0)] == numbers[:3]
        assert len(begun_here) == len(first.given)


def test_a_cluster_that_never_comes_is_told_once_and_this_process_goes_on() -> None:
    first, told = Scripted(), list[str]()
    late = Late(RightsizeError("Ray did not start on this machine"))
    with closing(HandoverCluster(Here(first), late, told.append)) as both:
        pool = both.pool("any")
        begun(both, late)
        for name in ("one", "two"):
            (number,) = pool.send([name])
            first.end(name)
            assert list(pool.receive(0)) == [Done(task=number, result=name)]
    (line,) = told
    assert line.startswith("warning: Ray did not start on this machine. This process goes on")


def test_a_cluster_that_is_shut_down_ends_at_once_but_not_while_it_is_opened() -> None:
    for opened in (True, False):
        late = Late(Scripted())
        with closing(HandoverCluster(Here(Scripted()), late, print)) as both:
            both.pool("any")
            if opened:
                begun(both, late)
            both.begin_shutdown()
            assert late.ends == opened
            begun(both, late)
        assert late.opened == ["any"] * opened


def test_nothing_is_opened_after_the_end() -> None:
    late = Late(Scripted())
    threading.Timer(0.05, late.started.set).start()
    with closing(HandoverCluster(Here(Scripted()), late, print)) as both:
        both.pool("any")
    assert not late.opened


@pytest.mark.parametrize("cap", [Decimal(1), 30 * CENT])
def test_a_replay_that_is_handed_over_asks_each_trial_once_within_the_cap(
    tmp_path: Path, cap: Decimal
) -> None:
    log, path = tmp_path / "calls", tmp_path / "journal.sqlite"
    ledger = Ledger(cap, usd_per_token)
    outcomes: list[Outcome] = []
    with InlineCluster() as here, InlineCluster() as there:
        late = Late(there)

        def trials() -> Iterator[Trial]:
            for n in range(80):
                if n == 40:
                    begun(both, late)
                yield scripted(n, log, reserve_usd=CENT)

        with (
            closing(HandoverCluster(here, late, print)) as both,
            Journal.open(path, run_id="r1", cycle="2026-Q4", now="2026-11-24T00:00:00+00:00") as j,
        ):
            run = replay(
                trials(),
                cluster=both,
                journal=j,
                governor=Governor(),
                ledger=ledger,
                retry=RetryPolicy(rng=Random(1), base_s=0.01, max_attempts=3, budget_s=5),
                factory=FACTORY,
            )
            outcomes += run
    answered = [one for one in outcomes if isinstance(one, Answered)]
    assert len(outcomes) == 80
    assert len(calls(log)) == len(set(calls(log))) == len(answered)
    assert ledger.spent_usd <= cap
    assert len(answered) == 80 or any(isinstance(one, Missing) for one in outcomes)
    assert late.opened == [FACTORY]
