"""Batches in the journal and the ledger.

A batch's cost is reserved as a whole and its attempts are written before it is submitted; when it
ends, each item is settled: its attempt, its cost and its outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from harness.ask.replay.batch_calls import Submitted
from harness.ask.replay.calls import CallFailure, answered, given_up
from harness.ask.replay.ledger import Ledger
from harness.journal.journal import Ended, Journal, Sent, UnderWay
from harness.journal.trials import Attempt, FaultKind, Missing, Outcome, Trial
from providers.answer import Answer

NO_RESULT = CallFailure(kind=FaultKind.NO_RESULT, blame="transient")
"""The batch ended without a word about the item: whether it was billed is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedRequest:
    """One request of a batch: `trial` with what was set aside for it, and all who asked for it."""

    trial: Trial
    row: int
    number: int
    duplicates: list[Trial]
    started_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatch:
    """A batch whose results have not been read yet; its items by fingerprint."""

    id: str | None
    """The vendor's; None: it was not taken."""
    items: dict[str, BookedRequest] = field(default_factory=dict[str, BookedRequest])

    @property
    def first(self) -> Trial:
        """Any trial of the batch: all have its endpoint and model."""
        return next(iter(self.items.values())).trial


def ended(
    item: BookedRequest, batch: str | None, end: Answer | CallFailure, cost_usd: Decimal | None
) -> Ended:
    """The end of an item; a transient fault settles nothing, for the item will be asked again."""
    attempt = _attempt(item, batch, end, cost_usd)
    outcome = None
    if not isinstance(end, CallFailure):
        outcome = answered(item.trial, (attempt,), end)
    elif end.blame != "transient":
        outcome = given_up(item.trial, (attempt,), end)
    return Ended(row=item.row, attempt=attempt, outcome=outcome)


def of_whole_batch(fault: CallFailure) -> CallFailure:
    """The fault of each item when a whole batch was refused or lost.

    A batch that the server refused was not run and not billed. If access was refused, live calls
    would be too; after any other fault the items are asked live.
    """
    refused = fault.status is not None or not fault.billable
    stays = fault.blame == "lane" and fault.kind is not FaultKind.MODEL_NOT_FOUND
    blame = fault.blame if stays else "transient"
    return replace(fault, billable=not refused, blame=blame)


def _attempt(
    item: BookedRequest, batch: str | None, end: Answer | CallFailure, cost_usd: Decimal | None
) -> Attempt:
    fault = end if isinstance(end, CallFailure) else None
    return Attempt(
        number=item.number,
        started_at=item.started_at,
        reserve_usd=item.trial.reserve_usd,
        cost_usd=cost_usd,
        usage=end.usage,
        total_s=None,
        first_token_s=None,
        inter_token_s=None,
        error=fault.error if fault else None,
        status=fault.status if fault else None,
        request_id=end.request_id if isinstance(end, CallFailure) else end.reply_id,
        served_model=None if isinstance(end, CallFailure) else end.served_model,
        batch=batch,
    )


Duplicates = dict[str, list[Trial]]


class BatchBooks:
    """Who asked for what is by fingerprint: equal trials are sent once."""

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self._journal = journal
        self._ledger = ledger

    def settled(self, duplicates: Duplicates) -> list[Outcome]:
        """Take out what the journal has the end of."""
        known = self._journal.settled(duplicates)
        return [
            one.outcome(trial, stored=True)
            for name, one in known.items()
            for trial in duplicates.pop(name)
        ]

    def resumed(self, duplicates: Duplicates) -> Iterator[tuple[UnderWay, BookedRequest]]:
        """Take out what an earlier run submitted and did not read; its reservation is ours now."""
        for found in self._journal.under_way(duplicates):
            waiting = duplicates.pop(found.fingerprint, None)
            if waiting is None:
                continue
            self._ledger.resume(found.reserve_usd, counted=found.counted)
            item = BookedRequest(
                trial=replace(waiting[0], reserve_usd=found.reserve_usd),
                row=found.row,
                number=found.number,
                duplicates=waiting,
                started_at=found.started_at,
            )
            yield found, item

    def begin(self, duplicates: Sequence[list[Trial]]) -> list[BookedRequest]:
        """Set the whole batch aside and write it down; nothing of it where the cap has no room."""
        trials = [waiting[0] for waiting in duplicates]
        if not self._ledger.reserve_all(trials):
            return []
        before = self._journal.attempts(trial.fingerprint for trial in trials)
        numbers = [len(before.get(trial.fingerprint, ())) + 1 for trial in trials]
        sent = [Sent(trial=t, number=n) for t, n in zip(trials, numbers, strict=True)]
        rows = self._journal.commit(ended=(), sent=sent)
        return [
            BookedRequest(trial=trial, row=row, number=number, duplicates=waiting)
            for trial, row, number, waiting in zip(trials, rows, numbers, duplicates, strict=True)
        ]

    def submitted(
        self, items: Sequence[BookedRequest], reply: Submitted
    ) -> dict[str, BookedRequest]:
        """Write the batch's id down; the items with the time of their sending."""
        self._journal.note_batch([item.row for item in items], reply.batch, reply.at)
        return {item.trial.fingerprint: replace(item, started_at=reply.at) for item in items}

    def end(self, batch: OpenBatch, ends: Mapping[str, Answer | CallFailure]) -> list[Outcome]:
        """Settle every item of a batch, in one transaction; a fault that passes has no outcome."""
        self._journal.commit(
            ended=[
                ended(item, batch.id, ends[name], self._cost(item.trial, ends[name]))
                for name, item in batch.items.items()
            ],
            sent=(),
        )
        settled = self._journal.settled(batch.items)
        attempts = self._journal.attempts(batch.items)
        outcomes: list[Outcome] = []
        for name, item in batch.items.items():
            if name in settled:
                outcomes += [settled[name].outcome(trial) for trial in item.duplicates]
            elif (reason := final_fault(ends[name])) is not None:
                outcomes += missing(item, reason, attempts.get(name, ()))
        return outcomes

    def _cost(self, trial: Trial, end: Answer | CallFailure) -> Decimal | None:
        billable = not isinstance(end, CallFailure) or end.billable
        return self._ledger.settle(trial, end.usage, billable=billable)


def final_fault(end: Answer | CallFailure) -> str | None:
    """Why an item is not asked again; None if it was answered, or may be asked again."""
    return end.error if isinstance(end, CallFailure) and end.blame != "transient" else None


def missing(item: BookedRequest, reason: str, attempts: tuple[Attempt, ...] = ()) -> list[Outcome]:
    """No answer, for everyone who asked."""
    return [Missing(trial=trial, attempts=attempts, reason=reason) for trial in item.duplicates]


def unaffordable(duplicates: Sequence[list[Trial]]) -> list[Outcome]:
    """The outcomes of a batch that the cap leaves no money for."""
    reason = FaultKind.BUDGET_EXHAUSTED
    return [Missing(trial=t, attempts=(), reason=reason) for same in duplicates for t in same]
