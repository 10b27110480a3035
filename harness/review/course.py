"""A feature's way through its review: what it asks, part by part, until it is decided.

What a part asks depends on the answers to the parts before it and on nothing else, so that a
feature's finding is the same at whatever pace it, or another one, gets its answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from harness.decision.step import Ask, Finished
from harness.review.engine import READING
from harness.review.floor import asks_on
from harness.review.imported import imported_outcomes
from harness.review.progress import standings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.review.batch_post import BatchPost
    from harness.review.commons import Commons
    from harness.review.feature_run import FeatureRun
    from harness.review.live_pass import LivePass
    from harness.trials import Outcome, Trial


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Trials to ask, and who reads their outcomes; the course goes on after the last of them."""

    trials: Iterator[Trial]
    take: Callable[[Outcome], None]


class Halt(Enum):
    """What a course waits for."""

    BATCHES = "its batches are under way"
    QUIET = "nothing else may run"


Stage: TypeAlias = Part | Halt


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One feature's course."""

    run: FeatureRun
    commons: Commons
    live: LivePass
    post: BatchPost | None
    """None: nothing is asked by batch."""

    def stages(self) -> Iterator[Stage]:
        """What to ask or to wait for, one stage after the other; ends with the decision.

        A fault of the feature's own ends its course alone: nothing more is asked for it.
        """
        stages = self._stages()
        while (stage := self._attempt(lambda: next(stages, None))) is not None:
            yield self._guarded(stage) if isinstance(stage, Part) else stage
            if self._is_broken:
                return

    def _guarded(self, part: Part) -> Part:
        def trials() -> Iterator[Trial]:
            while not self._is_broken:
                trial = self._attempt(lambda: next(part.trials, None))
                if trial is None:
                    return
                yield trial

        def take(outcome: Outcome) -> None:
            if not self._is_broken:
                self._attempt(lambda: part.take(outcome))

        return Part(trials=trials(), take=take)

    @property
    def _is_broken(self) -> bool:
        return self.commons.engine.faults.has(self.run.plan.feature)

    def _attempt(self, call: Callable[[], T]) -> T | None:
        return self.commons.engine.faults.attempt(self.run.plan.feature, READING, call)

    def _stages(self) -> Iterator[Stage]:
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
                if self.live.is_needed(self.run, step):
                    yield Halt.QUIET
                self.live.confirm(self.run, step)

    def _ask_on(self) -> Iterator[Stage]:
        """Today's model alone, on more cases, while only that can tell what these cases can tell.

        From the journal alone it ends where the journal does: one of before has no such answers.
        """
        before = 0
        while (count := asks_on(self.run)) > before:
            ask = Ask(options=(), incumbent=count)
            if not self._can_ask(ask):
                return
            yield from self._ask(ask)
            before = count

    def _can_ask(self, ask: Ask) -> bool:
        if self.commons.cluster is not None or self.run.plan.config.answers == "imported":
            return True
        names = [trial.fingerprint for trial in self.run.trials(ask)]
        known = self.commons.engine.journal.settled(names)
        return all(name in known for name in names)

    def _ask(self, ask: Ask) -> Iterator[Stage]:
        run = self.run
        if run.plan.config.answers == "imported":
            journal = self.commons.engine.journal
            for outcome in imported_outcomes(run, ask, journal):
                run.take(outcome)
        elif self.post is None:
            yield Part(trials=run.trials(ask), take=run.take)
        else:
            yield from self._ask_by_batch(ask, self.post)
        yield from self._judge()

    def _ask_by_batch(self, ask: Ask, post: BatchPost) -> Iterator[Stage]:
        """Some models by batch, the others live; then live what the batches did not answer."""
        run = self.run
        post.gather(run.plan.feature, run.trials(ask, by_batch=True))
        yield Part(trials=run.trials(ask, by_batch=False), take=run.take)
        yield Halt.BATCHES
        yield from self._judge()
        yield Part(trials=run.trials(ask), take=run.take)

    def _judge(self) -> Iterator[Stage]:
        """Let the judges see the answers that wait for them."""
        judging = self.run.judging
        if judging is not None:
            yield Part(trials=judging.trials(), take=judging.take)
            self.run.judged()

    def _tell(self) -> None:
        for standing in standings_of(self.run, self.commons.ledger.spent_usd):
            self.commons.engine.progress.stood(standing)
