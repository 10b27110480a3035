"""The review of one feature: it asks in steps, until it is decided.

What a step asks depends on the answers to the steps before it and on nothing else, so that the
finding is the same at whatever pace the answers come. A step is asked live, in a vendor's batch
that it shares with other features, or read from imported answers. There the case is the unit, so
its repeats are averaged however many there are; repeats are numbered so that one without an answer
comes first (`harness.bring.onramp.known_cases`), and a case without any answer counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial
from itertools import chain, groupby
from typing import TypeAlias, TypeVar

from harness.ask.replay.batches import Batches
from harness.ask.replay.shared_workers import BatchClient
from harness.ask.replay.worker import OPENER
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.floor import asks_on
from harness.conduct.reviewing.foreseen import Foreseen
from harness.conduct.reviewing.latency_pass import LivePass
from harness.conduct.reviewing.progress import OptionProgress, Upcoming
from harness.conduct.reviewing.session import CHUNK, READING, ReviewSession
from harness.journal.journal import Journal
from harness.journal.rows import Settled
from harness.journal.trials import Missing, Outcome, Trial
from harness.judge.decision.standing import Ask, Confirm, Finished

NOT_IMPORTED = "not among the imported answers"


def imported_outcomes(run: FeatureRun, ask: Ask, journal: Journal) -> Iterator[Outcome]:
    """What the journal has of an ask; cases that were read before are not read again."""
    unread = [t for t in run.trials(ask) if not run.board.scored(t.option, [t.case_id])]
    cases = [list(trials) for _, trials in groupby(unread, lambda t: (t.option, t.case_id))]
    for start in range(0, len(cases), CHUNK):
        some = cases[start : start + CHUNK]
        settled = journal.settled(trial.fingerprint for trials in some for trial in trials)
        for trials in some:
            yield from _of_case(trials, settled)


def _of_case(trials: Sequence[Trial], settled: Mapping[str, Settled]) -> Iterator[Outcome]:
    known = [at for at, trial in enumerate(trials) if trial.fingerprint in settled]
    for trial in trials[: 1 + max(known, default=0)]:
        found = settled.get(trial.fingerprint)
        if found is None:
            yield Missing(trial=trial, attempts=(), reason=NOT_IMPORTED)
        else:
            yield found.outcome(trial)


class BatchQueue:
    """The batches of a review: one per model for all features whose look is due together."""

    def __init__(self, batches: Batches, session: ReviewSession) -> None:
        self._batches = batches
        self._session = session
        self._gathered: dict[str, Iterator[Trial]] = {}
        self._awaited: frozenset[str] = frozenset()

    @classmethod
    def of(cls, session: ReviewSession) -> BatchQueue | None:
        """The queue of a session; None where nothing is asked by batch, or nothing at all."""
        engine = session.engine
        if session.cluster is None or not session.asks_by_batch:
            return None
        pool = session.cluster.pool(OPENER)
        batches = Batches(
            BatchClient(pool=pool, retry=engine.retry, pause=engine.pause),
            journal=engine.journal,
            ledger=session.ledger,
            tell=engine.progress.note,
            back_off=engine.back_off,
        )
        return cls(batches, session)

    def gather(self, feature: str, trials: Iterator[Trial]) -> None:
        """Send these with the next batches."""
        self._gathered[feature] = trials

    def awaits(self, feature: str) -> bool:
        """Whether a feature has trials that are to be sent, or are in a batch that runs."""
        return feature in self._gathered or feature in self._awaited

    @property
    def is_due(self) -> bool:
        """Whether there is something to send, or time to ask for results."""
        return bool(self._gathered) or self._batches.is_due

    def send_and_read(self) -> None:
        """Send what was gathered, ask for results if it is time, and let the features read them.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        wanted, self._gathered = chain(*self._gathered.values()), {}
        outcomes = self._batches.send(wanted)
        if self._batches.is_due:
            outcomes += self._batches.look()
        self._awaited = self._batches.awaited
        faults = self._session.engine.faults
        for outcome in self._session.noted(outcomes):
            feature = outcome.trial.feature
            take = partial(self._session.runs[feature].take, outcome)
            faults.attempt(feature, READING, take)

    def wait(self) -> None:
        """Wait until it is time to ask for results again; for when nothing else is asked.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        self._batches.wait()


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSet:
    """Trials to ask, and who reads their outcomes; the next stage comes after the last of them."""

    trials: Iterator[Trial]
    take: Callable[[Outcome], None]


class Halt(Enum):
    """What the review of a feature waits for."""

    BATCHES = "its batches are under way"
    QUIET = "the trials of all features: nothing else may run"


Stage: TypeAlias = TrialSet | Halt


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReview:
    """Steps through one feature, until it is decided."""

    run: FeatureRun
    session: ReviewSession
    live: LivePass
    batch_queue: BatchQueue | None
    """None: nothing is asked by batch."""
    foreseen: Foreseen

    def stages(self) -> Iterator[Stage]:
        """What to ask or to wait for, one stage after the other; ends with the decision.

        A fault of the feature's own ends its review alone: nothing more is asked for it.
        """
        stages = self._stages()
        while (stage := self._attempt(lambda: next(stages, None))) is not None:
            yield self._guarded(stage) if isinstance(stage, TrialSet) else stage
            if self._is_broken:
                break
        self._foresee(self.foreseen.ended)

    def _guarded(self, stage: TrialSet) -> TrialSet:
        def trials() -> Iterator[Trial]:
            while not self._is_broken:
                trial = self._attempt(lambda: next(stage.trials, None))
                if trial is None:
                    return
                yield trial

        def take(outcome: Outcome) -> None:
            if not self._is_broken:
                self._attempt(lambda: stage.take(outcome))

        return TrialSet(trials=trials(), take=take)

    @property
    def _is_broken(self) -> bool:
        return self.session.engine.faults.has(self.run.plan.feature)

    def _attempt(self, call: Callable[[], T]) -> T | None:
        return self.session.engine.faults.attempt(self.run.plan.feature, READING, call)

    def _stages(self) -> Iterator[Stage]:
        if self.run.plan.tuned:
            yield TrialSet(trials=self.run.tune_trials(), take=self.run.take_tune)
        if not self.run.missing_tune:
            yield from self._deciding()
        if self.live.lacks_incumbent(self.run):
            yield Halt.QUIET
            self.live.measure_incumbent(self.run)

    def _deciding(self) -> Iterator[Stage]:
        """Ask the cases that decide, now that it is known how sure each model must be."""
        if self.run.plan.tuned:
            self.session.fix_thresholds(self.run)
        yield from self._to_the_end()
        yield from self._ask_on()
        # More answers of today's model may bring pairs of options that were given up: those that
        # were answered ahead, by batch or in a cascade. They are read before anything is found.
        yield from self._to_the_end()

    def _to_the_end(self) -> Iterator[Stage]:
        while not isinstance(step := self.run.step(), Finished):
            if isinstance(step, Ask):
                yield from self._ask(step)
                self._tell()
            else:
                yield from self._ask_parts(step)
                if self.live.is_needed(self.run, step):
                    yield Halt.QUIET
                self.live.confirm(self.run, step)

    def _ask_parts(self, step: Confirm) -> Iterator[Stage]:
        """Ask the rest of the protected parts, before an option that passed is accepted."""
        for option in step.options:
            ask = self.run.rest_of_parts(option)
            if ask is not None and self._can_ask(ask):
                yield from self._ask(ask)

    def _ask_on(self) -> Iterator[Stage]:
        """Ask today's model alone on more cases, while it may not beat a constant answer yet.

        From the journal alone it ends where the journal does: an older one has no such answers.
        """
        before = 0
        while (count := asks_on(self.run)) > before:
            ask = Ask(options=(), incumbent=count)
            if not self._can_ask(ask):
                return
            yield from self._ask(ask)
            before = count

    def _can_ask(self, ask: Ask) -> bool:
        if self.session.cluster is not None or self.run.plan.config.answers == "imported":
            return True
        names = [trial.fingerprint for trial in self.run.trials(ask)]
        known = self.session.engine.journal.settled(names)
        return all(name in known for name in names)

    def _ask(self, ask: Ask) -> Iterator[Stage]:
        run = self.run
        if run.plan.config.answers == "imported":
            journal = self.session.engine.journal
            for outcome in imported_outcomes(run, ask, journal):
                run.take(outcome)
        elif self.batch_queue is None:
            yield TrialSet(trials=run.trials(ask), take=run.take)
        else:
            yield from self._ask_by_batch(ask, self.batch_queue)
        yield from self._judge()

    def _ask_by_batch(self, ask: Ask, batch_queue: BatchQueue) -> Iterator[Stage]:
        """Some models by batch, the others live; then live what the batches did not answer."""
        run = self.run
        batch_queue.gather(run.plan.feature, run.trials(ask, by_batch=True))
        yield TrialSet(trials=run.trials(ask, by_batch=False), take=run.take)
        yield Halt.BATCHES
        yield from self._judge()
        yield TrialSet(trials=run.trials(ask), take=run.take)

    def _judge(self) -> Iterator[Stage]:
        """Let the judges see the answers that wait for them."""
        judging = self.run.judging
        if judging is not None:
            yield TrialSet(trials=judging.trials(), take=judging.take)
            self.run.judged()

    def _tell(self) -> None:
        for standing in standings_of(self.run, self.session.ledger.spent_usd):
            self.session.engine.progress.stood(standing)
        self._foresee(self.foreseen.spared)

    def _foresee(self, less: Callable[[], Upcoming]) -> None:
        """Tell how much less is to be asked than was told, where anything is asked at all."""
        if self.session.cluster is None:
            return
        found = less()
        if found.changes:
            self.session.engine.progress.spared(found)


def standings_of(run: FeatureRun, spent_usd: Decimal) -> Iterator[OptionProgress]:
    """How each option of a feature stands that was looked at."""
    for standing in run.standings():
        if standing.looks:
            yield OptionProgress(
                feature=run.plan.feature,
                option=standing.option,
                look=sum(end <= standing.asked for end in run.design.looks),
                looks=len(run.design.looks),
                cases=standing.asked,
                rests_on=standing.n,
                of_cases=len(run.design.order),
                worst=None if standing.worst is None else 100 * standing.worst,
                margin=run.design.margin,
                action=standing.looks[-1].action,
                spent_usd=spent_usd,
            )
