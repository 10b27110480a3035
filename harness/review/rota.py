"""Whose turn it is to ask. Each feature goes at its own pace; all share the lanes.

One trial of each feature in turn, as long as the trial's lane has room. A feature whose part is
answered goes on at once, whatever the others still wait for.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.replay.governor import lane_of
from harness.review.course import Halt, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.replay.governor import Lane
    from harness.review.batch_post import BatchPost
    from harness.review.course import Stage
    from harness.review.rooms import Rooms
    from harness.trials import Outcome, Trial


@dataclass(slots=True, kw_only=True)
class Turn:
    """One feature: its course, the stage that it is at, and what it has on its way."""

    feature: str
    stages: Iterator[Stage]
    stage: Stage | None = None
    """None: the course has ended."""
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
        if isinstance(self.stage, Part):
            self.stage.take(outcome)

    def give(self) -> Trial | None:
        """The next trial, which is on its way now."""
        given, self.next = self.next, None
        self.open += 1
        return given

    def peek(self) -> Trial | None:
        """The next trial of the part; None when all were given out."""
        if self.next is None and isinstance(self.stage, Part):
            self.next = next(self.stage.trials, None)
            self.given = self.next is None
        return self.next

    @property
    def is_answered(self) -> bool:
        """The part has every outcome."""
        return self.given and not self.open


class Rota:
    """The trials of all features as one source, for as long as some feature may ask.

    It gives None while everything that can be asked is on its way, and ends at a quiet point:
    when nothing is. Used from one thread.
    """

    def __init__(
        self, courses: Mapping[str, Iterator[Stage]], rooms: Rooms, post: BatchPost | None
    ) -> None:
        self._turns = {name: Turn(feature=name, stages=stages) for name, stages in courses.items()}
        self._ready = deque(self._turns.values())
        """May enter their next stage."""
        self._asking: deque[Turn] = deque()
        self._parked: defaultdict[Lane, deque[Turn]] = defaultdict(deque)
        """Asking, and their next trial's lane is full."""
        self._halted: dict[Halt, list[Turn]] = {halt: [] for halt in Halt}
        self._open = 0
        self._rooms = rooms
        self._post = post

    @property
    def has_ended(self) -> bool:
        """Every course has."""
        return not (self._ready or self._asking or self._open or any(self._halted.values()))

    def quiet(self) -> None:
        """Nothing runs: those who waited for that go on, one after the other."""
        while waiting := self._halted[Halt.QUIET]:
            self._enter(waiting.pop(0))

    def take(self, outcome: Outcome) -> None:
        """Read the outcome of a trial that was given out."""
        self._leave_room(lane_of(outcome.trial))
        self._open -= 1
        turn = self._turns[outcome.trial.feature]
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
            if self._post is None or self._halted[Halt.QUIET] or not self._halted[Halt.BATCHES]:
                raise StopIteration
            self._post.wait()

    def _go_on(self) -> None:
        """Let everyone enter the next stage who can; those who do so together share batches."""
        while True:
            while self._ready:
                self._enter(self._ready.popleft())
            if self._post is None or not self._post.has_mail:
                return
            self._read_batches(self._post)

    def _enter(self, turn: Turn) -> None:
        stage = turn.go_on()
        if isinstance(stage, Part):
            self._asking.append(turn)
        elif stage is Halt.BATCHES and not (self._post and self._post.awaits(turn.feature)):
            self._ready.append(turn)
        elif stage is not None:
            self._halted[stage].append(turn)

    def _read_batches(self, post: BatchPost) -> None:
        post.exchange()
        waiting, self._halted[Halt.BATCHES] = self._halted[Halt.BATCHES], []
        for turn in waiting:
            (self._halted[Halt.BATCHES] if post.awaits(turn.feature) else self._ready).append(turn)

    def _give(self) -> Trial | None:
        while self._asking:
            turn = self._asking.popleft()
            trial = turn.peek()
            if trial is None:
                if turn.is_answered:
                    self._ready.append(turn)
                continue
            lane = lane_of(trial)
            if self._rooms.take(lane):
                self._asking.append(turn)
                self._open += 1
                return turn.give()
            self._parked[lane].append(turn)
        return None

    def _leave_room(self, lane: Lane) -> None:
        self._rooms.leave(lane)
        if self._parked[lane]:
            self._asking.append(self._parked[lane].popleft())
