"""Latency measured alone, and what it and the rest of the evidence veto."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from harness.review.engine import READING
from harness.review.latency_pass import (
    MOST_ROUNDS,
    cascade_facts,
    lacking,
    latency_facts,
    latency_trials,
)
from harness.review.vetoes import find_vetoes

if TYPE_CHECKING:
    from harness.decision.step import Confirm
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.record.parts import LatencyFacts
    from harness.review.commons import Commons
    from harness.review.feature_run import FeatureRun
    from harness.trials import Outcome


class LivePass:
    """The latency pass of a review. Each model of a feature is measured once.

    Whoever calls sees to it that nothing else runs.
    """

    def __init__(self, commons: Commons) -> None:
        self._commons = commons

    def measure_incumbents(self) -> None:
        """First of all."""
        for run in self._commons.runs.values():
            measure = partial(self._latency, run, run.incumbent)
            self._commons.engine.faults.attempt(run.plan.feature, READING, measure)

    def is_needed(self, run: FeatureRun, step: Confirm) -> bool:
        """Whether some option of a step is still to be measured."""
        if run.plan.config.latency is None or run.plan.latency_requests == 0:
            return False
        return any(run.asks(option) not in run.latencies for option in step.options)

    def confirm(self, run: FeatureRun, step: Confirm) -> None:
        """Look for vetoes of the options that passed on quality."""
        standings = {item.option: item for item in run.standings()}
        for option in step.options:
            latency = self._option_latency(run, option)
            run.vetoes[option] = find_vetoes(run, standings[option], latency=latency)

    def answer(self, plan: FeaturePlan, rung: Rung, concurrency: int) -> list[Outcome]:
        """The live requests of one model, lost samples made up for."""
        governor = self._commons.govern(concurrency)
        outcomes: list[Outcome] = []
        wanted = plan.latency_requests
        for _ in range(MOST_ROUNDS):
            start = len(outcomes)
            trials = latency_trials(plan, rung, start, start + wanted)
            with closing(self._commons.replay(trials, governor)) as live:
                outcomes += live
            wanted = lacking(plan, outcomes)
        return outcomes

    def _option_latency(self, run: FeatureRun, option: str) -> LatencyFacts | None:
        """Of a cascade the mixture: the cheap model alone, or both one after the other."""
        alone = self._latency(run, run.rungs[run.asks(option)])
        cascade, config = run.cascades.get(option), run.plan.config.latency
        if cascade is None or alone is None or config is None:
            return alone
        incumbent = run.latencies.get(run.incumbent.option)
        return cascade_facts(config, cascade, run, incumbent)

    def _latency(self, run: FeatureRun, rung: Rung) -> LatencyFacts | None:
        config, plan = run.plan.config.latency, run.plan
        if config is None or plan.latency_requests == 0:
            return None
        if rung.option not in run.latencies:
            outcomes = self.answer(plan, rung, config.concurrency)
            run.live += outcomes
            incumbent = run.latencies.get(run.incumbent.option)
            run.latencies[rung.option] = latency_facts(config, rung, outcomes, incumbent=incumbent)
        return run.latencies[rung.option]
