"""The driver's side: which trials wait for a program, which run, and which calls they made.

It is the replay loop's, in that loop's thread. A call becomes a trial of its own: admitted, paid
for, journalled and asked again like any other. The journal keeps its reply as it came, so
that the same call of a trial that is run again is answered from there.

How a trial ends: an answer is an answer. A call that the world prevented makes the trial missing,
whatever the program made of it; so does a call that it hung up on while that waited for us (a
quota, the cap, a further attempt), and not for its model. A program that ended otherwise (it fell
over, hung, babbled, gave up, or called too often) has failed if the option's own model had spoken
before, for what it said was more than the program could go on with; else nobody knows, and the
trial is missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count

from harness.ask.cluster.workers import Done, Ended, WorkerPool
from harness.ask.programs.asked import call_of, given, names_of, place_of, sameness
from harness.ask.programs.protocol import (
    Begin,
    Drop,
    Given,
    Happened,
    LeftCall,
    Listen,
    MadeCall,
    Over,
    ProgramCall,
)
from harness.journal.journal import Ended as AttemptEnded
from harness.journal.journal import Journal, Sent
from harness.journal.trials import (
    Answered,
    Attempt,
    CallingProgram,
    Failed,
    FaultKind,
    Missing,
    Outcome,
    Trial,
)

SAME_ENDS = 5
"""After this many trials in a row with the same failure before any model answered, stop it."""
LOST_TWICE = 3
"""A trial whose worker was lost this many times is not started again."""
IMPATIENT_S = 1.0
"""If a call spent less than this outside its model, our queues and limits did not delay it."""
_NOT_THE_MODELS = frozenset({FaultKind.CALL_REFUSED, FaultKind.UNEXPECTED})
_NUMBERS = count(1)


@dataclass(slots=True, kw_only=True)
class OpenRun:
    """A trial that a program works on."""

    id: str
    trial: Trial
    program: CallingProgram
    seat: int
    """Which of the feature's instances works on it."""
    open: dict[str, int] = field(default_factory=dict[str, int])
    """Number of each call that waits for its reply, by its fingerprint."""
    left_after_s: dict[int, float] = field(default_factory=dict[int, float])
    """Calls, by number, that the program hung up on before they had a reply."""
    made: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """The role of each call that it made, by its fingerprint."""
    seen: Counter[str] = field(default_factory=Counter[str])
    spoken: bool = False
    """The option's own model has answered a call."""
    prevented: str | None = None
    """Why a call got no reply, if neither the program nor the model is to blame."""
    over: Over | None = None
    known: int = 0
    """Calls that the journal answered."""
    asked: int = 0


class ProgramQueue:
    """The trials that programs are answering, or wait to answer."""

    def __init__(
        self, pool: WorkerPool, journal: Journal, tell: Callable[[str], object] = len
    ) -> None:
        self._pool = pool
        self._journal = journal
        self._tell = tell
        self._waiting: deque[Trial] = deque()
        self._running: dict[str, OpenRun] = {}
        self._of_call: dict[str, OpenRun] = {}
        self._outbox: list[ProgramCall] = []
        self._tasks: dict[int, ProgramCall] = {}
        self._ended: list[Outcome] = []
        self._alike: dict[tuple[str, str], tuple[str, int]] = {}
        """By feature and option: how trials failed before any answer, and how many in a row."""
        self._lost: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    @property
    def is_at_work(self) -> bool:
        """Whether any program is running a trial."""
        return bool(self._running)

    def add(self, trial: Trial) -> None:
        """Queue a trial for its program."""
        self._waiting.append(trial)

    def owns(self, end: Ended) -> bool:
        """Whether this finished task belongs to a program's trial."""
        return end.task in self._tasks

    def is_gone(self, call: Trial) -> bool:
        """Whether a call that was not sent yet has lost its trial: it need not be sent."""
        running = self._of_call.get(call.fingerprint)
        return call.part_of is not None and (running is None or running.over is not None)

    def begin(self) -> None:
        """Begin as many trials as there are instances for."""
        taken: defaultdict[str, set[int]] = defaultdict(set)
        for running in self._running.values():
            taken[running.trial.feature].add(running.seat)
        kept: deque[Trial] = deque()
        while self._waiting:
            trial = self._waiting.popleft()
            program = trial.program
            if program is None:
                raise ValueError(f"{trial.feature}: no program answers case {trial.case_id}")
            reason = self._gave_up(trial)
            if reason is not None:
                self._ended.append(Missing(trial=trial, attempts=(), reason=reason))
            elif len(taken[trial.feature]) >= program.instances:
                kept.append(trial)
            else:
                seat = next(at for at in count() if at not in taken[trial.feature])
                taken[trial.feature].add(seat)
                self._begin(trial, program, seat)
        self._waiting = kept

    def send(self) -> None:
        """Return the messages for the workers, and forget them."""
        payloads, self._outbox = self._outbox, []
        if payloads:
            self._tasks |= dict(zip(self._pool.send(payloads), payloads, strict=True))

    def take(self, end: Ended) -> Iterator[tuple[Trial, Sequence[Attempt]]]:
        """Read what a worker told; yields the calls to ask, with the attempts of earlier runs."""
        payload = self._tasks.pop(end.task)
        running = self._running.get(getattr(payload, "session", ""))
        if running is None or isinstance(payload, Given | Drop):
            return
        happened = end.result if isinstance(end, Done) else None
        if not isinstance(happened, Happened):
            self._lose(running)
            return
        for event in happened.events:
            if isinstance(event, MadeCall):
                yield from self._call(running, event)
            else:
                _note(running, event)
        if running.over is None:
            self._outbox.append(Listen(session=running.id))
        self._settle(running)

    def deliver(self, call: Trial, outcome: Outcome) -> None:
        """Give a call's outcome to its program."""
        running = self._of_call.pop(call.fingerprint, None)
        if running is None:
            return
        running.spoken = running.spoken or (call.role is None and not isinstance(outcome, Missing))
        if isinstance(outcome, Missing) and running.over is None:
            running.prevented = running.prevented or outcome.reason
        number = running.open.pop(call.fingerprint)
        waited_s = running.left_after_s.pop(number, None)
        if waited_s is not None and _asked_for_s(outcome) < waited_s - IMPATIENT_S:
            running.prevented = running.prevented or FaultKind.CALL_WAITED
        self._outbox.append(given(running.id, number, outcome))
        self._settle(running)

    def give_up(self, call: Trial) -> None:
        """A call is not asked: its program has ended."""
        self.deliver(call, Missing(trial=call, attempts=(), reason=FaultKind.PROGRAM_ENDED))

    def ended(self) -> Sequence[Outcome]:
        """The trials that ended since this was last asked; the journal has them."""
        ended, self._ended = self._ended, []
        return ended

    def abandon(self, reason: str) -> Iterator[Outcome]:
        """Drop the trials that wait for an instance."""
        while self._waiting:
            yield Missing(trial=self._waiting.popleft(), attempts=(), reason=reason)

    def close(self) -> None:
        """End the sessions that run: their trials are begun anew by the next run."""
        self._outbox = [Drop(session=id_) for id_ in self._running]
        self._running.clear()
        self._of_call.clear()
        self.send()

    def _gave_up(self, trial: Trial) -> str | None:
        reason, times = self._alike.get((trial.feature, trial.option), ("", 0))
        return reason if times >= SAME_ENDS else None

    def _begin(self, trial: Trial, program: CallingProgram, seat: int) -> None:
        running = OpenRun(
            id=f"{trial.fingerprint[:16]}-{next(_NUMBERS)}",
            trial=trial,
            program=program,
            seat=seat,
        )
        self._running[running.id] = running
        self._outbox.append(
            Begin(
                session=running.id,
                seat=f"{trial.feature} {seat}",
                place=place_of(program),
                models=tuple(names_of(model) for model in program.models),
                case_id=trial.case_id,
                line=trial.request.messages[0].text,
            )
        )

    def _lose(self, running: OpenRun) -> None:
        """The worker died: begin the trial again, on another."""
        self._forget(running)
        trial = running.trial
        self._lost[trial.fingerprint] += 1
        if self._lost[trial.fingerprint] >= LOST_TWICE:
            self._ended.append(Missing(trial=trial, attempts=(), reason=FaultKind.WORKER_LOST))
        else:
            self._waiting.appendleft(trial)

    def _call(
        self, running: OpenRun, called: MadeCall
    ) -> Iterator[tuple[Trial, Sequence[Attempt]]]:
        model = next(one for one in running.program.models if one.role == called.role)
        running.seen[sameness(called)] += 1
        running.asked += 1
        self._tell_left_out(running.trial.feature, model.option, called)
        call = call_of(running.trial, model, called, running.seen[sameness(called)])
        running.open[call.fingerprint] = called.call
        running.made[call.fingerprint] = model.role
        self._of_call[call.fingerprint] = running
        settled = self._journal.settled([call.fingerprint]).get(call.fingerprint)
        if settled is not None:
            running.known += 1
            self.deliver(call, settled.outcome(call))
            return
        yield call, self._journal.attempts([call.fingerprint]).get(call.fingerprint, ())

    def _tell_left_out(self, feature: str, option: str, called: MadeCall) -> None:
        """Say once of each field that a model of another vendor is not sent it."""
        for field_ in called.left_out:
            what = f"{option} is not sent {field_!r}, which its vendor has no equal of"
            if (feature, what) not in self._told:
                self._told.add((feature, what))
                self._tell(f"{feature}: {what}")

    def _settle(self, running: OpenRun) -> None:
        """End a trial whose program ended, once what its calls cost is known."""
        over = running.over
        if over is None or running.id not in self._running:
            return
        waits = [name for name in running.open if name in self._of_call]
        if waits:
            return
        self._forget(running)
        self._outbox.append(Drop(session=running.id))
        self._write(running, over)

    def _forget(self, running: OpenRun) -> None:
        self._running.pop(running.id, None)
        for name in running.open:
            self._of_call.pop(name, None)

    def _write(self, running: OpenRun, over: Over) -> None:
        trial = running.trial
        outcome = _outcome(running, over)
        row = self._journal.commit(ended=(), sent=[Sent(trial=trial, number=1)])[0]
        attempt = Attempt(
            number=1,
            started_at=over.started_at,
            reserve_usd=Decimal(0),
            cost_usd=Decimal(0),
            usage=None,
            total_s=over.total_s,
            first_token_s=None,
            inter_token_s=None,
            error=None if isinstance(outcome, Answered) else outcome.reason,
            status=None,
            request_id=None,
            served_model=None,
        )
        self._journal.commit(
            ended=[AttemptEnded(row=row, attempt=attempt, outcome=outcome)], sent=()
        )
        self._journal.note_made(trial.fingerprint, running.made)
        attempts = self._journal.attempts([trial.fingerprint])[trial.fingerprint]
        self._ended.append(replace(outcome, attempts=attempts))
        self._watch(running, outcome, over)

    def _watch(self, running: OpenRun, outcome: Outcome, over: Over) -> None:
        """Report each kind of failure of a program once."""
        feature, option = lane = running.trial.feature, running.trial.option
        if isinstance(outcome, Answered):
            self._alike.pop(lane, None)
            return
        before, times = self._alike.get(lane, ("", 0))
        times = times + 1 if before == outcome.reason else 1
        if (feature, f"{option} {outcome.reason}") not in self._told:
            self._told.add((feature, f"{option} {outcome.reason}"))
            said = f": {over.said}" if over.said else ""
            self._tell(
                f"{feature}: the program's trial of one case with {option} ended by "
                f"{outcome.reason}{said}"
            )
        # What a model said may end it again and again: then it has failed, and is asked on.
        self._alike[lane] = (outcome.reason, times if isinstance(outcome, Missing) else 1)
        if times == SAME_ENDS and isinstance(outcome, Missing):
            self._tell(
                f"{feature}: {times} trials in a row ended so; "
                f"its program is run no more with {option}"
            )


def _note(running: OpenRun, event: LeftCall | Over) -> None:
    if isinstance(event, Over):
        running.over = event
    elif event.after_s is None:
        running.left_after_s.pop(event.call, None)
    else:
        running.left_after_s[event.call] = event.after_s


def _asked_for_s(call: Outcome) -> float:
    """How long the last attempt of a call was with its model, seconds."""
    return (call.attempts[-1].total_s or 0.0) if call.attempts else 0.0


def _outcome(running: OpenRun, over: Over) -> Outcome:
    trial = running.trial
    if running.prevented is not None:
        return Missing(trial=trial, attempts=(), reason=running.prevented)
    if over.fault is None:
        return Answered(trial=trial, attempts=(), text=over.text, finish="stop")
    if running.spoken and over.fault not in _NOT_THE_MODELS:
        return Failed(trial=trial, attempts=(), reason=over.fault)
    return Missing(trial=trial, attempts=(), reason=over.fault)
