"""The replay engine: the caller's thread gives trials and takes outcomes; a second one makes calls.

That thread's loop takes trials, admits calls, sends them, receives replies and settles them, in
bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeAlias

from harness.ask.cluster.workers import Cluster, Done, WorkerPool
from harness.ask.cluster.workers import Ended as TaskEnded
from harness.ask.programs.program_queue import ProgramQueue
from harness.ask.replay.backlog import Backlog, Feed, Pending
from harness.ask.replay.calls import LOST, Call, CallFailure, Reply, answered, attempt_of, given_up
from harness.ask.replay.governor import Governor
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.refusals import Refusals
from harness.ask.replay.retry import RetryPolicy, counts
from harness.ask.replay.worker import OPENER
from harness.errors import InterruptedRunError
from harness.journal.journal import Ended, Journal, Sent
from harness.journal.trials import FaultKind, Missing, Outcome, Trial
from harness.wording import usd

WINDOW = 2000
"""Trials to prefetch: enough to keep every lane busy, few enough to keep memory flat. No more are
read while at least half as many are queued."""

IDLE_S = 1.0
"""Longest wait for a reply before looking around."""

HUNGRY_S = 0.005
"""The same while trials are still coming in."""

NOTE_S = 60.0
"""How often what the lanes did is written down: a killed run loses no more of it."""

DRY_S = 0.02
"""Longest wait for an answer while the source waits for outcomes before it has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRules:
    """What a run is held to."""

    journal: Journal
    governor: Governor
    ledger: Ledger
    retry: RetryPolicy
    window: int = WINDOW
    others_settle: bool = False
    """What other passes have set aside of the cap may come back while this one waits."""
    tell: Callable[[str], object] = len
    """Told why nothing more is asked of a model."""


class ReplayLoop:
    """The state of one replay."""

    def __init__(self, pool: WorkerPool, rules: ReplayRules) -> None:
        self.stop = Event()
        """Set from any thread: send nothing more."""
        self._pool = pool
        self._rules = rules
        self._backlog = Backlog()
        self._in_flight: dict[int, Pending] = {}
        self._unwritten: list[Ended] = []
        self._asked: dict[str, list[Trial]] = {}
        self._cap_reached = False
        self._refusals = Refusals(rules.governor, rules.tell, patience_s=rules.retry.budget_s)
        self._noted_at = rules.governor.now()
        self._programs = ProgramQueue(pool, rules.journal, rules.tell)

    def outcomes(self, feed: Feed) -> Iterator[Outcome]:
        """Run until every trial has its outcome, or until stopped."""
        while not self.stop.is_set():
            known = self._refill(feed)
            self._programs.begin()
            gone = list(self._abandoned())
            sends, wait_s = self._admit()
            ended = [end.outcome for end in self._unwritten if end.outcome is not None]
            done = [outcome for end in ended for outcome in self._shared(end)]
            self._send(sends)
            self._note_lanes(NOTE_S)
            yield from known
            yield from gone
            yield from done
            for outcome in self._programs.ended():
                yield from self._shared(outcome)
            if self._in_flight or self._programs.is_at_work:
                self._absorb(self._pool.receive(min(wait_s, self._patience(feed))))
            elif feed.ended and not self._backlog and not self._programs:
                return
            elif self._backlog and not self._cap_reached:
                self._pool.receive(min(wait_s, self._patience(feed)))

    def drain(self, grace_s: float) -> None:
        """Wait for what is in flight, so that it is known what it cost, and write it down."""
        governor = self._rules.governor
        until = governor.now() + grace_s
        self._programs.close()
        while self._in_flight and governor.now() < until:
            self._absorb(self._pool.receive(min(IDLE_S, grace_s)))
            self._send(())
        self._send(())
        self._note_lanes(0.0)

    def _note_lanes(self, every_s: float) -> None:
        governor = self._rules.governor
        if governor.now() - self._noted_at >= every_s:
            self._rules.journal.add_lanes(governor.take_history())
            self._noted_at = governor.now()

    def _patience(self, feed: Feed) -> float:
        if feed.ended or self._queued > self._rules.window // 2:
            return IDLE_S
        return DRY_S if feed.dry else HUNGRY_S

    def _refill(self, feed: Feed) -> list[Outcome]:
        """Fill the window; returns what the journal has already: so a stopped review goes on."""
        window = self._rules.window
        if feed.ended or self._queued > window // 2:
            return []
        idle = not self._in_flight and not self._queued and not self._unwritten
        chunk = feed.take(window - self._queued, IDLE_S if idle else 0)
        settled = self._rules.journal.settled(trial.fingerprint for trial in chunk)
        before = self._rules.journal.attempts(
            trial.fingerprint for trial in chunk if trial.fingerprint not in settled
        )
        known: list[Outcome] = []
        for trial in chunk:
            if trial.fingerprint in settled:
                known.append(settled[trial.fingerprint].outcome(trial, stored=True))
            elif trial.fingerprint in self._asked:
                self._asked[trial.fingerprint].append(trial)
            else:
                self._asked[trial.fingerprint] = [trial]
                if trial.program is None:
                    self._backlog.add(trial, before.get(trial.fingerprint, ()))
                else:
                    self._programs.add(trial)
        return known

    @property
    def _queued(self) -> int:
        return len(self._backlog) + len(self._programs)

    def _admit(self) -> tuple[list[Pending], float]:
        """Take out what may be sent now; returns it and the seconds until more may be."""
        wait_s = self._backlog.wake(self._rules.governor.now())
        sends: list[Pending] = []
        if self._cap_reached:
            return sends, wait_s
        for lane in self._backlog.lanes():
            while pending := self._backlog.first(lane, self._rules.governor.held(lane)):
                if self._programs.is_gone(pending.trial):
                    self._programs.give_up(self._backlog.pop(pending).trial)
                    continue
                lane_wait_s = self._rules.governor.wait_s(lane, pending.trial)
                if lane_wait_s > 0:
                    wait_s = min(wait_s, lane_wait_s)
                    break
                if not self._rules.ledger.reserve(pending.trial):
                    self._rules.ledger.refuse_at_once(pending.trial)
                    self._cap_reached = not (sends or self._may_free_budget())
                    return sends, wait_s
                pending.slot = self._rules.governor.take(lane, pending.trial)
                sends.append(self._backlog.pop(pending))
        return sends, wait_s

    def _may_free_budget(self) -> bool:
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
        numbers = self._pool.send(calls) if calls else ()
        now = self._rules.governor.now()
        for pending, row, number in zip(sends, rows, numbers, strict=True):
            pending.row = row
            pending.began = now if pending.began is None else pending.began
            self._in_flight[number] = pending
        self._programs.send()

    def _calls(self, sends: Sequence[Pending]) -> list[Call]:
        widths = {
            p.lane: self._rules.governor.width(
                p.lane, self._pool.size_at(p.trial.endpoint.base_url)
            )
            for p in sends
        }
        return [
            Call(
                endpoint=p.trial.endpoint,
                request=p.trial.request,
                lane=str(p.lane),
                width=widths[p.lane],
                waits=not p.slot.place.is_kept,
            )
            for p in sends
        ]

    def _absorb(self, replies: Sequence[TaskEnded]) -> None:
        """Settle what came back."""
        for end in replies:
            if self._programs.owns(end):
                for call, before in self._programs.take(end):
                    self._backlog.add(call, before)
                continue
            pending = self._in_flight.pop(end.task, None)
            if pending is not None:
                result = end.result if isinstance(end, Done) else None
                reply = result if isinstance(result, Reply) else None
                self._unwritten.append(self._settle(pending, reply))

    def _settle(self, pending: Pending, reply: Reply | None) -> Ended:
        rules, trial = self._rules, pending.trial
        if reply is not None:
            reply = rules.governor.judged(pending.lane, pending.slot, reply)
        rules.governor.ended(pending.lane, pending.slot, reply)
        reply = reply or Reply(started_at="", result=LOST, lagged=True)
        result = reply.result
        self._refusals.count(pending, result)
        billable = not isinstance(result, CallFailure) or result.billable
        cost = rules.ledger.settle(trial, result.usage, billable=billable)
        pending.attempts.append(attempt_of(trial, len(pending.attempts) + 1, reply, cost))
        return Ended(
            row=pending.row,
            attempt=pending.attempts[-1],
            outcome=self._outcome(pending, result)
            if isinstance(result, CallFailure)
            else answered(trial, tuple(pending.attempts), result),
        )

    def _outcome(self, pending: Pending, fault: CallFailure) -> Outcome | None:
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

    def _shared(self, outcome: Outcome) -> Iterator[Outcome]:
        """The outcome for every trial that asked for it; a program is given that of its call."""
        if outcome.trial.part_of is not None:
            self._programs.deliver(outcome.trial, outcome)
            return
        for trial in self._asked.pop(outcome.trial.fingerprint, (outcome.trial,)):
            yield outcome if trial is outcome.trial else replace(outcome, trial=trial)

    def _abandoned(self) -> Iterator[Outcome]:
        """End, without a call, what cannot be asked: dead lanes, or everything without money."""
        for lane in self._backlog.lanes():
            reason = self._rules.governor.stopped(lane)
            if reason is not None:
                yield from self._missing(self._backlog.clear(lane), reason)
        if self._cap_reached:
            yield from self._missing(self._backlog.clear(), FaultKind.BUDGET_EXHAUSTED)
            yield from self._programs.abandon(FaultKind.BUDGET_EXHAUSTED)

    def _missing(self, pendings: Iterator[Pending], reason: str) -> Iterator[Outcome]:
        for pending in list(pendings):
            attempts = tuple(pending.attempts)
            yield from self._shared(Missing(trial=pending.trial, attempts=attempts, reason=reason))


Item: TypeAlias = Outcome | BaseException | None

AHEAD = 1000
"""Outcomes that may wait for the caller; with more, the engine waits."""

GRACE_S = 30.0
"""How long a stopped run waits for what is in flight."""

LOOK_S = 0.1
"""How often a blocked engine looks whether it was stopped."""

BEAT_S = 0.5
"""A source that had nothing is read again after an outcome, or after this time without one."""


def replay(  # noqa: PLR0913  # the parts of a run, each replaceable
    trials: Iterable[Trial | None],
    *,
    cluster: Cluster,
    journal: Journal,
    governor: Governor,
    ledger: Ledger,
    retry: RetryPolicy,
    factory: str = OPENER,
    window: int = WINDOW,
    others_settle: bool = False,
    tell: Callable[[str], object] = len,
) -> Generator[Outcome]:
    """Yield each trial's outcome as it settles; what the journal knows comes without a call.

    Trials are read lazily, in the caller's thread; asking goes on while the caller scores.
    Trials with equal fingerprints are asked once. When the cap leaves no room, nothing more is
    sent and every remaining trial is `Missing` with reason "BudgetExhausted"; a lane whose key
    or model is refused stops alone. Closing the iterator stops sending; what is in flight is
    still waited for, charged and journalled.

    `trials` may give None where it has nothing before more outcomes are taken, and is asked again.
    `window` is how many trials may wait here (twice: on their way and in the queues); half of it is
    always taken in, whatever lane it is for. `others_settle`: another pass on the same ledger
    settles its calls meanwhile, so that a cap without room is waited for as long as that one has
    something set aside. `tell` is told, in another thread, why nothing more is asked of a model.

    Raises:
        InterruptedRunError: On Ctrl-C, after what was in flight has been journalled.
    """
    rules = ReplayRules(
        journal=journal,
        governor=governor,
        ledger=ledger,
        retry=retry,
        window=window,
        others_settle=others_settle,
        tell=tell,
    )
    engine = Engine(ReplayLoop(cluster.pool(factory), rules), window)
    try:
        yield from _taken(engine, iter(trials))
    except KeyboardInterrupt:
        engine.stop()
        raise InterruptedRunError(
            f"interrupted; {usd(ledger.spent_usd)} spent and every answer so far is kept: "
            "run the same command again to go on"
        ) from None
    finally:
        engine.stop()


def _taken(engine: Engine, source: Iterator[Trial | None]) -> Iterator[Outcome]:
    """What the engine brings, to its end; trials are given to it meanwhile."""
    while True:
        engine.feed.top_up(source)
        try:
            item = engine.items.get(timeout=BEAT_S)
        except Empty:
            continue
        if item is None:
            return
        if isinstance(item, BaseException):
            raise item
        yield item


class Engine:
    """A run in a thread of its own. Its last item is None, or the error that ended it."""

    def __init__(self, run: ReplayLoop, window: int) -> None:
        self.feed = Feed(window)
        self.items: Queue[Item] = Queue(AHEAD)
        self._run = run
        self._thread = Thread(target=self._work, name="replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; wait for what is in flight."""
        self._run.stop.set()
        self._thread.join()

    def _work(self) -> None:
        last: Item = None
        try:
            for outcome in self._run.outcomes(self.feed):
                self._put(outcome)
            self._run.drain(GRACE_S)
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            last = error
        self._put(last)

    def _put(self, item: Item) -> None:
        while not self._run.stop.is_set():
            try:
                self.items.put(item, timeout=LOOK_S)
            except Full:
                continue
            return
