"""A quality pass by the vendors' batch APIs: sent once, polled, read, and never sent twice.

Each request is in the journal before its batch is submitted, and the batch's id is before it is
polled; a run that dies meanwhile is followed by one that reads the same batch. A run that dies
between the vendor's taking the batch and its id's reaching the journal leaves it unknown: what was
set aside for it stays possibly billed, and the next run sends another. What a batch did not answer
(expired, failed, lost) is left to the caller to ask live.

There is one batch per endpoint and model, split where it would be too large. Open batches are
polled with back-off; a batch that has not ended after 26 hours is left to a later run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol

from harness.ask.replay.batch_books import (
    NO_RESULT,
    BatchBooks,
    OpenBatch,
    final_fault,
    missing,
    of_whole_batch,
    unaffordable,
)
from harness.ask.replay.batch_calls import (
    BatchCall,
    BatchReply,
    Fetch,
    Fetched,
    Poll,
    Polled,
    Submit,
    Submitted,
)
from harness.ask.replay.calls import LOST, CallFailure
from harness.ask.replay.ledger import Ledger
from harness.errors import InterruptedRunError
from harness.journal.journal import Journal
from harness.journal.trials import FaultKind, Outcome, Trial
from providers.answer import Answer
from providers.batch import BatchItem

MOST_ITEMS = 20_000
MOST_BYTES = 64 * 2**20
"""A batch beyond this is sent as several: vendors take 50,000 items and 200 MB, or more."""


def parts(
    duplicates: Mapping[str, Sequence[Trial]],
    *,
    most_items: int = MOST_ITEMS,
    most_bytes: int = MOST_BYTES,
) -> Iterator[list[str]]:
    """Fingerprints of the batches to send: one per endpoint and model, unless it is too large."""
    groups: dict[tuple[object, str], list[str]] = defaultdict(list)
    for name, (trial, *_) in duplicates.items():
        groups[trial.endpoint, trial.request.model].append(name)
    for names in groups.values():
        part: list[str] = []
        size = 0
        for name in names:
            bytes_ = _size(duplicates[name][0])
            if part and (len(part) == most_items or size + bytes_ > most_bytes):
                yield part
                part, size = [], 0
            part.append(name)
            size += bytes_
        yield part


def _size(trial: Trial) -> int:
    request = trial.request
    texts = [request.schema or "", *(tool.parameters for tool in request.tools)]
    for message in request.messages:
        texts += [message.text, *(each.data for each in (*message.images, *message.documents))]
    return sum(len(text.encode()) for text in texts)


GROWTH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """Poll intervals in seconds: from `first_s`, growing to `most_s`; time-out after `window_s`."""

    first_s: float = 2.0
    most_s: float = 60.0
    window_s: float = 26 * 3600.0


@dataclass(slots=True, kw_only=True)
class PollTimer:
    """When to poll the open batches next, and which of them have timed out."""

    back_off: BackOff
    monotonic: Callable[[], float]
    _step_s: float = 0.0
    _due: float = float("-inf")
    _waited: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def left_s(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self._due - self.monotonic())

    def begin(self) -> None:
        """A batch is new: look at once, and soon again."""
        self._step_s = self.back_off.first_s
        self.end()

    def end(self) -> None:
        """Look now, whatever is left of the wait."""
        self._due = float("-inf")

    def again(self, batches: Iterable[str]) -> None:
        """These were looked at and have not ended."""
        for batch in batches:
            self._waited[batch] = self._waited.get(batch, 0.0) + self._step_s
        self._due = self.monotonic() + self._step_s
        self._step_s = min(self._step_s * GROWTH, self.back_off.most_s)

    def are_over(self, batch: str) -> bool:
        """Whether a batch has reached the time-out."""
        return self._waited.get(batch, 0.0) >= self.back_off.window_s


FAILED = CallFailure(kind=FaultKind.BATCH_FAILED, blame="transient")


class BatchBackend(Protocol):
    """Takes batches: a vendor behind a worker, or an offline run of a model that we serve."""

    @property
    def left_alone(self) -> str:
        """What becomes of a batch when we are interrupted."""
        ...

    @property
    def then(self) -> str:
        """What the next run does about it."""
        ...

    @property
    def pause(self) -> Callable[[float], None]:
        """Sleeps for a number of seconds."""
        ...

    def ask(self, call: BatchCall) -> BatchReply:
        """The reply to one call."""
        ...

    def submit(self, submission: Submit) -> tuple[BatchReply, bool]:
        """The reply to a submission, and whether Ctrl-C came while it was waited for."""
        ...


class Batches:
    """The batches of one review. Used from one thread."""

    def __init__(  # noqa: PLR0913  # the parts of it, each replaceable
        self,
        backend: BatchBackend,
        *,
        journal: Journal,
        ledger: Ledger,
        tell: Callable[[str], None],
        back_off: BackOff,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._books = BatchBooks(journal, ledger)
        self._ledger = ledger
        self._tell = tell
        self._polls = PollTimer(back_off=back_off, monotonic=monotonic)
        self._open: dict[str, OpenBatch] = {}
        self._put_off: list[Sequence[list[Trial]]] = []
        """Batches that the cap has room for once live calls have been settled."""

    def send(self, trials: Iterable[Trial]) -> list[Outcome]:
        """Submit, one batch per model; returns the outcomes that are known without one.

        What the journal has settled, or has under way in an earlier run's batch, is not sent. A
        batch that the cap has no room for is not sent at all; its trials are `Missing`. While live
        calls hold a part of the cap it is put off.

        Raises:
            InterruptedRunError: On Ctrl-C, after the batch in hand has been journalled.
        """
        with self._interruptible():
            duplicates: dict[str, list[Trial]] = defaultdict(list)
            for trial in trials:
                duplicates[trial.fingerprint].append(trial)
            known = self._books.settled(duplicates)
            self._join(duplicates)
            self._resume(duplicates)
            for part in parts(duplicates):
                known += self._submit([duplicates[name] for name in part])
            return known

    def read(self) -> Iterator[Outcome]:
        """Wait for every batch; yield the outcomes of each when it has ended.

        A trial without an outcome here is to be asked live.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        while self.is_waiting:
            yield from self.look()
            if self.is_waiting:
                self.wait()

    def look(self) -> list[Outcome]:
        """Ask about every batch once; the outcomes of those that ended, or were waited for enough.

        What was put off is tried again.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        outcomes: list[Outcome] = []
        with self._interruptible():
            put_off, self._put_off = self._put_off, []
            for duplicates in put_off:
                outcomes += self._submit(duplicates)
            for name, batch in list(self._open.items()):
                outcomes += self._look(batch)
                if name in self._open and self._polls.are_over(name):
                    self._tell(f"batch {batch.id} has not ended; a later run reads it")
                    outcomes += self._drop(batch, FaultKind.BATCH_NOT_ENDED)
        self._polls.again(self._open)
        return outcomes

    def wait(self) -> None:
        """Wait until the next look is due.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        with self._interruptible():
            self._backend.pause(self._polls.left_s)
            self._polls.end()

    @property
    def is_waiting(self) -> bool:
        """Whether some batch is under way or put off."""
        return bool(self._open or self._put_off)

    @property
    def is_due(self) -> bool:
        """Whether it is time to look: something is waited for, and the last look is long ago."""
        return self.is_waiting and not self._polls.left_s

    @property
    def awaited(self) -> frozenset[str]:
        """The features that some batch under way, or put off, has trials of."""
        under_way = (
            item.duplicates for batch in self._open.values() for item in batch.items.values()
        )
        put_off = chain(*self._put_off)
        return frozenset(trial.feature for trial in chain(*under_way, *put_off))

    def _join(self, duplicates: dict[str, list[Trial]]) -> None:
        """Who asks for what is in one of this run's batches already waits for that one."""
        for batch in self._open.values():
            for name in batch.items.keys() & duplicates.keys():
                batch.items[name].duplicates.extend(duplicates.pop(name))
        for waiting in chain(*self._put_off):
            waiting.extend(duplicates.pop(waiting[0].fingerprint, ()))

    def _resume(self, duplicates: dict[str, list[Trial]]) -> None:
        """Take over what an earlier run submitted and did not read."""
        for found, item in self._books.resumed(duplicates):
            if found.batch not in self._open:
                self._open[found.batch] = OpenBatch(id=found.batch)
                self._polls.begin()
                self._tell(f"batch {found.batch} is under way since {found.started_at}: reading it")
            self._open[found.batch].items[found.fingerprint] = item

    def _submit(self, duplicates: Sequence[list[Trial]]) -> list[Outcome]:
        items = self._books.begin(duplicates)
        if not items and self._live_calls:
            self._put_off.append(duplicates)
            self._polls.begin()
            return []
        if not items:
            self._tell(
                f"no batch of {duplicates[0][0].request.model}: the cap leaves USD "
                f"{self._ledger.left_usd:.2f}, less than its {len(duplicates)} requests may cost"
            )
            return unaffordable(duplicates)
        first = items[0].trial
        requests = tuple(BatchItem(id=i.trial.fingerprint, request=i.trial.request) for i in items)
        submission = Submit(endpoint=first.endpoint, items=requests)
        reply, interrupted = self._backend.submit(submission)
        outcomes: list[Outcome] = []
        if isinstance(reply, Submitted):
            sent = self._books.submitted(items, reply)
            self._open[reply.batch] = OpenBatch(id=reply.batch, items=sent)
            self._polls.begin()
            self._tell(f"batch {reply.batch}: {len(items)} requests to {first.request.model}")
        else:
            fault = of_whole_batch(reply if isinstance(reply, CallFailure) else LOST)
            then = "" if final_fault(fault) else ": asking live"
            self._tell(f"no batch of {first.request.model} ({fault.error}){then}")
            unsent = OpenBatch(id=None, items={item.trial.fingerprint: item for item in items})
            outcomes = self._books.end(unsent, dict.fromkeys(unsent.items, fault))
        if interrupted:
            raise KeyboardInterrupt
        return outcomes

    @property
    def _live_calls(self) -> int:
        """Calls of others that something of the cap is set aside for."""
        own = sum(len(batch.items) for batch in self._open.values())
        return self._ledger.reservations - own

    def _look(self, batch: OpenBatch) -> list[Outcome]:
        """Read a batch if it has ended."""
        endpoint = batch.first.endpoint
        reply = self._backend.ask(Poll(endpoint=endpoint, batch=batch.id or ""))
        if isinstance(reply, Polled):
            if reply.status.stage == "running":
                return []
            if reply.status.stage == "failed":
                why = reply.status.reason or "no reason given"
                self._tell(f"batch {batch.id} failed ({why}): asking live")
                failed = replace(FAILED, billable=reply.status.billed)
                return self._end(batch, {}, otherwise=failed)
            reply = self._backend.ask(Fetch(endpoint=endpoint, batch=batch.id or ""))
        if isinstance(reply, Fetched):
            return self._end(batch, reply.ends, otherwise=NO_RESULT)
        return self._unreadable(batch, reply if isinstance(reply, CallFailure) else LOST)

    def _unreadable(self, batch: OpenBatch, fault: CallFailure) -> list[Outcome]:
        """A passing fault is waited out; a batch that is gone is left, unknown what it cost."""
        if fault.blame == "transient":
            return []
        whole = replace(of_whole_batch(fault), billable=True)
        if whole.blame == "lane":
            self._tell(f"batch {batch.id} cannot be read ({fault.error}); a later run may")
            return self._drop(batch, fault.error)
        self._tell(f"batch {batch.id} is gone ({fault.error}): asking live")
        return self._end(batch, {}, otherwise=whole)

    def _drop(self, batch: OpenBatch, reason: str) -> list[Outcome]:
        """Ask no more about a batch in this run; it stays under way in the journal.

        What is set aside for it may be billed, and no end in this run will tell.
        """
        self._open.pop(batch.id or "", None)
        for item in batch.items.values():
            self._ledger.settle(item.trial, None)
        return [gone for item in batch.items.values() for gone in missing(item, reason)]

    def _end(
        self, batch: OpenBatch, ends: Mapping[str, Answer | CallFailure], *, otherwise: CallFailure
    ) -> list[Outcome]:
        """Settle every item; one that will be asked live has no outcome here."""
        self._open.pop(batch.id or "", None)
        found = {name: ends.get(name, otherwise) for name in batch.items}
        outcomes = self._books.end(batch, found)
        lost = sum(isinstance(e, CallFailure) and e.blame == "transient" for e in found.values())
        if ends:
            again = f"; {lost} expired or failed: asking live" if lost else ""
            self._tell(f"batch {batch.id}: {len(found) - lost} of {len(found)} answered{again}")
        return outcomes

    @contextmanager
    def _interruptible(self) -> Generator[None]:
        try:
            yield
        except KeyboardInterrupt:
            raise InterruptedRunError(
                f"interrupted; {len(self._open)} batches {self._backend.left_alone} and USD "
                f"{self._ledger.reserved_usd:.2f} is set aside for them: run the same command "
                f"again to {self._backend.then}"
            ) from None
