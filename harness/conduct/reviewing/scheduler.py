"""Which trial is asked next, over all features of a review.

Features take turns, one trial each, as long as the trial's lane has quota left. Without a quota for
each lane the trials of a slow one would fill the window, and fast lanes would idle. A feature whose
stage is answered enters its next one at once, whatever the others still wait for. In order, the
first feature goes before all others, which get the quota that it leaves: its document is there
early.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Self

from harness.ask.replay.engine import WINDOW
from harness.ask.replay.governor import lane_of
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.throttle import MOST_KEPT, LaneLimits
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.reviewing.feature_review import (
    BatchQueue,
    FeatureReview,
    Halt,
    Stage,
    TrialSet,
)
from harness.conduct.reviewing.foreseen import Foreseen
from harness.conduct.reviewing.latency_pass import LivePass
from harness.conduct.reviewing.session import ReviewSession, Runtime, lane_limits
from harness.journal.trials import Lane, Outcome, Trial
from harness.plan.model import Plan
from harness.plan.pricing import likely_output

ROUNDS = 2
"""A lane's answers may come at once, and as many trials must be there to follow them."""
OWN_QUOTA = ROUNDS * MOST_KEPT
"""Trials of a feature that may run in a lane even while other features fill it."""
LOOK_AHEAD = 8
"""Trials of a feature among which one is sought whose lane has quota left."""


class LaneQuotas:
    """How many trials may run in each lane, and how many of each feature do.

    `in_order`: no more than keep a lane busy, for a trial that runs cannot be overtaken.
    """

    def __init__(self, limits: Mapping[Lane, LaneLimits], *, in_order: bool = False) -> None:
        spare = 0 if in_order else WINDOW // max(len(limits), 1)
        self._own = 0 if in_order else OWN_QUOTA
        self._free = {
            lane: ROUNDS * granted.max_concurrency + spare for lane, granted in limits.items()
        }
        self._taken: Counter[tuple[Lane, str]] = Counter()
        own = self._own * sum(one.features for one in limits.values())
        self.window = 2 * (sum(self._free.values()) + own)
        """For the engine: twice what all quotas allow, as it reads on until half of it is full."""

    def take(self, lane: Lane, feature: str) -> bool:
        """Count a trial in; False while the lane is full, and the feature's own quota, too."""
        if self._free[lane] <= 0 and self._taken[lane, feature] >= self._own:
            return False
        self._free[lane] -= 1
        self._taken[lane, feature] += 1
        return True

    def give_back(self, lane: Lane, feature: str) -> None:
        """Its trial has ended."""
        self._free[lane] += 1
        self._taken[lane, feature] -= 1


@dataclass(slots=True, kw_only=True, eq=False)
class FeatureQueue:
    """One feature: its stages, the one that it is at, and the trials of that one."""

    feature: str
    place: int
    """Among the features, the first one's 0."""
    stages: Iterator[Stage]
    stage: Stage | None = None
    """None: the review of the feature has ended."""
    coming: deque[Trial] = field(default_factory=deque["Trial"])
    """Read from the stage and not given out yet."""
    open: int = 0
    """Trials that were given out and have no outcome yet."""
    read_out: bool = False
    """The stage has no more trials than those that were read from it."""

    def go_on(self) -> Stage | None:
        """Enter the next stage."""
        self.stage = next(self.stages, None)
        self.read_out = False
        return self.stage

    def read(self, outcome: Outcome) -> None:
        """Take the outcome of one of the stage's trials."""
        self.open -= 1
        if isinstance(self.stage, TrialSet):
            self.stage.take(outcome)

    def give(self, trial: Trial) -> Trial:
        """Give out one of those that come next."""
        self.coming.remove(trial)
        self.open += 1
        return trial

    def peek(self) -> Trial | None:
        """The next trial of the stage; None when all were given out."""
        return next(iter(self.look_ahead(1)), None)

    def look_ahead(self, most: int = LOOK_AHEAD) -> tuple[Trial, ...]:
        """The next trials of the stage, at most so many."""
        while isinstance(self.stage, TrialSet) and len(self.coming) < most and not self.read_out:
            trial = next(self.stage.trials, None)
            self.read_out = trial is None
            self.coming.extend([] if trial is None else [trial])
        return tuple(self.coming)

    @property
    def is_answered(self) -> bool:
        """Whether the stage has every outcome."""
        return self.read_out and not self.coming and not self.open


class Scheduler:
    """The trials of all features as one source, for as long as some feature may ask.

    It gives None while everything that can be asked runs, and ends when nothing runs. `in_order`:
    whoever comes first in `reviews` goes first. `ended` is called with each feature whose review
    has ended. Used from one thread.
    """

    def __init__(
        self,
        reviews: Mapping[str, Iterator[Stage]],
        quotas: LaneQuotas,
        batch_queue: BatchQueue | None,
        *,
        in_order: bool = False,
        ended: Callable[[str], object] = len,
    ) -> None:
        self._queues = {
            name: FeatureQueue(feature=name, place=place, stages=stages)
            for place, (name, stages) in enumerate(reviews.items())
        }
        self._in_order = in_order
        self._tell_ended = ended
        self._ready = deque(self._queues.values())
        """May enter their next stage."""
        self._asking: deque[FeatureQueue] = deque()
        self._parked: defaultdict[Lane, deque[FeatureQueue]] = defaultdict(deque)
        """Asking, and their next trial's lane is full."""
        self._halted: dict[Halt, list[FeatureQueue]] = {halt: [] for halt in Halt}
        self._open = 0
        self._quotas = quotas
        self._batch_queue = batch_queue

    @property
    def has_ended(self) -> bool:
        """Whether every feature's review has ended."""
        return not (self._ready or self._asking or self._open or any(self._halted.values()))

    def quiet(self) -> None:
        """Nothing runs: the features that waited for that go on, one after the other."""
        while waiting := self._halted[Halt.QUIET]:
            self._enter(waiting.pop(0))

    def take(self, outcome: Outcome) -> None:
        """Read the outcome of a trial that was given out."""
        queue = self._queues[outcome.trial.feature]
        self._give_back(lane_of(outcome.trial), queue)
        self._open -= 1
        queue.read(outcome)
        if queue.is_answered:
            self._ready.append(queue)

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Trial | None:
        """The next trial; None: none before more outcomes are taken, or a batch has ended."""
        while True:
            self._go_on()
            trial = self._give_in_order() if self._in_order else self._give()
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
        """Let every feature that can enter its next stage; those that do together share batches."""
        while True:
            while self._ready:
                self._enter(self._ready.popleft())
            if self._batch_queue is None or not self._batch_queue.is_due:
                return
            self._read_batches(self._batch_queue)

    def _enter(self, queue: FeatureQueue) -> None:
        stage = queue.go_on()
        if isinstance(stage, TrialSet):
            self._asking.append(queue)
        elif stage is Halt.BATCHES and not (
            self._batch_queue and self._batch_queue.awaits(queue.feature)
        ):
            self._ready.append(queue)
        elif stage is not None:
            self._halted[stage].append(queue)
        else:
            self._tell_ended(queue.feature)

    def _read_batches(self, batch_queue: BatchQueue) -> None:
        batch_queue.send_and_read()
        waiting, self._halted[Halt.BATCHES] = self._halted[Halt.BATCHES], []
        for queue in waiting:
            (
                self._halted[Halt.BATCHES] if batch_queue.awaits(queue.feature) else self._ready
            ).append(queue)

    def _give(self) -> Trial | None:
        while self._asking:
            queue = self._asking.popleft()
            trial = queue.peek()
            if trial is None:
                if queue.is_answered:
                    self._ready.append(queue)
                continue
            lane = lane_of(trial)
            if self._quotas.take(lane, queue.feature):
                self._asking.append(queue)
                self._open += 1
                return queue.give(trial)
            self._parked[lane].append(queue)
        return None

    def _give_in_order(self) -> Trial | None:
        """A later feature is asked where all before it have nothing to ask, or no quota left."""
        for queue in sorted(self._asking, key=lambda each: each.place):
            coming = queue.look_ahead()
            for trial in coming:
                if self._quotas.take(lane_of(trial), queue.feature):
                    self._open += 1
                    return queue.give(trial)
            if not coming:
                self._asking.remove(queue)
                if queue.is_answered:
                    self._ready.append(queue)
        return None

    def _give_back(self, lane: Lane, queue: FeatureQueue) -> None:
        self._quotas.give_back(lane, queue.feature)
        parked = self._parked[lane]
        if queue in parked:
            parked.remove(queue)
            self._asking.append(queue)
        if parked:
            self._asking.append(parked.popleft())


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A review after its last call: the run of each feature, and what was spent."""

    runs: Mapping[str, FeatureRun]
    ledger: Ledger


def run_plan(
    plan: Plan,
    served: Mapping[str, str],
    engine: Runtime,
    ended: Callable[[FeatureRun], object] = id,
) -> Replayed:
    """Ask until nothing is wanted, each feature at its own pace.

    Latency is measured while nothing else runs: of the incumbents first of all (in order last),
    and of an option that passed on quality when no feature has anything to ask; our own load, or
    a worker that is busy with other lanes, would make a model look slow.

    Args:
        plan: what to ask.
        served: address of each model that was started for this review, by model.
        engine: what it runs on.
        ended: told of each feature that has nothing more to ask.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
        NotInJournalError: without a cluster, at the first answer that the journal lacks.
    """
    session = ReviewSession(plan, served, engine)
    if engine.cluster is not None:
        session.write_plans()
    live, batch_queue = LivePass(session), BatchQueue.of(session)
    if not engine.in_order:
        live.measure_incumbents()
    reviews = {
        name: _stages(run, session, live, batch_queue) for name, run in _in_turn(session).items()
    }
    quotas = LaneQuotas(lane_limits(session.runs.values()), in_order=engine.in_order)
    scheduler = Scheduler(
        reviews,
        quotas,
        batch_queue,
        in_order=engine.in_order,
        ended=lambda name: ended(session.runs[name]),
    )
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


def _stages(
    run: FeatureRun, session: ReviewSession, live: LivePass, batch_queue: BatchQueue | None
) -> Iterator[Stage]:
    return FeatureReview(
        run=run, session=session, live=live, batch_queue=batch_queue, foreseen=Foreseen(run)
    ).stages()


def _in_turn(session: ReviewSession) -> Mapping[str, FeatureRun]:
    """The runs; in order, first those that expect the fewest tokens of answers.

    These take a model on this machine most of its time, so a document is there early.
    """

    def tokens(run: FeatureRun) -> int:
        money = run.plan.money
        return 0 if money is None else money.expected_calls * likely_output(run.plan.asker)

    if not session.engine.in_order:
        return session.runs
    return {run.plan.feature: run for run in sorted(session.runs.values(), key=tokens)}
