"""Imported answers, case by case: as many repeats as the tool made, another number for each model.

The case is the unit, so its repeats are averaged however many they are. The repeats of a case are
numbered so that an unanswered one stands before the answered ones (`harness.onramp.placing`): a gap
is missing, and a case without any answer misses one.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness.review.engine import CHUNK
from harness.trials import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.decision.step import Ask
    from harness.replay.journal import Journal
    from harness.replay.settled import Settled
    from harness.review.feature_run import FeatureRun
    from harness.trials import Outcome, Trial

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
