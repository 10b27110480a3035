"""Which trial is asked next, over all features of a review.

Features take turns, one trial each, as long as the trial's lane has quota left. Without a quota for
each lane the trials of a slow one would fill the window, and fast lanes would idle. A feature whose
step is answered goes on at once, whatever the others still wait for.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Self

from harness.ask.replay.engine import WINDOW
from harness.ask.replay.governor import lane_of
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.places import MOST_KEPT
from harness.ask.replay.throttle import LaneLimits
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.reviewing.feature_review import (
    BatchQueue,
    FeatureReview,
    Halt,
    Stage,
    TrialSet,
)
from harness.conduct.reviewing.latency_pass import LivePass
from harness.conduct.reviewing.session import ReviewSession, Runtime, lane_limits
from harness.journal.trials import Lane, Outcome, Trial
from harness.plan.model import Plan

ROUNDS = 2
"""A lane's answers may come at once, and as many trials must be there to follow them."""
OWN_ROOM = ROUNDS * MOST_KEPT
"""Trials of a feature that may run in a lane even while other features fill it."""


class LaneQuotas:
    """The room of each lane, and how much of it is taken, and by whom."""

    def __init__(self, limits: Mapping[Lane, LaneLimits]) -> None:
        spare = WINDOW // max(len(limits), 1)
        self._free = {
            lane: ROUNDS * granted.max_concurrency + spare for lane, granted in limits.items()
        }
        self._taken: Counter[tuple[Lane, str]] = Counter()
        own = OWN_ROOM * sum(one.features for one in limits.values())
        self.window = 2 * (sum(self._free.values()) + own)
        """A window that takes in what all rooms hold; half of a window is always taken in."""

    def take(self, lane: Lane, feature: str) -> bool:
        """Take a place; False while the room is full, and the feature's own part of it, too."""
        if self._free[lane] <= 0 and self._taken[lane, feature] >= OWN_ROOM:
            return False
        self._free[lane] -= 1
        self._taken[lane, feature] += 1
        return True

    def leave(self, lane: Lane, feature: str) -> None:
        """Give a place back."""
        self._free[lane] += 1
        self._taken[lane, feature] -= 1


@dataclass(slots=True, kw_only=True, eq=False)
class FeatureQueue:
    """One feature: its steps, the one that it is at, and its trials that are on their way."""

    feature: str
    stages: Iterator[Stage]
    stage: Stage | None = None
    """None: the review of the feature has ended."""
    next: Trial | None = None
    open: int = 0
    """Trials that were given out and have no outcome yet."""
    given: bool = False
    """Every trial of the part was given out."""

    def go_on(self) -> Stage | None:
        """Enter the next stage."""
        self.stage = next(self.stages, None)
        self.given = False
        return self.stage

    def read(self, outcome: Outcome) -> None:
        """Take the outcome of one of the part's trials."""
        self.open -= 1
        if isinstance(self.stage, TrialSet):
            self.stage.take(outcome)

    def give(self) -> Trial | None:
        """The next trial, which is on its way now."""
        given, self.next = self.next, None
        self.open += 1
        return given

    def peek(self) -> Trial | None:
        """The next trial of the part; None when all were given out."""
        if self.next is None and isinstance(self.stage, TrialSet):
            self.next = next(self.stage.trials, None)
            self.given = self.next is None
        return self.next

    @property
    def is_answered(self) -> bool:
        """The part has every outcome."""
        return self.given and not self.open


class Scheduler:
    """The trials of all features as one source, for as long as some feature may ask.

    It gives None while everything that can be asked is on its way, and ends at a quiet point:
    when nothing is. Used from one thread.
    """

    def __init__(
        self,
        reviews: Mapping[str, Iterator[Stage]],
        quotas: LaneQuotas,
        batch_queue: BatchQueue | None,
    ) -> None:
        self._turns = {
            name: FeatureQueue(feature=name, stages=stages) for name, stages in reviews.items()
        }
        self._ready = deque(self._turns.values())
        """May enter their next stage."""
        self._asking: deque[FeatureQueue] = deque()
        self._parked: defaultdict[Lane, deque[FeatureQueue]] = defaultdict(deque)
        """Asking, and their next trial's lane is full."""
        self._halted: dict[Halt, list[FeatureQueue]] = {halt: [] for halt in Halt}
        self._open = 0
        self._rooms = quotas
        self._batch_queue = batch_queue

    @property
    def has_ended(self) -> bool:
        """Every feature has."""
        return not (self._ready or self._asking or self._open or any(self._halted.values()))

    def quiet(self) -> None:
        """Nothing runs: those who waited for that go on, one after the other."""
        while waiting := self._halted[Halt.QUIET]:
            self._enter(waiting.pop(0))

    def take(self, outcome: Outcome) -> None:
        """Read the outcome of a trial that was given out."""
        turn = self._turns[outcome.trial.feature]
        self._leave_room(lane_of(outcome.trial), turn)
        self._open -= 1
        turn.read(outcome)
        if turn.is_answered:
            self._ready.append(turn)

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Trial | None:
        """The next trial; None: not before there are more outcomes, or time has passed."""
        while True:
            self._go_on()
            trial = self._give()
            if trial is not None:
                return trial
            if self._ready:
                continue
            if self._open:
                return None
            if (
                self._batch_queue is None
                or self._halted[Halt.QUIET]
                or not self._halted[Halt.BATCHES]
            ):
                raise StopIteration
            self._batch_queue.wait()

    def _go_on(self) -> None:
        """Let everyone enter the next stage who can; those who do so together share batches."""
        while True:
            while self._ready:
                self._enter(self._ready.popleft())
            if self._batch_queue is None or not self._batch_queue.has_mail:
                return
            self._read_batches(self._batch_queue)

    def _enter(self, turn: FeatureQueue) -> None:
        stage = turn.go_on()
        if isinstance(stage, TrialSet):
            self._asking.append(turn)
        elif stage is Halt.BATCHES and not (
            self._batch_queue and self._batch_queue.awaits(turn.feature)
        ):
            self._ready.append(turn)
        elif stage is not None:
            self._halted[stage].append(turn)

    def _read_batches(self, batch_queue: BatchQueue) -> None:
        batch_queue.exchange()
        waiting, self._halted[Halt.BATCHES] = self._halted[Halt.BATCHES], []
        for turn in waiting:
            (
                self._halted[Halt.BATCHES] if batch_queue.awaits(turn.feature) else self._ready
            ).append(turn)

    def _give(self) -> Trial | None:
        while self._asking:
            turn = self._asking.popleft()
            trial = turn.peek()
            if trial is None:
                if turn.is_answered:
                    self._ready.append(turn)
                continue
            lane = lane_of(trial)
            if self._rooms.take(lane, turn.feature):
                self._asking.append(turn)
                self._open += 1
                return turn.give()
            self._parked[lane].append(turn)
        return None

    def _leave_room(self, lane: Lane, turn: FeatureQueue) -> None:
        self._rooms.leave(lane, turn.feature)
        parked = self._parked[lane]
        if turn in parked:
            parked.remove(turn)
            self._asking.append(turn)
        if parked:
            self._asking.append(parked.popleft())


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A review after its last call: what every ready feature found, and what was spent."""

    runs: Mapping[str, FeatureRun]
    ledger: Ledger


def run_plan(plan: Plan, served: Mapping[str, str], engine: Runtime) -> Replayed:
    """Ask until nothing is wanted, each feature at its own pace.

    Latency is measured while nothing else runs: of the incumbents first of all, and of an option
    that passed on quality when no feature has anything to ask; our own load, or a worker that is
    busy with other lanes, would make a model look slow.

    Args:
        plan: what to ask.
        served: address of each model that was started for this review, by model.
        engine: what it runs on.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
        NotInJournalError: without a cluster, at the first answer that the journal lacks.
    """
    session = ReviewSession(plan, served, engine)
    if engine.cluster is not None:
        session.write_plans()
    live, batch_queue = LivePass(session), BatchQueue.of(session)
    live.measure_incumbents()
    reviews = {
        name: FeatureReview(run=run, session=session, live=live, batch_queue=batch_queue).stages()
        for name, run in session.runs.items()
    }
    quotas = LaneQuotas(lane_limits(session.runs.values()))
    scheduler = Scheduler(reviews, quotas, batch_queue)
    while not scheduler.has_ended:
        answers = session.replay(
            scheduler, window=quotas.window, others_settle=batch_queue is not None
        )
        with closing(answers) as outcomes:
            for outcome in outcomes:
                scheduler.take(outcome)
        scheduler.quiet()
    # From the journal alone nothing is asked: a review that it cannot make leaves no plan.
    session.write_plans()
    return Replayed(runs=session.runs, ledger=session.ledger)
