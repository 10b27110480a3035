"""`hosting`: what to commit to over the whole portfolio, what is bought, and what stands idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from harness.bring.logs.attributing import read_rules
from harness.bring.metrics.reading_metrics import MetricsIntake, read_metrics
from harness.errors import UsageError
from harness.money.hosted_rates import (
    Rivals,
    per_call_at,
    priced_by_gpu,
    way_of_hosting,
)
from harness.money.hosting import hosting_cost
from harness.money.owned.bought import BoughtCapacity
from harness.money.owned.capacity import HostedDemand, HostedPool, OwnedCapacity, pooled
from harness.money.owned.paid import PaidEndpoint
from harness.money.owned.served import served_models
from harness.money.owned.units import calls_a_month, units_in_use
from harness.money.prices.rate_tables import Rates
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.money.traffic import metered
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import split_option
from harness.workspace.workspace import Workspace, load_workspace


def hosting(root: Path, *, on: date, metrics: tuple[Path, ...] = ()) -> OwnedCapacity:
    """Work out what to commit to, and what of the capacity is not used.

    Args:
        root: folder of the workspace.
        on: the day of the prices, and from which terms are counted.
        metrics: files of metrics and charges; without any, nothing is told of idle hours.

    Raises:
        WorkspaceError: a fault of the workspace, of `attribution.yaml`, or of a row of metrics.
        UsageError: a file of metrics that cannot be read.
    """
    return owned_capacity(load_workspace(root), on=on, metrics=metrics)


def owned_capacity(given: Workspace, *, on: date, metrics: tuple[Path, ...] = ()) -> OwnedCapacity:
    """The same of a workspace that was read.

    Raises:
        WorkspaceError: a fault of `attribution.yaml`, of traffic, or of a row of metrics.
        UsageError: a file of metrics that cannot be read.
    """
    workspace = metered(given)
    demands: dict[str, list[HostedDemand]] = {}
    left_out: dict[str, str] = {}
    for name in workspace.features:
        model, told = _model_of(workspace, name, on)
        if isinstance(told, HostedDemand):
            demands.setdefault(model, []).append(told)
        elif told:
            left_out[name] = told
    pools = [
        pooled(model, workspace.models[model].gpu or "", found) for model, found in demands.items()
    ]
    bought = (*units_in_use(workspace), *_gpus(workspace, pools))
    return OwnedCapacity(
        on=on,
        pools=tuple(sorted(pools, key=lambda one: (-one.monthly, one.model))),
        bought=tuple(
            sorted(
                (one for one in bought if one.days_left(on) >= 0),
                key=lambda one: (one.until, one.name),
            )
        ),
        endpoints=owned_endpoints(workspace, metrics) if metrics else None,
        left_out=left_out,
    )


def owned_endpoints(workspace: Workspace, metrics: tuple[Path, ...]) -> tuple[PaidEndpoint, ...]:
    """The endpoints of some files of metrics, under the workspace's names and prices.

    Raises:
        WorkspaceError: a fault of `attribution.yaml`, or of a row.
        UsageError: a file that cannot be read.
    """
    how = MetricsIntake(
        rules=read_rules(workspace.root),
        models=served_models(workspace),
        features=workspace.features,
    )
    return read_metrics(metrics, how)


def _model_of(
    workspace: Workspace, feature: str, on: date
) -> tuple[str, HostedDemand | str | None]:
    """The model of one's own that serves a feature: its incumbent, else the cheapest probed one."""
    config = workspace.features[feature]
    incumbent, _ = split_option(config.incumbent)
    hosted = [name for name, one in workspace.models.items() if priced_by_gpu(one)]
    if incumbent in hosted:
        hosted = [incumbent]
    else:
        probes = workspace.root / "probes"
        hosted = [name for name in hosted if (probes / f"{name}.{feature}.json").is_file()]
    if not hosted:
        return "", None
    found = {name: _demand(workspace, feature, name, on) for name in hosted}
    known = {name: one for name, one in found.items() if isinstance(one, HostedDemand)}
    if not known:
        return hosted[0], found[hosted[0]]
    cheapest = min(known, key=lambda name: (_month(known[name]), name))
    return cheapest, known[cheapest]


def _month(one: HostedDemand) -> Decimal:
    return hosting_cost(one.curve, one.way.capacity, one.way.gpu, one.way.plan).monthly


def _demand(workspace: Workspace, feature: str, model: str, on: date) -> HostedDemand | str:
    """What a feature asks of a model; a text says why that is not known."""
    config = workspace.features[feature]
    api = _api_rates(workspace, config, on)
    try:
        way = way_of_hosting(
            workspace, feature, model, rivals=Rivals(incumbent=api), traffic=config.traffic
        )
        found = HostedDemand(
            feature=feature,
            calls_per_month=calls_a_month(config),
            way=way,
            deferrable=config.mode == "deferrable",
            api_per_call=per_call_at(config.traffic, api) if config.traffic and api else None,
        )
        _month(found)
    except UsageError as error:
        return str(error)
    return found


def _api_rates(workspace: Workspace, config: FeatureConfig, on: date) -> Rates | None:
    """The incumbent's prices at the API; None: it is one's own, or has no price."""
    model, _ = split_option(config.incumbent)
    if priced_by_gpu(workspace.models[model]):
        return None
    try:
        return find_rates(model, workspace.models[model], workspace.policy, on=on)
    except PriceMissingError:
        return None


def _gpus(workspace: Workspace, pools: list[HostedPool]) -> Iterator[BoughtCapacity]:
    """GPUs that are committed, beside the floor that the pools need of them, what ends last first.

    Several commitments of one kind share its floor: those that end last serve it.
    """
    for name, price in workspace.policy.gpus.items():
        floor = sum(pool.committed_gpus for pool in pools if pool.gpu == name)
        known = any(pool.gpu == name for pool in pools)
        for one in sorted(price.bought, key=lambda each: each.until, reverse=True):
            needed = min(floor, one.gpus)
            floor -= needed
            each = one.usd_per_gpu_hour
            yield BoughtCapacity(
                name=name,
                what="GPUs",
                bought=one.gpus,
                needed=needed if known else None,
                usd_per_hour=each if each is not None else price.committed_1y or Decimal(0),
                until=one.until,
            )
