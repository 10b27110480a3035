"""Queues of trials: from the caller to the engine, by lane and feature, and for retries."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heapify, heappop, heappush
from itertools import count
from queue import Empty, Full, Queue
from types import MappingProxyType
from typing import Literal, TypeAlias

from harness.ask.replay.governor import Slot, lane_of
from harness.ask.replay.throttle import Uses
from harness.journal.trials import Attempt, Lane, Trial


class _End(Enum):
    END = "end"


_Given: TypeAlias = "Trial | Literal[_End.END]"


class Feed:
    """A bounded queue that the caller tops up and the engine empties."""

    def __init__(self, size: int) -> None:
        self._queue: Queue[_Given] = Queue(size)
        self._held: _Given | None = None
        self._source_empty = False
        self.dry = False
        """The source was empty when it was last read, but has not ended."""
        self.ended = False
        """The engine has taken the last trial."""

    def top_up(self, source: Iterator[Trial | None]) -> None:
        """Read the source until the queue is full; the caller's side.

        None: the source has nothing at the moment; it is read again at the next call.
        """
        self.dry = False
        while not self._source_empty:
            given = self._held or _next(source)
            if given is None:
                self.dry = True
                return
            try:
                self._queue.put_nowait(given)
            except Full:
                self._held = given
                return
            self._held = None
            self._source_empty = given is _End.END

    def take(self, most: int, wait_s: float) -> list[Trial]:
        """Take up to `most` trials, waiting `wait_s` for the first; the engine's side."""
        taken: list[Trial] = []
        while not self.ended and len(taken) < most:
            try:
                given = (
                    self._queue.get(timeout=0 if taken else wait_s)
                    if wait_s
                    else self._queue.get_nowait()
                )
            except Empty:
                break
            if given is _End.END:
                self.ended = True
            else:
                taken.append(given)
        return taken


def _next(source: Iterator[Trial | None]) -> _Given | None:
    try:
        return next(source)
    except StopIteration:
        return _End.END


NOTHING_HELD: Mapping[str, int] = MappingProxyType({})
NO_SLOT = Slot(Uses(), 0.0)


@dataclass(slots=True)
class Pending:
    """A trial without an outcome: its attempts so far, and when the first one began."""

    trial: Trial
    lane: Lane
    attempts: list[Attempt] = field(default_factory=list)
    counted: int = 0
    """Attempts that count against the retry budget."""
    began: float | None = None
    row: int = 0
    """Journal row of the attempt in flight."""
    slot: Slot = NO_SLOT


class LaneQueue:
    """A lane's trials: of the feature with the fewest calls in flight, in turn; retries first."""

    def __init__(self) -> None:
        self._features: dict[str, deque[Pending]] = {}
        """By turn: who gave one goes to the back."""
        self._again: dict[str, deque[Pending]] = {}

    def __bool__(self) -> bool:
        return bool(self._features)

    def add(self, pending: Pending) -> None:
        """Append to the queue of the trial's feature."""
        self._features.setdefault(pending.trial.feature, deque()).append(pending)

    def again(self, pending: Pending) -> None:
        """Queue a retry, ahead of every new trial of its feature."""
        feature = pending.trial.feature
        self._features.setdefault(feature, deque())
        self._again.setdefault(feature, deque()).append(pending)

    def first(self, held: Mapping[str, int]) -> Pending:
        """The next trial, still queued; `held` is how many calls each feature has in flight."""
        feature = min(self._features, key=lambda name: held.get(name, 0))
        return (self._again.get(feature) or self._features[feature])[0]

    def pop(self, pending: Pending) -> Pending:
        """Take the first trial out; its feature goes to the back."""
        feature = pending.trial.feature
        fresh, again = self._features.pop(feature), self._again.get(feature)
        (again or fresh).popleft()
        if again or fresh:
            self._features[feature] = fresh
        return pending


class Backlog:
    """One queue per lane, and a timer for retries."""

    def __init__(self) -> None:
        self._ready: dict[Lane, LaneQueue] = {}
        self._later: list[tuple[float, int, Pending]] = []
        self._order = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, trial: Trial, attempts: Sequence[Attempt] = ()) -> None:
        """Queue a new trial, with the attempts that earlier runs made for it."""
        pending = Pending(trial, lane_of(trial), attempts=list(attempts))
        self._queue(pending.lane).add(pending)
        self._size += 1

    def again(self, pending: Pending, due: float) -> None:
        """Schedule a retry for `due` or later."""
        heappush(self._later, (due, next(self._order), pending))
        self._size += 1

    def wake(self, now: float) -> float:
        """Queue the retries that are due; returns seconds until the next one (inf: none)."""
        while self._later and self._later[0][0] <= now:
            pending = heappop(self._later)[2]
            self._queue(pending.lane).again(pending)
        return self._later[0][0] - now if self._later else float("inf")

    def lanes(self) -> Sequence[Lane]:
        """Lanes with trials that could go now."""
        return [lane for lane, queue in self._ready.items() if queue]

    def first(self, lane: Lane, held: Mapping[str, int] = NOTHING_HELD) -> Pending | None:
        """The next trial of a lane, still queued; `held`: calls in flight there, by feature."""
        queue = self._ready[lane]
        return queue.first(held) if queue else None

    def pop(self, first: Pending) -> Pending:
        """Take out the first trial of its lane."""
        self._size -= 1
        return self._ready[first.lane].pop(first)

    def clear(self, lane: Lane | None = None) -> Iterator[Pending]:
        """Remove and yield every trial, or every trial of one lane, retries included."""
        for queue in [q for key, q in self._ready.items() if lane in {None, key}]:
            while queue:
                self._size -= 1
                yield queue.pop(queue.first(NOTHING_HELD))
        kept = [entry for entry in self._later if lane not in {None, entry[2].lane}]
        gone = [entry[2] for entry in self._later if lane in {None, entry[2].lane}]
        self._later = kept
        heapify(self._later)
        self._size -= len(gone)
        yield from gone

    def _queue(self, lane: Lane) -> LaneQueue:
        return self._ready.setdefault(lane, LaneQueue())
