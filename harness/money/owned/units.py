"""Provisioned units beside what the features ask of them, as a review keeps it for its index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from harness.money.amounts import exact
from harness.money.hosted_rates import shares_of
from harness.money.hosting import HOURS_A_MONTH, HOURS_A_WEEK
from harness.money.owned.bought import (
    BoughtCapacity,
    bought_units,
    units_needed,
    units_used,
    write_bought,
)
from harness.money.traffic import metered
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import CapacityConfig, split_option
from harness.workspace.workspace import Workspace


def units_in_use(workspace: Workspace) -> Iterator[BoughtCapacity]:
    """Provisioned units of each model, and what the features that run on it need of them.

    The workspace has its traffic (`metered`), and all features.
    """
    for name, config in workspace.models.items():
        bought = config.capacity
        if bought is None:
            continue
        asked = [
            (feature, one)
            for feature, one in workspace.features.items()
            if split_option(one.incumbent)[0] == name
        ]
        hours = _tokens_by_hour(workspace, asked)
        yield BoughtCapacity(
            name=name,
            seller=config.platform or config.provider,
            what="units",
            bought=bought.units,
            needed=None if hours is None else _needed(hours, bought),
            usd_per_hour=bought.usd_per_unit_hour,
            until=bought.until,
            used_share=None
            if hours is None
            else units_used(hours, bought.tokens_per_minute_per_unit, bought.units),
        )


def _needed(hours: list[Decimal], bought: CapacityConfig) -> int:
    return units_needed(hours, bought.tokens_per_minute_per_unit)


def _tokens_by_hour(
    workspace: Workspace, asked: list[tuple[str, FeatureConfig]]
) -> list[Decimal] | None:
    """Tokens of each hour of a week that some features ask for; None: some traffic is not known."""
    total = [Decimal(0)] * HOURS_A_WEEK
    for name, config in asked:
        traffic = config.traffic
        if traffic is None:
            return None
        tokens = exact(traffic.input_tokens) + exact(traffic.output_tokens)
        week = calls_a_month(config) * tokens * HOURS_A_WEEK / HOURS_A_MONTH
        shares = shares_of(workspace, name, traffic) or [1] * HOURS_A_WEEK
        whole = sum(map(Decimal, shares), Decimal(0))
        total = [sum_ + week * share / whole for sum_, share in zip(total, shares, strict=True)]
    return total


def calls_a_month(config: FeatureConfig) -> Decimal:
    """Requests of a feature and what is asked again; 0 where its traffic is not known."""
    traffic = config.traffic
    return traffic.requests_per_month * (1 + exact(traffic.retry_rate)) if traffic else Decimal(0)


def keep_bought(workspace: Workspace, folder: Path, on: date) -> None:
    """Write what is bought on a day beside the records of a review, or take away what was kept.

    Where a feature was left out of the workspace, nothing says what is needed.
    """
    files = {path.stem for path in (workspace.root / "features").glob("*.yaml")}
    if files <= workspace.features.keys():
        found = [one for one in units_in_use(metered(workspace)) if one.days_left(on) >= 0]
        found.sort(key=lambda one: (-one.monthly, one.name))
    else:
        found = [*bought_units(workspace.models, on)]
    write_bought(found, folder)
