"""The rates of a record's options on another day, from the workspace and the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.rates import PriceMissingError, find_rates
from harness.plan.hosting import Rivals, priced_by_gpu, rates_of_hosting
from harness.showback.repricing import recorded_rates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from harness.config.files import ModelConfig, PolicyConfig, Traffic
    from harness.config.workspace import Workspace
    from harness.costing.tables import Rates
    from harness.record.model import DecisionRecord


def rates_on(
    record: DecisionRecord,
    models: Mapping[str, ModelConfig],
    policy: PolicyConfig,
    *,
    on: date,
) -> dict[str, Rates]:
    """Find the rates of today's model and of every option, of a cascade its cheap model's.

    An option that never had rates, whose model left the workspace, or whose price is its GPUs'
    hours (`hosted_rates_on`) is left out and keeps what the record says.

    Raises:
        PriceMissingError: a model of the record has no price on that day.
    """
    targets = [record.current, *(option.target for option in record.options)]
    priced = {record.current.option: record.current_cost.rates}
    priced |= {option.target.option: option.price_list for option in record.options}
    found: dict[str, Rates] = {}
    for target in targets:
        config = models.get(target.model_id)
        facts = priced[target.option]
        if config is None or priced_by_gpu(config) or facts is None:
            continue
        try:
            found[target.option] = find_rates(
                target.model_id, config, policy, on=on, service_tier=facts.service_tier
            )
        except PriceMissingError as error:
            raise PriceMissingError(f"{record.decision_id}: {error}") from error
    return found


def hosted_rates_on(
    record: DecisionRecord, workspace: Workspace, rates: Mapping[str, Rates]
) -> dict[str, Rates]:
    """Work out the options on own hardware again, at the price book and the probes of today.

    Args:
        record: its traffic counts, spread over the hours as the workspace says.
        workspace: a feature that left it has no hours: its options keep what the record says.
        rates: the hosted options' rates that they are held against, where they differ.

    Raises:
        UsageError: the probe file is missing, or a replica serves nothing.
    """
    traffic = _traffic(record, workspace)
    if traffic is None:
        return {}
    at = {**recorded_rates(record), **rates}
    ways = {record.current.option: (record.current, record.current_cost.hosting)}
    ways |= {option.target.option: (option.target, option.hosting) for option in record.options}
    found: dict[str, Rates] = {}
    for option, (target, hosting) in ways.items():
        config = workspace.models.get(target.model_id)
        if hosting is None or config is None or not priced_by_gpu(config):
            continue
        against = {one.option for one in hosting.break_even}
        rivals = Rivals(
            incumbent=at.get(record.current.option),
            hosted={name: of for name, of in at.items() if name in against},
        )
        found[option] = rates_of_hosting(
            workspace, record.feature.id, target.model_id, rivals=rivals, traffic=traffic
        )
    return found


def _traffic(record: DecisionRecord, workspace: Workspace) -> Traffic | None:
    """The record's volume with the workspace's hours; None where either is missing."""
    feature = workspace.features.get(record.feature.id)
    if feature is None or feature.traffic is None or record.traffic is None:
        return None
    return feature.traffic.model_copy(update=dict(record.traffic))
