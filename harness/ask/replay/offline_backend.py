"""Batches that a self-hosted model answers offline: requests from a file, no server.

The journal and the ledger treat them like a vendor's batches. Unlike those they end with the
review: a batch that an earlier run left open counts as failed. Requests that a process did not
answer are left to the caller, who may ask the model's server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
from harness.ask.replay.calls import CallFailure, fault_of
from harness.ask.serving.offline import OfflineRunner, ProcessAnswers
from harness.ask.serving.server import ServeError
from harness.journal.trials import FaultKind
from providers.answer import Answer
from providers.batch import BatchAnswered, BatchStatus
from providers.batch_lines import BatchLines
from providers.errors import ProviderError

PREFIX = "offline-"
"""Of a batch's id in the journal, where a vendor's has the vendor's."""
UNANSWERED = CallFailure(kind=FaultKind.OFFLINE_RUN_FAILED, blame="transient", billable=False)
"""Of an item whose process failed: its GPUs' time is charged as load time, and no token is."""
NO_SUCH_RUN = Polled(status=BatchStatus(stage="failed", reason="its run was ended"))


@dataclass(slots=True, kw_only=True)
class OfflineBackend:
    """One batch at a time is shared out over the processes of a bench; the others wait for it."""

    runner: OfflineRunner
    pause: Callable[[float], None]
    utc_now: Callable[[], str]
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    collected: Callable[[Sequence[ProcessAnswers]], None]
    """Told what each process of a batch left: its load time and its log."""
    loading: Callable[[int], None]
    """Told how many processes are about to load; it may refuse."""
    left_alone: str = "were ended"
    then: str = "answer them anew"
    lost: int = 0
    """Batches of earlier runs that were asked about."""
    _waiting: deque[tuple[str, Submit]] = field(default_factory=deque[tuple[str, Submit]])
    _begun: str | None = None
    _ended: dict[str, Fetched] = field(default_factory=dict[str, Fetched])

    def submit(self, submission: Submit) -> tuple[BatchReply, bool]:
        """Take a batch; it begins when the one before has ended."""
        batch = f"{PREFIX}{self.new_id()}"
        self._waiting.append((batch, submission))
        return Submitted(batch=batch, at=self.utc_now()), False

    def ask(self, call: BatchCall) -> BatchReply:
        """Where a batch stands, or how its items ended."""
        match call:
            case Submit():
                return self.submit(call)[0]
            case Poll():
                return self._where(call.batch)
            case Fetch():
                return self._ended.pop(call.batch)

    def _where(self, batch: str) -> Polled:
        self._go_on()
        if batch in self._ended:
            return Polled(status=BatchStatus(stage="ended"))
        if batch == self._begun or any(batch == waiting for waiting, _ in self._waiting):
            return Polled(status=BatchStatus(stage="running"))
        self.lost += 1
        return NO_SUCH_RUN

    def _go_on(self) -> None:
        """Collect the batch in hand when it has ended, and begin the next."""
        if self._begun is not None:
            if not self.runner.is_ended():
                return
            batch, submission = self._waiting.popleft()
            self._ended[batch] = self._read(submission, self.runner.collect())
            self._begun = None
        if self._waiting:
            self._begin(*self._waiting[0])

    def _begin(self, batch: str, submission: Submit) -> None:
        """Cases are dealt out in turn, so that the shares take about as long."""
        lines = BatchLines(submission.endpoint)
        count = min(self.runner.size, len(submission.items))
        shares = [lines.requests(submission.items[place::count]) for place in range(count)]
        self.loading(count)
        try:
            self.runner.start(shares)
        except ServeError as error:
            self.tell(str(error))
            self._waiting.popleft()
            self.runner.stop()
            self._ended[batch] = Fetched(ends=_unanswered(submission))
        else:
            self._begun = batch

    def _read(self, submission: Submit, shares: Sequence[ProcessAnswers]) -> Fetched:
        self.collected(shares)
        lines, ends = BatchLines(submission.endpoint), _unanswered(submission)
        for share in shares:
            if share.failed is not None:
                self.tell(share.failed)
                continue
            try:
                outcomes = lines.outcomes(share.results)
            except ProviderError as error:
                self.tell(f"{self.runner.model}: the results of its offline run: {error}")
                continue
            for one in outcomes:
                answered = isinstance(one, BatchAnswered)
                ends[one.id] = one.answer if answered else fault_of(one.error)
        return Fetched(ends=ends)


def _unanswered(submission: Submit) -> dict[str, Answer | CallFailure]:
    return {item.id: UNANSWERED for item in submission.items}
