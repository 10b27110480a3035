"""Which prices apply to a model on a day: the workspace's, else the catalogue's.

Also a model's batch prices as rates of their own, the age of a price, and discounts of the policy
that have no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from evalsets.validation import suggestion
from harness.errors import UsageError
from harness.money.amounts import exact
from harness.money.prices.pricebook import (
    CatalogueGapError,
    catalogue_rates,
    find_vendor,
    near_names,
)
from harness.money.prices.rate_tables import Band, Rates
from harness.workspace.model_file import ModelConfig, PriceEntry, PriceTier
from harness.workspace.policy_file import PolicyConfig

Freshness: TypeAlias = Literal["fresh", "warn", "fail"]

_PLATFORMS = {"azure": "azure", "bedrock": "aws", "vertex": "google"}


class PriceMissingError(UsageError):
    """A model has no price: an error before spending, never zero."""

    def __init__(self, message: str, *, near: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        super().__init__(message + hint)
        self.near = near


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAge:
    """How old a price is on a day; `days` is None when that is not known."""

    days: int | None
    freshness: Freshness


def find_rates(
    model: str,
    config: ModelConfig,
    policy: PolicyConfig,
    *,
    on: date,
    service_tier: str | None = None,
) -> Rates:
    """Find the prices of a model on a day; the workspace's win over the catalogue's.

    Args:
        model: the entry's name in `models/*.yaml`, an effort `@low` included or not.
        config: that entry.
        policy: the company's rules; its discounts apply to catalogue prices only.
        on: the review's date.
        service_tier: the vendor's tier, when it is not the standard one.

    Raises:
        PriceMissingError: there is no price, or none for the batches that the entry asks for; the
            message names near models of the catalogue.
    """
    rates = _own_or_listed(model, config, policy, on, service_tier)
    if config.batch and not rates.batches:
        tier = f" at service tier {service_tier}" if service_tier else ""
        raise PriceMissingError(
            f"{model}: `batch: true`, and no batch price{tier} in {rates.source}; state `batch:` "
            "in its `price:`, or ask it live"
        )
    return rates


def _own_or_listed(
    model: str, config: ModelConfig, policy: PolicyConfig, on: date, service_tier: str | None
) -> Rates:
    entries = [
        entry
        for entry in config.price
        if entry.valid_from <= on and entry.service_tier == service_tier
    ]
    if entries:
        return _stated(max(entries, key=lambda entry: entry.valid_from))
    asked = config.version or model.partition("@")[0]
    vendor = vendor_of(config)
    if vendor is None:
        raise PriceMissingError(f"{model}: no `price:` that began by {on}, and no catalogue has it")
    try:
        rates = catalogue_rates(vendor, asked, on, service_tier)
    except CatalogueGapError as error:
        raise PriceMissingError(
            f"{model}: {error}; add a dated `price:`", near=near_names(asked, vendor)
        ) from None
    stated = 0 if config.provider == "command" else policy.discounts.get(config.provider, 0)
    discount = exact(stated)
    return replace(rates, discount=discount, service_tier=service_tier)


def vendor_of(config: ModelConfig) -> str | None:
    """Whose catalogue prices a model; None for a server that no catalogue knows."""
    if config.platform is not None:
        return _PLATFORMS[config.platform]
    if config.provider == "command":
        return None
    if config.provider != "openai-compatible":
        return config.provider
    return None if config.base_url is None else find_vendor(config.base_url)


def price_age(rates: Rates, policy: PolicyConfig, *, on: date) -> PriceAge:
    """Judge how long ago a price was last known to hold.

    Older than the policy's `expires_days.prices` warns; older than twice that fails.
    """
    if rates.as_of is None:
        return PriceAge(days=None, freshness="warn")
    days = (on - rates.as_of).days
    limit = policy.expires_days.prices
    freshness: Freshness = "fresh" if days <= limit else "warn" if days <= 2 * limit else "fail"
    return PriceAge(days=days, freshness=freshness)


_PLACES = Decimal("1e-12")


def _an_hours_share(entry: PriceEntry) -> Decimal:
    """One request's share of the hour that it is answered in, USD."""
    if entry.per_hour is None or entry.requests_per_hour is None:
        return Decimal(0)
    return (entry.per_hour / exact(entry.requests_per_hour)).quantize(_PLACES)


def _stated(entry: PriceEntry) -> Rates:
    base, *tiers = _stated_bands(entry)
    return Rates(
        input=base.input,
        output=base.output,
        cache_read=base.cache_read,
        cache_write=base.cache_write,
        cache_write_1h=base.cache_write_1h,
        tiers=tuple(tiers),
        per_request=entry.per_request + _an_hours_share(entry),
        minimum_per_request=entry.minimum_per_request,
        service_tier=entry.service_tier,
        batch_share=None if entry.batch is None else exact(entry.batch),
        source=entry.source,
        valid_from=entry.valid_from,
        as_of=entry.checked or entry.valid_from,
    )


def _stated_bands(entry: PriceEntry) -> Iterator[Band]:
    for row in (entry, *entry.tiers):
        read = row.input or Decimal(0)
        write = read if row.cache_write is None else row.cache_write
        yield Band(
            from_input_tokens=row.from_input_tokens if isinstance(row, PriceTier) else 0,
            input=read,
            output=row.output or Decimal(0),
            cache_read=read if row.cache_read is None else row.cache_read,
            cache_write=write,
            cache_write_1h=write if row.cache_write_1h is None else row.cache_write_1h,
        )


def batch_rates(rates: Rates) -> Rates:
    """What a request costs in a batch, in the same form as what it costs live.

    Raises:
        PriceMissingError: there is no batch price.
    """
    if not rates.batches:
        raise PriceMissingError(f"no batch price in {rates.source}; ask live, or add `batch:`")
    base, *tiers = rates.batches
    share = Decimal(1) if rates.batch_share is None else rates.batch_share
    return replace(
        rates,
        input=base.input,
        output=base.output,
        cache_read=base.cache_read,
        cache_write=base.cache_write,
        cache_write_1h=base.cache_write_1h,
        tiers=tuple(tiers),
        per_request=rates.per_request * share,
        batch_share=None,
        batch_bands=(),
    )


def idle_discounts(
    policy: PolicyConfig,
    models: Mapping[str, ModelConfig],
    service_tiers: Collection[str | None],
    asked: Collection[str],
    *,
    on: date,
) -> Iterator[tuple[str, str]]:
    """Each provider whose discount has no effect on a day, and why.

    `service_tiers` are those that features ask for: a price may be stated for one of them alone.
    `asked` are the models that features name.
    """
    providers = {config.provider for config in models.values()}
    for provider, share in policy.discounts.items():
        own = {name: config for name, config in models.items() if config.provider == provider}
        lowered = {
            name
            for name, config in own.items()
            if _is_discounted(name, config, policy, service_tiers, on)
        }
        if not share:
            yield provider, "a discount of 0 changes nothing; state what was granted, or remove it"
        elif not own:
            known = suggestion(provider, providers)
            yield provider, f"no model has this provider, so nothing is discounted{known}"
        elif not lowered:
            yield (
                provider,
                (
                    "has no effect: no model of it has a catalogue price "
                    f"({', '.join(sorted(own))}), and a `price:` of the workspace is net already; "
                    "remove one of the two"
                ),
            )
        elif lowered.isdisjoint(asked):
            names = " or ".join(sorted(lowered))
            yield (
                provider,
                (
                    f"changes no review: no feature names {names}, whose price it lowers; "
                    "name it as today's model or a candidate, or remove the discount"
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
