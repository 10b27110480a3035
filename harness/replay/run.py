"""The loop: take trials, admit calls, send, receive, settle; one thread, bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

from harness.cluster.crew import Done
from harness.replay.backlog import Backlog, Pending
from harness.replay.calls import Call, Fault, Reply
from harness.replay.ending import LOST, answered, attempt_of, given_up
from harness.replay.journal import Ended, Sent
from harness.replay.retry import counts
from harness.trials import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.cluster.crew import Crew
    from harness.cluster.crew import Ended as TaskEnded
    from harness.replay.feed import Feed
    from harness.replay.governor import Governor
    from harness.replay.journal import Journal
    from harness.replay.ledger import Ledger
    from harness.replay.retry import RetryPolicy
    from harness.trials import Outcome, Trial

BUDGET = "BudgetExhausted"
"""Reason of a trial that the cap left no room for."""

WINDOW = 2000
"""Trials read ahead: enough to keep every lane busy, few enough to keep memory flat. No more are
read while half as many wait."""

IDLE_S = 1.0
"""Longest wait for a reply before looking around."""

HUNGRY_S = 0.005
"""The same while trials are still coming in."""

NOTE_S = 60.0
"""How often what the lanes did is written down: a killed run loses no more of it."""

DRY_S = 0.02
"""The same while the source waits for outcomes before it has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run is held to."""

    journal: Journal
    governor: Governor
    ledger: Ledger
    retry: RetryPolicy
    window: int = WINDOW
    others_settle: bool = False
    """What other passes have set aside of the cap may come back while this one waits."""


class Run:
    """The state of one replay."""

    def __init__(self, crew: Crew, rules: Rules) -> None:
        self.stop = Event()
        """Set from any thread: send nothing more."""
        self._crew = crew
        self._rules = rules
        self._backlog = Backlog()
        self._in_flight: dict[int, Pending] = {}
        self._unwritten: list[Ended] = []
        self._asked: dict[str, list[Trial]] = {}
        self._broke = False
        self._noted_at = rules.governor.now()

    def outcomes(self, feed: Feed) -> Iterator[Outcome]:
        """Run until every trial has its outcome, or until stopped."""
        while not self.stop.is_set():
            known = self._read(feed)
            gone = list(self._abandoned())
            sends, wait_s = self._admit()
            done = [outcome for end in self._unwritten for outcome in self._shared(end)]
            self._send(sends)
            self._note_lanes(NOTE_S)
            yield from known
            yield from gone
            yield from done
            if self._in_flight:
                self._absorb(self._crew.receive(min(wait_s, self._patience(feed))))
            elif feed.ended and not self._backlog:
                return
            elif self._backlog and not self._broke:
                self._crew.receive(min(wait_s, self._patience(feed)))

    def drain(self, grace_s: float) -> None:
        """Wait for what is in flight, so that it is known what it cost, and write it down."""
        governor = self._rules.governor
        until = governor.now() + grace_s
        while self._in_flight and governor.now() < until:
            self._absorb(self._crew.receive(min(IDLE_S, grace_s)))
            self._send(())
        self._send(())
        self._note_lanes(0.0)

    def _note_lanes(self, every_s: float) -> None:
        governor = self._rules.governor
        if governor.now() - self._noted_at >= every_s:
            self._rules.journal.add_lanes(governor.take_history())
            self._noted_at = governor.now()

    def _patience(self, feed: Feed) -> float:
        if feed.ended or len(self._backlog) > self._rules.window // 2:
            return IDLE_S
        return DRY_S if feed.dry else HUNGRY_S

    def _read(self, feed: Feed) -> list[Outcome]:
        """Fill the window; returns the outcomes that the journal already has."""
        window = self._rules.window
        if feed.ended or len(self._backlog) > window // 2:
            return []
        idle = not self._in_flight and not self._backlog and not self._unwritten
        chunk = feed.take(window - len(self._backlog), IDLE_S if idle else 0)
        settled = self._rules.journal.settled(trial.fingerprint for trial in chunk)
        before = self._rules.journal.attempts(
            trial.fingerprint for trial in chunk if trial.fingerprint not in settled
        )
        known: list[Outcome] = []
        for trial in chunk:
            if trial.fingerprint in settled:
                known.append(settled[trial.fingerprint].outcome(trial))
            elif trial.fingerprint in self._asked:
                self._asked[trial.fingerprint].append(trial)
            else:
                self._asked[trial.fingerprint] = [trial]
                self._backlog.add(trial, before.get(trial.fingerprint, ()))
        return known

    def _admit(self) -> tuple[list[Pending], float]:
        """Take out what may be sent now; returns it and the seconds until more may be."""
        wait_s = self._backlog.wake(self._rules.governor.now())
        sends: list[Pending] = []
        if self._broke:
            return sends, wait_s
        for lane in self._backlog.lanes():
            while pending := self._backlog.first(lane):
                lane_wait_s = self._rules.governor.wait_s(lane, pending.trial)
                if lane_wait_s > 0:
                    wait_s = min(wait_s, lane_wait_s)
                    break
                if not self._rules.ledger.reserve(pending.trial):
                    self._broke = not (sends or self._may_find_room())
                    return sends, wait_s
                pending.slot = self._rules.governor.take(lane, pending.trial)
                sends.append(self._backlog.pop(lane))
        return sends, wait_s

    def _may_find_room(self) -> bool:
        """Whether something set aside may come back under the cap."""
        if self._rules.others_settle:
            return self._rules.ledger.reservations > 0
        return bool(self._in_flight)

    def _send(self, sends: Sequence[Pending]) -> None:
        """Write down what ended and what is about to be sent, then send it."""
        sent = [Sent(trial=p.trial, number=len(p.attempts) + 1) for p in sends]
        rows = self._rules.journal.commit(ended=self._unwritten, sent=sent)
        self._unwritten.clear()
        calls = self._calls(sends)
        numbers = self._crew.send(calls) if calls else ()
        now = self._rules.governor.now()
        for pending, row, number in zip(sends, rows, numbers, strict=True):
            pending.row = row
            pending.began = now if pending.began is None else pending.began
            self._in_flight[number] = pending

    def _calls(self, sends: Sequence[Pending]) -> list[Call]:
        widths = {
            p.lane: self._rules.governor.width(
                p.lane, self._crew.size_at(p.trial.endpoint.base_url)
            )
            for p in sends
        }
        return [
            Call(
                endpoint=p.trial.endpoint,
                request=p.trial.request,
                lane=str(p.lane),
                width=widths[p.lane],
            )
            for p in sends
        ]

    def _absorb(self, replies: Sequence[TaskEnded]) -> None:
        """Settle what came back."""
        for end in replies:
            pending = self._in_flight.pop(end.task, None)
            if pending is not None:
                result = end.result if isinstance(end, Done) else None
                reply = result if isinstance(result, Reply) else None
                self._unwritten.append(self._settle(pending, reply))

    def _settle(self, pending: Pending, reply: Reply | None) -> Ended:
        rules, trial = self._rules, pending.trial
        rules.governor.ended(pending.lane, pending.slot, reply)
        reply = reply or Reply(started_at="", result=LOST, lagged=True)
        result = reply.result
        billable = not isinstance(result, Fault) or result.billable
        cost = rules.ledger.settle(trial, result.usage, billable=billable)
        pending.attempts.append(attempt_of(trial, len(pending.attempts) + 1, reply, cost))
        return Ended(
            row=pending.row,
            attempt=pending.attempts[-1],
            outcome=self._outcome(pending, result)
            if isinstance(result, Fault)
            else answered(trial, tuple(pending.attempts), result),
        )

    def _outcome(self, pending: Pending, fault: Fault) -> Outcome | None:
        """How a failed attempt ends its trial; None when it will be asked again."""
        now = self._rules.governor.now()
        pending.counted += counts(fault)
        if fault.blame == "lane":
            self._rules.governor.stop(pending.lane, fault.error)
        delay = self._rules.retry.delay_s(
            fault, counted=pending.counted, elapsed_s=now - (pending.began or now)
        )
        if delay is None:
            return given_up(pending.trial, tuple(pending.attempts), fault)
        self._backlog.again(pending, now + delay)
        return None

    def _shared(self, end: Ended) -> Iterator[Outcome]:
        """The outcome for every trial that asked for it."""
        outcome = end.outcome
        if outcome is None:
            return
        for trial in self._asked.pop(outcome.trial.fingerprint, (outcome.trial,)):
            yield outcome if trial is outcome.trial else replace(outcome, trial=trial)

    def _abandoned(self) -> Iterator[Outcome]:
        """End, without a call, what cannot be asked: dead lanes, or everything without money."""
        for lane in self._backlog.lanes():
            reason = self._rules.governor.stopped(lane)
            if reason is not None:
                yield from self._missing(self._backlog.clear(lane), reason)
        if self._broke:
            yield from self._missing(self._backlog.clear(), BUDGET)

    def _missing(self, pendings: Iterator[Pending], reason: str) -> Iterator[Outcome]:
        for pending in list(pendings):
            for trial in self._asked.pop(pending.trial.fingerprint, (pending.trial,)):
                yield Missing(trial=trial, attempts=tuple(pending.attempts), reason=reason)
