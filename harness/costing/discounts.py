"""Discounts of the policy that change no price of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsets.validation import suggestion
from harness.costing.rates import PriceMissingError, find_rates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from harness.config.files import ModelConfig, PolicyConfig


def idle_discounts(
    policy: PolicyConfig,
    models: Mapping[str, ModelConfig],
    service_tiers: Collection[str | None],
    *,
    on: date,
) -> Iterator[tuple[str, str]]:
    """Each provider whose discount has no effect on a day, and why.

    `service_tiers` are those that features ask for: a price may be stated for one of them alone.
    """
    providers = {config.provider for config in models.values()}
    for provider, share in policy.discounts.items():
        own = {name: config for name, config in models.items() if config.provider == provider}
        if not share:
            yield provider, "a discount of 0 changes nothing; state what was granted, or remove it"
        elif not own:
            known = suggestion(provider, providers)
            yield provider, f"no model has this provider, so nothing is discounted{known}"
        elif not any(
            _is_discounted(name, config, policy, service_tiers, on) for name, config in own.items()
        ):
            yield (
                provider,
                (
                    "has no effect: no model of it has a catalogue price "
                    f"({', '.join(sorted(own))}), and a `price:` of the workspace is net already; "
                    "remove one of the two"
                ),
            )


def _is_discounted(
    name: str,
    config: ModelConfig,
    policy: PolicyConfig,
    service_tiers: Collection[str | None],
    on: date,
) -> bool:
    if config.gpu is not None and not config.price:
        return False
    return any(_discounted_at(name, config, policy, tier, on) for tier in {None, *service_tiers})


def _discounted_at(
    name: str, config: ModelConfig, policy: PolicyConfig, tier: str | None, on: date
) -> bool:
    try:
        return find_rates(name, config, policy, on=on, service_tier=tier).discount > 0
    except PriceMissingError:
        return False
