"""The one door to `genai-prices`: catalogue prices and windows, as shipped with the package.

It is never refreshed over the network. Its traps are errors here: it falls back to the standard
price when a context (service tier, batch) is unknown, and to a model's first price before that
price began; and it picks the long-context tier from the tokens it is given, so that a million
summed tokens would be priced as one request. So we take its tables only, by name and by date,
and price each attempt ourselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.money.prices.rate_tables import Band, Rates

if TYPE_CHECKING:
    from genai_prices.types import (
        ConditionalPrice,
        ModelInfo,
        ModelPrice,
        PriceVariant,
        Provider,
        TieredPrices,
    )


PACKAGE = "genai-prices"
_THOUSAND = Decimal(1000)


@cache
def _vendors() -> list[Provider]:
    """Everything that is sold. Loaded when it is asked: a workspace may state all its prices."""
    from genai_prices.data import providers  # noqa: PLC0415  # an eighth of what `check` loads

    return providers


class CatalogueGapError(LookupError):
    """The catalogue has the model but not the price that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueModel:
    """A model of the catalogue, as a vendor sells it."""

    id: str
    window_tokens: int | None
    deprecated: bool


def catalogue_version() -> str:
    """Name and version of the price package, for the record."""
    return f"{PACKAGE} {version(PACKAGE)}"


def find_model(vendor: str, model: str) -> CatalogueModel | None:
    """Look a model up by its name in a request; None when the vendor or the model is unknown."""
    found = _find(vendor, model)
    if found is None:
        return None
    return CatalogueModel(
        id=found.id, window_tokens=found.context_window, deprecated=bool(found.deprecated)
    )


def find_vendor(base_url: str) -> str | None:
    """Which vendor of the catalogue serves an address; None: nobody's."""
    if base_url.startswith("http://"):
        # Allowed on loopback alone, where no vendor sells; so the catalogue is not loaded.
        return None
    hits = (vendor.id for vendor in _vendors() if re.match(vendor.api_pattern, base_url))
    return next(hits, None)


def model_ids(vendors: frozenset[str] | None = None) -> frozenset[str]:
    """Every model id of the catalogue, or of some vendors."""
    chosen = (vendor for vendor in _vendors() if vendors is None or vendor.id in vendors)
    return frozenset(model.id for vendor in chosen for model in vendor.models)


@cache
def catalogue_rates(vendor: str, model: str, on: date, service_tier: str | None = None) -> Rates:
    """List prices of a model on a day.

    Raises:
        CatalogueGapError: no such model, no token price on that day, or none for the tier.
    """
    found = _find(vendor, model)
    if found is None:
        raise CatalogueGapError(f"{PACKAGE} has no {model!r} of {vendor}")
    standard, valid_from = _standard(found, on)
    offer = _Offer(model=found, standard=standard, variants=_own_variants(vendor, found), on=on)
    prices = standard if service_tier is None else offer.under("service_tier", service_tier)
    base, *tiers = _bands(found, prices)
    batch = offer.batch() if service_tier is None else ()
    return Rates(
        input=base.input,
        output=base.output,
        cache_read=base.cache_read,
        cache_write=base.cache_write,
        cache_write_1h=base.cache_write_1h,
        tiers=tuple(tiers),
        batch_bands=batch,
        batch_share=batch[0].input / base.input if batch and base.input else None,
        per_request=(_flat(prices, "requests_kcount") or Decimal(0)) / _THOUSAND,
        source=catalogue_version(),
        valid_from=valid_from,
        as_of=_data_date(on),
    )


def _find(vendor: str, model: str) -> ModelInfo | None:
    seller = next((one for one in _vendors() if one.id == vendor), None)
    return seller.find_model(model, all_providers=_vendors()) if seller else None


def _standard(model: ModelInfo, on: date) -> tuple[ModelPrice, date | None]:
    """Newest price that has begun; where prices change by the hour, the dearest of the day."""
    if not isinstance(model.prices, list):
        return model.prices, None
    first_day: date | None = None
    begun: list[ModelPrice] = []
    for conditional in model.prices:
        constraint = conditional.constraint
        starts = _starts(constraint)
        if starts is not None:
            if starts > on:
                continue
            begun, first_day = [], starts
        elif constraint is None:
            begun = []
        begun.append(conditional.prices)
    if not begun:
        raise CatalogueGapError(f"{PACKAGE} has no price of {model.id!r} on {on}")
    return max(begun, key=_dearness), first_day


def _starts(constraint: object) -> date | None:
    """The day on which a price begins; None for one that holds by the hour, or always."""
    from genai_prices.types import StartDateConstraint  # noqa: PLC0415  # loaded with the vendors

    return constraint.start_date if isinstance(constraint, StartDateConstraint) else None


def _dearness(prices: ModelPrice) -> Decimal:
    return sum(
        (_flat(prices, key) or Decimal(0) for key in ("input_mtok", "output_mtok")), Decimal(0)
    )


def _own_variants(vendor: str, model: ModelInfo) -> tuple[PriceVariant, ...]:
    """Variants of a model that the vendor sells itself: a reseller has its own, or none."""
    seller = next(one for one in _vendors() if one.id == vendor)
    sells_it = any(model is one for one in seller.models)
    return tuple(model.price_variants or ()) if sells_it else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A vendor's prices of one model on a day, and their variants by context."""

    model: ModelInfo
    standard: ModelPrice
    variants: tuple[PriceVariant, ...]
    on: date

    def under(self, key: str, value: str) -> ModelPrice:
        """Prices under a context, which must exist: an unknown one is never the standard price."""
        active = [one for one in self.variants if one.when == {key: value} and self._active(one)]
        if not active:
            raise CatalogueGapError(
                f"{PACKAGE} has no {key} {value!r} price of {self.model.id!r} on {self.on}"
            )
        merged = dict(self.standard.__dict__)
        for variant in reversed(active):
            stated = variant.prices.__dict__.items()
            merged.update({name: price for name, price in stated if price is not None})
        return type(self.standard)(**merged)

    def batch(self) -> tuple[Band, ...]:
        """Batch prices; empty when there are none on that day."""
        try:
            return _bands(self.model, self.under("processing", "batch"))
        except CatalogueGapError:
            return ()

    def _active(self, variant: PriceVariant) -> bool:
        noon = datetime.combine(self.on, time(12), tzinfo=UTC)
        return variant.constraint is None or variant.constraint.active(noon)


def _bands(model: ModelInfo, prices: ModelPrice) -> tuple[Band, ...]:
    """Prices by length; the package's tiers begin one token *above* their start."""
    if _flat(prices, "output_reasoning_mtok") not in {None, _flat(prices, "output_mtok")}:
        raise CatalogueGapError(
            f"{model.id!r} prices reasoning apart; state its price in the workspace"
        )
    starts = {tier.start + 1 for price in _token_prices(prices) for tier in price.tiers}
    return tuple(_band(model, prices, start) for start in sorted({0, *starts}))


def _token_prices(prices: ModelPrice) -> Iterator[TieredPrices]:
    keys = (
        "input_mtok",
        "output_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "cache_write_1h_mtok",
    )
    for key in keys:
        price: Decimal | TieredPrices | None = prices.__dict__.get(key)
        if not (price is None or isinstance(price, Decimal)):
            yield price


def _band(model: ModelInfo, prices: ModelPrice, start: int) -> Band:
    """Prices for requests of at least `start` input tokens.

    Where the package has no price for reading or writing the cache, the input price applies.
    """
    fresh = _flat(prices, "input_mtok", start)
    answer = _flat(prices, "output_mtok", start)
    if answer is None and "embed" in model.id:
        answer = Decimal(0)
    if fresh is None or answer is None:
        raise CatalogueGapError(f"{PACKAGE} has no price per token of {model.id!r}")
    read = _flat(prices, "cache_read_mtok", start)
    write = _flat(prices, "cache_write_mtok", start)
    write = fresh if write is None else write
    write_1h = _flat(prices, "cache_write_1h_mtok", start)
    return Band(
        from_input_tokens=start,
        input=fresh,
        output=answer,
        cache_read=fresh if read is None else read,
        cache_write=write,
        cache_write_1h=write if write_1h is None else write_1h,
    )


def _flat(prices: ModelPrice, key: str, input_tokens: int = 0) -> Decimal | None:
    price: Decimal | TieredPrices | None = prices.__dict__.get(key)
    if price is None or isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return reached[-1] if reached else price.base


@cache
def _data_date(on: date) -> date | None:
    """Newest day that the catalogue says anything about, not after `on`: it is at least so new."""
    days = (day for day in _start_dates() if day <= on)
    return max(days, default=None)


@cache
def _start_dates() -> frozenset[date]:
    constraints = (
        dated.constraint
        for vendor in _vendors()
        for model in vendor.models
        for dated in _dated(model)
    )
    return frozenset(day for one in constraints if (day := _starts(one)) is not None)


def _dated(model: ModelInfo) -> Iterator[ConditionalPrice | PriceVariant]:
    if isinstance(model.prices, list):
        yield from model.prices
    yield from model.price_variants or ()


_SHOWN = 3
_LIKENESS = 0.6


def near_names(model: str, vendor: str | None = None) -> tuple[str, ...]:
    """Up to three names of the catalogue that look like this one, nearest first."""
    known = model_ids(None if vendor is None else frozenset({vendor}))
    return tuple(get_close_matches(model.lower(), sorted(known), n=_SHOWN, cutoff=_LIKENESS))
