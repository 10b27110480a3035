"""The lanes that a review asks, and what a call on them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.attempts import attempt_cost
from harness.plan.judging import OPTION as JUDGED_BY
from harness.replay.governor import Lane, LaneLimits, lane_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from harness.plan.ladder import Rung
    from harness.review.feature_run import FeatureRun
    from harness.trials import Trial
    from providers.completion import TokenUsage


def lane_limits(
    runs: Iterable[FeatureRun], *, concurrency: int | None = None
) -> dict[Lane, LaneLimits]:
    """What each lane grants by configuration; `concurrency` in place of the configured one."""
    limits: dict[Lane, LaneLimits] = {}
    for run in runs:
        first = run.plan.sample.deciding[0]
        for rung in (run.incumbent, *run.rungs.values()):
            trial = run.plan.asker.trial(rung, first, 0, "quality")
            limits[lane_of(trial)] = _limits(rung, concurrency)
        for judge in run.plan.judges:
            lane = lane_of(judge.sample(judge.reader(), first, ""))
            limits.setdefault(lane, _limits(judge.rung, concurrency))
    return limits


def price(run: FeatureRun, trial: Trial, usage: TokenUsage) -> Decimal:
    """What an attempt at a feature's trial cost, its judges' too."""
    judges = {f"{JUDGED_BY}{judge.rung.option}": judge.rung for judge in run.plan.judges}
    rungs = {run.incumbent.option: run.incumbent, **run.rungs, **judges}
    return attempt_cost(usage, rungs[trial.option].priced(), batch=trial.batch)


def _limits(rung: Rung, concurrency: int | None) -> LaneLimits:
    return LaneLimits(
        max_concurrency=concurrency or rung.config.max_concurrency,
        requests_per_minute=rung.config.requests_per_minute,
        tokens_per_minute=rung.config.tokens_per_minute,
    )
