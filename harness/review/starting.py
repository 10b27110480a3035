"""A planned feature at the start of its run, its models where they are served."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.plan.rulings import Judging
from harness.review.cascades import cascades_of
from harness.review.feature_run import FeatureRun
from harness.review.scores import Measures, Scoreboard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan


def start(plan: FeaturePlan, served: Mapping[str, str]) -> FeatureRun:
    """Nothing is known yet; `served` has the address of each model that was started.

    Raises:
        LookupError: the feature was not planned to be asked.
    """
    if plan.incumbent is None or plan.design is None:
        raise LookupError(f"{plan.feature} was not planned to be asked")
    judges = tuple(replace(judge, rung=_at(judge.rung, served)) for judge in plan.judges)
    cases = {case.id: case for case in plan.sample.deciding}
    judging = Judging.of(judges, cases, plan.incumbent.option)
    book = judging.book if judging else None
    # What was imported is all there, in whatever number, as soon as it was read.
    fewest = 1 if plan.config.answers == "imported" else plan.repeats
    measures = Measures.of(plan.evalset, plan.sample.folder, book)
    return FeatureRun(
        plan=plan,
        design=plan.design,
        incumbent=_at(plan.incumbent, served),
        rungs={rung.option: _at(rung, served) for rung in plan.rungs},
        board=Scoreboard(measures=measures, cases=cases, fewest=fewest),
        judging=judging,
        cascades=cascades_of(plan, measures.primary),
    )


def _at(rung: Rung, served: Mapping[str, str]) -> Rung:
    address = served.get(rung.model)
    return rung if address is None else rung.served_at(address)
