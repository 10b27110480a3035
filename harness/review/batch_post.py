"""What a review asks by the vendors' batches: gathered from all features, sent, and read."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from harness.replay.batch_desk import BatchDesk
from harness.replay.batches import Batches
from harness.replay.worker import OPENER
from harness.review.engine import READING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.review.commons import Commons
    from harness.trials import Trial


class BatchPost:
    """The batches of a review: one per model for all features whose look is due together."""

    def __init__(self, batches: Batches, commons: Commons) -> None:
        self._batches = batches
        self._commons = commons
        self._gathered: dict[str, Iterator[Trial]] = {}
        self._awaited: frozenset[str] = frozenset()

    @classmethod
    def of(cls, commons: Commons) -> BatchPost | None:
        """None where nothing is asked by batch, or nothing at all is asked."""
        engine = commons.engine
        if commons.cluster is None or not commons.asks_by_batch:
            return None
        crew = commons.cluster.crew(OPENER)
        batches = Batches(
            BatchDesk(crew=crew, retry=engine.retry, pause=engine.pause),
            journal=engine.journal,
            ledger=commons.ledger,
            tell=engine.progress.note,
            patience=engine.patience,
        )
        return cls(batches, commons)

    def gather(self, feature: str, trials: Iterator[Trial]) -> None:
        """Send these with the next batches."""
        self._gathered[feature] = trials

    def awaits(self, feature: str) -> bool:
        """Whether a feature has trials that are to be sent, or whose batch has not ended."""
        return feature in self._gathered or feature in self._awaited

    @property
    def has_mail(self) -> bool:
        """Whether there is something to send, or time to look."""
        return bool(self._gathered) or self._batches.is_due

    def exchange(self) -> None:
        """Send what was gathered, look if it is time, and let the features read what is known.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        wanted, self._gathered = chain(*self._gathered.values()), {}
        outcomes = self._batches.send(wanted)
        if self._batches.is_due:
            outcomes += self._batches.look()
        self._awaited = self._batches.awaited
        faults = self._commons.engine.faults
        for outcome in self._commons.noted(outcomes):
            feature = outcome.trial.feature
            take = partial(self._commons.runs[feature].take, outcome)
            faults.attempt(feature, READING, take)

    def wait(self) -> None:
        """Wait until it is time to look again; for when nothing else is asked.

        Raises:
            InterruptedRunError: On Ctrl-C; the next run reads the batches.
        """
        self._batches.wait()
