"""Queues of trials: from the caller to the engine, by lane and feature, and for retries."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heapify, heappop, heappush
from itertools import count
from queue import Empty, Full, Queue
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
    """A lane's trials: retries first, then one feature after the other (round robin)."""

    def __init__(self) -> None:
        self._again: deque[Pending] = deque()
        self._features: dict[str, deque[Pending]] = {}
        self._turns: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._again or self._turns)

    def add(self, pending: Pending) -> None:
        """Append to the queue of the trial's feature."""
        feature = pending.trial.feature
        if feature not in self._features:
            self._features[feature] = deque()
            self._turns.append(feature)
        self._features[feature].append(pending)

    def again(self, pending: Pending) -> None:
        """Queue a retry, ahead of every new trial."""
        self._again.append(pending)

    def first(self) -> Pending:
        """The next trial, still queued."""
        return self._again[0] if self._again else self._features[self._turns[0]][0]

    def pop(self) -> Pending:
        """Take the next trial; its feature goes to the back."""
        if self._again:
            return self._again.popleft()
        feature = self._turns.popleft()
        pending = self._features[feature].popleft()
        if self._features[feature]:
            self._turns.append(feature)
        else:
            del self._features[feature]
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

    def first(self, lane: Lane) -> Pending | None:
        """The next trial of a lane, still queued."""
        queue = self._ready[lane]
        return queue.first() if queue else None

    def pop(self, lane: Lane) -> Pending:
        """Take the next trial of a lane out."""
        self._size -= 1
        return self._ready[lane].pop()

    def clear(self, lane: Lane | None = None) -> Iterator[Pending]:
        """Remove and yield every trial, or every trial of one lane, retries included."""
        for queue in [q for key, q in self._ready.items() if lane in {None, key}]:
            while queue:
                self._size -= 1
                yield queue.pop()
        kept = [entry for entry in self._later if lane not in {None, entry[2].lane}]
        gone = [entry[2] for entry in self._later if lane in {None, entry[2].lane}]
        self._later = kept
        heapify(self._later)
        self._size -= len(gone)
        yield from gone

    def _queue(self, lane: Lane) -> LaneQueue:
        return self._ready.setdefault(lane, LaneQueue())
