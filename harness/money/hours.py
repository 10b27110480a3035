"""Every hour of a log priced at once, exactly: whole tokens times whole fractions of a dollar.

Prices are decimals, so there is a fraction of a dollar of which each price per token is a whole
multiple. In that unit an hour's cost is integer arithmetic over arrays, and turning it back into
dollars loses nothing. An hour is priced at the mean length of its calls: where single requests
straddle a long-context limit, price them one by one (`harness.money.prices.attempts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from harness.money.prices.tables import Band, Rates
from harness.money.traffic import Week

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MILLION_PLACES = 6
_LIMIT = 2**62
_HALF = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HourlyUsage:
    """What each hour used: calls, retried ones included, and their tokens, as whole numbers."""

    calls: NDArray[np.int64]
    input_tokens: NDArray[np.int64]
    cached_tokens: NDArray[np.int64]
    cache_written_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HourlyCost:
    """What each hour cost at list price, in whole multiples of `unit` USD."""

    unit: Decimal
    units: NDArray[np.int64]

    @property
    def usd(self) -> Decimal:
        """USD of all hours."""
        return self._usd(self.units)

    def between(self, first: int, last: int) -> Decimal:
        """USD of the hours from `first` to before `last`."""
        return self._usd(self.units[first:last])

    def _usd(self, units: NDArray[np.int64]) -> Decimal:
        """Sum in two halves, so that a year of dear hours does not overflow."""
        high, low = units >> _HALF, units & (2**_HALF - 1)
        return ((int(high.sum()) << _HALF) + int(low.sum())) * self.unit


def usage_of(week: Week) -> HourlyUsage:
    """A traffic file's week as arrays, summed over the weeks that were watched."""
    names = ("requests", "retries", "input_tokens", "cached_tokens", "cache_written_tokens")
    columns = {
        name: np.array([getattr(hour, name) for hour in week.hours], dtype=np.int64)
        for name in (*names, "output_tokens")
    }
    calls = columns.pop("requests") + columns.pop("retries")
    return HourlyUsage(calls=calls, **columns)


def price_hours(usage: HourlyUsage, rates: Rates) -> HourlyCost:
    """Price every hour.

    Raises:
        OverflowError: an hour costs more than its integers hold (about USD 4.6 million at prices
            of six decimals).
    """
    places = max(_places(price) for band in rates.bands for price in _prices(band))
    fees = (rates.per_request, rates.minimum_per_request)
    places = max(places + _MILLION_PLACES, *map(_places, fees))
    fee, least = (int(price.scaleb(places)) for price in fees)
    units = np.zeros_like(usage.calls)
    for band in rates.bands:
        prices = [int(price.scaleb(places - _MILLION_PLACES)) for price in _prices(band)]
        _refuse_overflow(usage, max(*prices, fee, least))
        reached = usage.input_tokens >= band.from_input_tokens * usage.calls
        units = np.where(reached, _band_units(usage, prices), units)
    units = np.maximum(units + usage.calls * fee, usage.calls * least)
    return HourlyCost(unit=Decimal(1).scaleb(-places), units=units)


def _prices(band: Band) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return band.input, band.cache_read, band.cache_write, band.output


def _band_units(usage: HourlyUsage, prices: list[int]) -> NDArray[np.int64]:
    fresh, read, written, output = prices
    uncached = usage.input_tokens - usage.cached_tokens - usage.cache_written_tokens
    return (
        uncached * fresh
        + usage.cached_tokens * read
        + usage.cache_written_tokens * written
        + usage.output_tokens * output
    )


def _refuse_overflow(usage: HourlyUsage, dearest: int) -> None:
    most = int((usage.input_tokens + usage.output_tokens + usage.calls).max(initial=0))
    if most * dearest >= _LIMIT:
        raise OverflowError(
            f"{most:,} tokens an hour are too many to price at once; split the hour"
        )


def _places(price: Decimal) -> int:
    exponent = price.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
