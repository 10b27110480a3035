"""Every answer that a model may have to give, while it is loaded: into the journal, for later.

Models that do not fit on the GPUs at once are loaded one wave after another, each once. What a
review asks in which order depends on answers; so a model of a wave answers all its cases while it
is there, and the review then finds them in the journal. Looks are taken as ever, on the first cases
of the seeded order: more answers than a look reads change nothing that it decides.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from harness.review.running import ReviewRun, round_robin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from harness.plan.ladder import Rung
    from harness.plan.model import Plan
    from harness.review.feature_run import FeatureRun
    from harness.review.running import Engine
    from harness.trials import Trial


def answer_ahead(plan: Plan, served: Mapping[str, str], engine: Engine) -> int:
    """Ask the served models everything that the plan may ask of them; returns the outcomes."""
    return _AheadRun(plan, served, engine).answer(served)


class _AheadRun(ReviewRun):
    def answer(self, models: Collection[str]) -> int:
        """Latency first, while nothing else runs; then every case, as fast as the models can."""
        self._write_plans()
        loaded = [
            (run, rung)
            for run in self._runs.values()
            if run.plan.config.answers == "replayed"
            for rung in (run.incumbent, *run.rungs.values())
            if rung.model in models
        ]
        outcomes = 0
        for run, rung in loaded:
            latency = run.plan.config.latency
            if latency is not None and run.plan.latency_requests:
                outcomes += len(self._live(run.plan, rung, latency.concurrency))
        wanted = [everything(run, rung) for run, rung in loaded]
        with closing(self._replay(round_robin(wanted), self._governor)) as live:
            return outcomes + sum(1 for _ in live)


def everything(run: FeatureRun, rung: Rung) -> Iterator[Trial]:
    """Every trial of the quality pass that a review may want of a model."""
    for case in run.plan.sample.deciding:
        for repeat in range(run.plan.repeats):
            yield run.plan.asker.trial(rung, case, repeat, "quality")
