"""What loading the models that we start costs: their GPUs' time, charged to who asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.gpu_time import gpu_time_cost
from harness.costing.money import rounded
from harness.costing.workload import USD_PLACES
from harness.replay.journal import Load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.config.workspace import Workspace
    from harness.plan.model import FeaturePlan, Plan


def load_costs(workspace: Workspace, plan: Plan, load_s: Mapping[str, float]) -> Iterator[Load]:
    """Share the cost of each load out evenly over the features that ask the model.

    Args:
        workspace: its price book; a model without a row there, or without a GPU, costs nothing.
        plan: what is asked.
        load_s: seconds from start to first answer, by model that was started.
    """
    for model, seconds in load_s.items():
        config = workspace.models[model]
        gpus = config.serve.gpus if config.serve else 0
        asking = [feature for feature in plan.features if model in _models(feature)]
        if config.gpu is None or not gpus or not asking:
            continue
        whole = gpu_time_cost(seconds, gpus, workspace.policy.gpus[config.gpu])
        share = rounded(whole / len(asking), USD_PLACES)
        for feature in asking:
            yield Load(feature=feature.feature, model=model, load_s=seconds, usd=share)


def _models(feature: FeaturePlan) -> set[str]:
    rungs = (feature.incumbent, *(option.rung for option in feature.asked))
    judges = {judge.rung.model for judge in feature.judges}
    return judges | {rung.model for rung in rungs if rung is not None}
