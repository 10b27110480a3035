"""Batches in the journal and the ledger: set aside whole, written down before, settled after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.replay.batch_ending import Item, ended
from harness.replay.calls import Fault
from harness.replay.journal import Sent
from harness.replay.run import BUDGET
from harness.trials import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from harness.replay.batch_calls import Submitted
    from harness.replay.batch_ending import OpenBatch
    from harness.replay.journal import Journal, UnderWay
    from harness.replay.ledger import Ledger
    from harness.trials import Attempt, Outcome, Trial
    from providers.answer import Answer

    Askers = dict[str, list[Trial]]


class BatchBooks:
    """Who asked for what is by fingerprint: equal trials are sent once."""

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self._journal = journal
        self._ledger = ledger

    def settled(self, askers: Askers) -> list[Outcome]:
        """Take out what the journal has the end of."""
        known = self._journal.settled(askers)
        return [known[name].outcome(trial) for name in known for trial in askers.pop(name)]

    def resumed(self, askers: Askers) -> Iterator[tuple[UnderWay, Item]]:
        """Take out what an earlier run submitted and did not read; its reservation is ours now."""
        for found in self._journal.under_way(askers):
            waiting = askers.pop(found.fingerprint, None)
            if waiting is None:
                continue
            self._ledger.resume(found.reserve_usd, counted=found.counted)
            item = Item(
                trial=replace(waiting[0], reserve_usd=found.reserve_usd),
                row=found.row,
                number=found.number,
                askers=waiting,
                started_at=found.started_at,
            )
            yield found, item

    def begin(self, askers: Sequence[list[Trial]]) -> list[Item]:
        """Set the whole batch aside and write it down; nothing of it where the cap has no room."""
        trials = [waiting[0] for waiting in askers]
        if not self._ledger.reserve_all(trials):
            return []
        before = self._journal.attempts(trial.fingerprint for trial in trials)
        numbers = [len(before.get(trial.fingerprint, ())) + 1 for trial in trials]
        sent = [Sent(trial=t, number=n) for t, n in zip(trials, numbers, strict=True)]
        rows = self._journal.commit(ended=(), sent=sent)
        return [
            Item(trial=trial, row=row, number=number, askers=waiting)
            for trial, row, number, waiting in zip(trials, rows, numbers, askers, strict=True)
        ]

    def submitted(self, items: Sequence[Item], reply: Submitted) -> dict[str, Item]:
        """Write the batch's id down; the items with the time of their sending."""
        self._journal.note_batch([item.row for item in items], reply.batch, reply.at)
        return {item.trial.fingerprint: replace(item, started_at=reply.at) for item in items}

    def end(self, batch: OpenBatch, ends: Mapping[str, Answer | Fault]) -> list[Outcome]:
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
                outcomes += [settled[name].outcome(trial) for trial in item.askers]
            elif (reason := final_fault(ends[name])) is not None:
                outcomes += missing(item, reason, attempts.get(name, ()))
        return outcomes

    def _cost(self, trial: Trial, end: Answer | Fault) -> Decimal | None:
        billable = not isinstance(end, Fault) or end.billable
        return self._ledger.settle(trial, end.usage, billable=billable)


def final_fault(end: Answer | Fault) -> str | None:
    """Why an item is asked no more; None when it was answered, or may be asked again."""
    return end.error if isinstance(end, Fault) and end.blame != "transient" else None


def missing(item: Item, reason: str, attempts: tuple[Attempt, ...] = ()) -> list[Outcome]:
    """No answer, for everyone who asked."""
    return [Missing(trial=trial, attempts=attempts, reason=reason) for trial in item.askers]


def unaffordable(askers: Sequence[list[Trial]]) -> list[Outcome]:
    """The cap has no room for the batch."""
    return [Missing(trial=t, attempts=(), reason=BUDGET) for waiting in askers for t in waiting]
