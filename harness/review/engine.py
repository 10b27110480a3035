"""What a review runs on, and the journal alone where it runs on nothing else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from harness.errors import Faults, RightsizeError
from harness.replay.batch_waits import Patience
from harness.trials import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from harness.cluster.crew import Cluster
    from harness.replay.journal import Journal
    from harness.replay.retry import RetryPolicy
    from harness.review.progress import Progress
    from harness.trials import Outcome, Trial

READING = "its answers could not be read"
"""What failed where a feature's review ends before its decision: all its answers are kept."""
CHUNK = 1000
"""Trials looked up in the journal at once."""


class NotInJournalError(RightsizeError):
    """The review needs an answer that the journal does not have."""

    ends_run = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What a review runs on."""

    cluster: Cluster | None
    """None: from the journal alone; a trial that is not in it ends the review."""
    journal: Journal
    retry: RetryPolicy
    progress: Progress
    now: datetime
    share_of_rate_limit: float
    patience: Patience = field(default_factory=Patience)
    """With the vendors' batches."""
    pause: Callable[[float], None] = time.sleep
    faults: Faults = field(default_factory=lambda: Faults(contains=False))
    """Where one feature's fault is kept from the others."""


def from_journal(
    trials: Iterable[Trial | None], journal: Journal, *, or_missing: bool = False
) -> Iterator[Outcome]:
    """What the journal has; what it lacks is missing (imported answers), or ends the review.

    None among the trials: there are no more before the outcomes of those before it are read.

    Raises:
        NotInJournalError: without `or_missing`, at the first trial that it lacks.
    """
    source = iter(trials)
    while asked := _chunk(source):
        settled = journal.settled(trial.fingerprint for trial in asked)
        for trial in asked:
            if trial.fingerprint in settled:
                yield settled[trial.fingerprint].outcome(trial)
            elif or_missing:
                yield Missing(trial=trial, attempts=(), reason="not among the imported answers")
            else:
                raise NotInJournalError(trial.option)


def _chunk(source: Iterator[Trial | None]) -> list[Trial]:
    chunk: list[Trial] = []
    for trial in islice(source, CHUNK):
        if trial is None:
            break
        chunk.append(trial)
    return chunk
