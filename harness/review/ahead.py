"""Every answer that a model may have to give, while it is loaded: into the journal, for later.

Models that do not fit on the GPUs at once are loaded one wave after another, each once. What a
review asks in which order depends on answers; so a model of a wave answers all its cases while it
is there, and the review then finds them in the journal. Looks are taken as ever, on the first cases
of the seeded order: more answers than a look reads change nothing that it decides.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from harness.review.commons import Commons
from harness.review.live_pass import LivePass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.plan.ladder import Rung
    from harness.plan.model import Plan
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun
    from harness.trials import Trial


def answer_ahead(plan: Plan, served: Mapping[str, str], engine: Engine) -> int:
    """Ask the served models everything that the plan may ask of them; returns the outcomes.

    Latency first, while nothing else runs; then every case, as fast as the models can.
    """
    commons = Commons(plan, served, engine)
    commons.write_plans()
    loaded = [
        (run, rung)
        for run in commons.runs.values()
        if run.plan.config.answers == "replayed"
        for rung in (run.incumbent, *run.rungs.values())
        if rung.model in served
    ]
    outcomes = 0
    for run, rung in loaded:
        latency = run.plan.config.latency
        if latency is not None and run.plan.latency_requests:
            outcomes += len(LivePass(commons).answer(run.plan, rung, latency.concurrency))
    wanted = [everything(run, rung) for run, rung in loaded]
    with closing(commons.replay(round_robin(wanted))) as live:
        return outcomes + sum(1 for _ in live)


def everything(run: FeatureRun, rung: Rung) -> Iterator[Trial]:
    """Every trial of the quality pass that a review may want of a model."""
    for case in run.plan.sample.deciding:
        for repeat in range(run.plan.repeats):
            yield run.plan.asker.trial(rung, case, repeat, "quality")


def round_robin(sources: list[Iterator[Trial]]) -> Iterator[Trial]:
    """One trial of each source in turn, so that features share the lanes fairly."""
    while sources:
        alive: list[Iterator[Trial]] = []
        for source in sources:
            trial = next(source, None)
            if trial is not None:
                yield trial
                alive.append(source)
        sources = alive
