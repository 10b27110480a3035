"""A model's prices by length of the request, list and batch, and their form in a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from harness.record.money import HostingFacts, RateFacts, TierFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Prices of a whole request with at least `from_input_tokens`, USD per million tokens."""

    from_input_tokens: int = 0
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal

    def __post_init__(self) -> None:
        """Refuse what is not money."""
        _check_money(self, ("input", "output", "cache_read", "cache_write", "cache_write_1h"))

    def times(self, share: Decimal) -> Band:
        """Return the same band with every price multiplied by `share`."""
        return Band(
            from_input_tokens=self.from_input_tokens,
            input=self.input * share,
            output=self.output * share,
            cache_read=self.cache_read * share,
            cache_write=self.cache_write * share,
            cache_write_1h=self.cache_write_1h * share,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A model's list prices on a day, USD per million tokens.

    `tiers` are long-context prices: a request of at least `from_input_tokens` pays them for every
    token of it (a cliff, not a bracket). `batch_share` is the batch price as a share of the list
    price; where a vendor prices batch otherwise, `batch_bands` says how, and `batch_share` is the
    share of the input price, for people. None: no batch. `discount` is the share taken off
    catalogue prices; a price of the workspace is net and has none. `as_of` is the day on which
    the price was last known to hold. `minimum_per_request` is the least that one request costs,
    USD. `service_tier` is the vendor's tier that the prices are for; None is the standard one.
    With `hosting` they are GPU hours shared out over the requests of one feature's traffic.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    source: str
    per_request: Decimal = Decimal(0)
    batch_share: Decimal | None = None
    batch_bands: tuple[Band, ...] = ()
    tiers: tuple[Band, ...] = ()
    valid_from: date | None = None
    as_of: date | None = None
    discount: Decimal = Decimal(0)
    minimum_per_request: Decimal = Decimal(0)
    service_tier: str | None = None
    hosting: HostingFacts | None = None
    _base: Band = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is not money, shares above one, and tiers out of order."""
        names = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
        _check_money(self, (*names, "per_request", "minimum_per_request", "discount"))
        if self.batch_share is not None:
            _check_money(self, ("batch_share",))
        if self.discount > 1:
            raise ValueError(f"a discount is a share between 0 and 1, not {self.discount}")
        starts = [band.from_input_tokens for band in self.tiers]
        if starts != sorted(set(starts)) or 0 in starts:
            raise ValueError(f"tiers must start above 0, in rising order: {starts}")
        base = Band(
            input=self.input,
            output=self.output,
            cache_read=self.cache_read,
            cache_write=self.cache_write,
            cache_write_1h=self.cache_write_1h,
        )
        object.__setattr__(self, "_base", base)

    @property
    def bands(self) -> tuple[Band, ...]:
        """The list prices by length of the request, shortest first."""
        return (self._base, *self.tiers)

    @property
    def batches(self) -> tuple[Band, ...]:
        """The batch prices by length of the request; empty when there is no batch."""
        if self.batch_bands:
            return self.batch_bands
        if self.batch_share is None:
            return ()
        return tuple(band.times(self.batch_share) for band in self.bands)


def band_of(bands: tuple[Band, ...], input_tokens: int | Decimal) -> Band:
    """Pick the band that prices a whole request of that many input tokens."""
    return next(band for band in reversed(bands) if input_tokens >= band.from_input_tokens)


def _check_money(owner: object, names: tuple[str, ...]) -> None:
    for name in names:
        value: object = getattr(owner, name)
        if not isinstance(value, Decimal):
            raise TypeError(f"{name} must be a Decimal, not {type(value).__name__}")
        if not value.is_finite() or value < 0:
            raise ValueError(f"{name} must be finite and not negative, not {value}")


def to_rate_facts(rates: Rates) -> RateFacts:
    """Write rates into the record."""
    return RateFacts.model_validate(rates, from_attributes=True)


def from_rate_facts(facts: RateFacts) -> Rates:
    """Read rates back from the record."""
    stated: dict[str, Any] = dict(facts)
    stated |= {"tiers": _bands(facts.tiers), "batch_bands": _bands(facts.batch_bands)}
    return Rates(**stated)


def _bands(tiers: tuple[TierFacts, ...]) -> tuple[Band, ...]:
    return tuple(Band(**dict(tier)) for tier in tiers)
