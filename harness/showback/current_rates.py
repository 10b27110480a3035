"""The rates of a record's options on another day, from the workspace and the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.rates import PriceMissingError, find_rates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from harness.config.files import ModelConfig, PolicyConfig
    from harness.costing.tables import Rates
    from harness.record.model import DecisionRecord


def rates_on(
    record: DecisionRecord,
    models: Mapping[str, ModelConfig],
    policy: PolicyConfig,
    *,
    on: date,
) -> dict[str, Rates]:
    """Find the rates of today's model and of every option.

    An option that never had rates, whose model left the workspace, or whose price is its GPUs'
    hours (a matter of its probe and traffic: `plan`) is left out and keeps what the record says.

    Raises:
        PriceMissingError: a model of the record has no price on that day.
    """
    targets = [record.current, *(option.target for option in record.options)]
    priced = {record.current.option: record.current_cost.rates}
    priced |= {option.target.option: option.cost.rates for option in record.options}
    found: dict[str, Rates] = {}
    for target in targets:
        config = models.get(target.model_id)
        hosted = config is not None and config.gpu is not None and not config.price
        if config is None or hosted or priced[target.option] is None:
            continue
        try:
            found[target.option] = find_rates(target.model_id, config, policy, on=on)
        except PriceMissingError as error:
            raise PriceMissingError(f"{record.decision_id}: {error}") from error
    return found
