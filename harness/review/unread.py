"""Answers that were paid for and that no look read: a model answered every case while it could.

A model that takes its turn on the GPUs, or answers without its server, is asked everything before
the review asks anything. What the review then did not want cost as much as the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.plan.ladder import Rung
    from harness.replay.journal import Journal
    from harness.review.feature_run import FeatureRun
    from harness.trials import Attempt, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Of one model, in one cycle."""

    trials: int
    attempts: tuple[Attempt, ...]


def unread_of(run: FeatureRun, journal: Journal, cycle: str) -> dict[str, Unread]:
    """What a feature's models answered in this cycle for nothing, by option."""
    found: dict[str, Unread] = {}
    for option, trials in _by_option(run).items():
        paid = journal.attempts((trial.fingerprint for trial in trials), cycle=cycle)
        attempts = tuple(attempt for each in paid.values() for attempt in each)
        if attempts:
            found[option] = Unread(trials=len(paid), attempts=attempts)
    return found


def _by_option(run: FeatureRun) -> Mapping[str, list[Trial]]:
    """Only models that we start can have answered what nobody has read."""
    own = [rung for rung in (run.incumbent, *run.rungs.values()) if rung.config.serve is not None]
    if run.plan.config.answers == "imported":
        own = []
    return {rung.option: list(_unread(run, rung)) for rung in own}


def _unread(run: FeatureRun, rung: Rung) -> Iterator[Trial]:
    for case in run.plan.sample.deciding:
        for repeat in range(run.plan.repeats):
            if not run.board.has(rung.option, case.id, repeat):
                yield run.plan.asker.trial(rung, case, repeat, "quality")
