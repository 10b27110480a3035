"""What loading the models that we start may cost, known before any of them is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.gpu_time import gpu_time_cost
from harness.costing.money import rounded
from harness.costing.workload import USD_PLACES
from harness.plan.model import PlannedLoad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from harness.config.files import ModelConfig, PolicyConfig, ServeConfig
    from harness.config.workspace import Workspace
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan


def planned_loads(workspace: Workspace, features: Iterable[FeaturePlan]) -> Iterator[PlannedLoad]:
    """Every model on GPUs that the features may ask; at worst each load takes all that it may.

    A load is expected to take what the model's probe saw, else all that it may.
    """
    features = tuple(features)
    asked = [rung for feature in features for rung in asked_rungs(feature)]
    judges = {judge.rung.model for feature in features for judge in feature.judges}
    for model in sorted({rung.model for rung in asked}):
        config, policy = workspace.models[model], workspace.policy
        serve, own = config.serve, [rung for rung in asked if rung.model == model]
        if serve is None:
            continue
        processes = serve.offline.replicas if serve.offline else 0
        # At worst the server is loaded too, for what was left; and again as a judge of others.
        servers = 2 if model in judges else 1
        worst_s = servers * longest_load_s(serve)
        worst_s += processes * longest_load_s(serve, offline=True)
        expected = load_usd(config, policy, _likely_s(own, serve) * (processes or 1))
        worst = load_usd(config, policy, worst_s)
        if expected is not None and worst is not None:
            yield PlannedLoad(model=model, gpus=serve.gpus, expected_usd=expected, worst_usd=worst)


def load_usd(config: ModelConfig, policy: PolicyConfig, seconds: float) -> Decimal | None:
    """USD of a model's GPUs for so long; None where loading it costs nothing."""
    gpus = config.serve.gpus if config.serve else 0
    if config.gpu is None or not gpus:
        return None
    return rounded(gpu_time_cost(seconds, gpus, policy.gpus[config.gpu]), USD_PLACES)


def longest_load_s(serve: ServeConfig, *, offline: bool = False) -> float:
    """The most seconds that one load is charged for.

    A server that does not answer within `ready_s` is ended, and so is an engine without a server
    that says when it reads (vLLM); of one that does not say so the whole run counts, to its time
    to live.
    """
    return serve.ttl_s if offline and serve.engine != "vllm" else serve.ready_s


def asked_rungs(feature: FeaturePlan) -> tuple[Rung, ...]:
    """The models that a feature's plan may ask, its judges' included."""
    replayed = feature.config.answers == "replayed"
    rungs = (feature.incumbent, *feature.rungs) if replayed else ()
    judges = (judge.rung for judge in feature.judges)
    return tuple(rung for rung in (*rungs, *judges) if rung is not None)


def _likely_s(rungs: Iterable[Rung], serve: ServeConfig) -> float:
    seen = [
        float(rung.rates.hosting.load_s)
        for rung in rungs
        if rung.rates is not None
        and rung.rates.hosting is not None
        and rung.rates.hosting.load_s is not None
    ]
    most_s = longest_load_s(serve, offline=serve.offline is not None)
    return min(max(seen, default=serve.ready_s), most_s)
