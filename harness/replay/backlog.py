"""Trials that wait for their turn: by lane, and those that wait to be asked again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from harness.replay.governor import Lane, lane_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.trials import Attempt, Trial


@dataclass(slots=True)
class Pending:
    """A trial on its way: what was tried so far, and when the first try began."""

    trial: Trial
    lane: Lane
    attempts: list[Attempt] = field(default_factory=list)
    counted: int = 0
    """Attempts that count against the retry budget."""
    began: float | None = None
    row: int = 0
    """Journal row of the attempt in flight."""


class Backlog:
    """Queues by lane; what is due again goes to the front of its lane."""

    def __init__(self) -> None:
        self._ready: dict[Lane, deque[Pending]] = {}
        self._later: list[tuple[float, int, Pending]] = []
        self._order = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, trial: Trial) -> None:
        """Queue a new trial."""
        pending = Pending(trial, lane_of(trial))
        self._ready.setdefault(pending.lane, deque()).append(pending)
        self._size += 1

    def again(self, pending: Pending, due: float) -> None:
        """Queue a trial that is to be asked again, not before `due`."""
        heappush(self._later, (due, next(self._order), pending))
        self._size += 1

    def wake(self, now: float) -> float:
        """Move what is due to the front; returns seconds until the next is (inf: none)."""
        while self._later and self._later[0][0] <= now:
            pending = heappop(self._later)[2]
            self._ready.setdefault(pending.lane, deque()).appendleft(pending)
        return self._later[0][0] - now if self._later else float("inf")

    def lanes(self) -> Sequence[Lane]:
        """Lanes with trials that could go now."""
        return [lane for lane, queue in self._ready.items() if queue]

    def first(self, lane: Lane) -> Pending | None:
        """The next trial of a lane, still queued."""
        queue = self._ready[lane]
        return queue[0] if queue else None

    def pop(self, lane: Lane) -> Pending:
        """Take the next trial of a lane out."""
        self._size -= 1
        return self._ready[lane].popleft()

    def clear(self, lane: Lane | None = None) -> Iterator[Pending]:
        """Take out everything, or everything of a lane, asked again or not."""
        for queue in [q for key, q in self._ready.items() if lane in {None, key}]:
            while queue:
                self._size -= 1
                yield queue.popleft()
        later, self._later = self._later, []
        for entry in later:
            if lane in {None, entry[2].lane}:
                self._size -= 1
                yield entry[2]
            else:
                heappush(self._later, entry)
