"""What a model of one's own costs per call, from its probe file and the feature's hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.config.probe_file import read_probe
from harness.costing.rates import PriceMissingError
from harness.costing.workload import cost_per_request_from_traffic
from harness.economics.break_even import Hosting
from harness.economics.hosted_rates import (
    break_even_volumes,
    capacity_of,
    hosted_rates,
    hosting_facts,
    hosting_plan,
    month_of_hosting,
)
from harness.metering.week import together
from harness.metering.week_file import read_weeks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from harness.config.files import ModelConfig, Traffic
    from harness.config.workspace import Workspace
    from harness.costing.rates import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """What a feature's self-hosted model is held against: `hosted` rates by option.

    `incumbent` prices overflow back to the incumbent's API; None: it has no price.
    """

    incumbent: Rates | None = None
    hosted: Mapping[str, Rates] = field(default_factory=dict[str, "Rates"])


def rates_of_hosting(
    workspace: Workspace,
    feature_id: str,
    model: str,
    *,
    rivals: Rivals,
    traffic: Traffic | None = None,
) -> Rates:
    """Price a self-hosted model at one feature's traffic.

    Args:
        workspace: the probe file lies under its `probes/`.
        feature_id: whose prompts were probed, and whose traffic is served.
        model: an entry of `models/` with `gpu:` and no `price:`.
        rivals: the hosted options that it is held against.
        traffic: another volume than the one that the feature states.

    Raises:
        PriceMissingError: the probe file or the traffic is missing.
        NoCapacityError: the probe found no rate at which the SLOs are met.
    """
    config = workspace.models[model]
    gpu = workspace.policy.gpus[config.gpu or ""]
    traffic = traffic or workspace.features[feature_id].traffic
    if traffic is None or not traffic.requests_per_month:
        raise PriceMissingError(f"{model}: a GPU's price per request needs the feature's traffic")
    path = workspace.root / "probes" / f"{model}.{feature_id}.json"
    if not path.is_file():
        raise PriceMissingError(
            f"{model}: no probes/{path.name}; `rightsize probe {model} --feature {feature_id}` "
            f"measures what a replica serves"
        )
    overflow = None if rivals.incumbent is None else _per_call(traffic, rivals.incumbent)
    way = Hosting(
        capacity=capacity_of(read_probe(path)),
        gpu=gpu,
        plan=hosting_plan(config.hosting, incumbent_per_request=overflow),
        shares=_shares(workspace, feature_id, traffic),
    )
    cost = month_of_hosting(traffic, way)
    per_call = {option: _per_call(traffic, rates) for option, rates in rivals.hosted.items()}
    even = break_even_volumes(way, traffic, per_call)
    return hosted_rates(cost, gpu, hosting_facts(cost, way.capacity, even))


def priced_by_gpu(config: ModelConfig) -> bool:
    """Whether a model's price is its GPUs' hours."""
    return config.gpu is not None and not config.price


def _per_call(traffic: Traffic, rates: Rates) -> Decimal:
    """USD of one call after discounts: own hardware is held against what is paid."""
    once = traffic.model_copy(update={"retry_rate": 0})
    return cost_per_request_from_traffic(once, rates) * (1 - rates.discount)


def _shares(workspace: Workspace, feature_id: str, traffic: Traffic) -> tuple[int, ...] | None:
    """The week's shape from the feature's traffic file; None when it states none."""
    if traffic.curve is None:
        return None
    file = f"traffic/{traffic.curve}"
    weeks = read_weeks((workspace.root / file).read_text(encoding="utf-8-sig"), file=file)
    own = tuple(week for week in weeks if week.feature == feature_id)
    if not own:
        raise PriceMissingError(f"{file}: has no rows of {feature_id}")
    return together(own).shares
