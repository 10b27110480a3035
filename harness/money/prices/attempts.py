"""What one attempt cost, what it can cost at most, and what held GPUs cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from harness.money.amounts import MILLION, exact
from harness.money.prices.rate_tables import Band, Rates, band_of
from harness.money.prices.rates import PriceMissingError
from harness.workspace.policy_file import GpuPrice
from providers.completion import TokenUsage

OVERHEAD_TOKENS = 512
"""Chat template, role marks and tool preamble that a vendor adds to the bytes we send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """Tokens by price, whole or mean; the four input kinds add up to the input."""

    uncached: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    output: Decimal

    @property
    def input(self) -> Decimal:
        """Every input token, which is what long-context prices look at."""
        return self.uncached + self.cache_read + self.cache_write + self.cache_write_1h


def counts_of(usage: TokenUsage) -> TokenCounts:
    """Split reported usage into the kinds of tokens that have their own price."""
    return TokenCounts(
        uncached=Decimal(usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens),
        cache_read=Decimal(usage.cache_read_tokens),
        cache_write=Decimal(usage.cache_write_tokens - usage.cache_write_1h_tokens),
        cache_write_1h=Decimal(usage.cache_write_1h_tokens),
        output=Decimal(usage.output_tokens),
    )


def price_counts(counts: TokenCounts, band: Band) -> Decimal:
    """USD of the tokens at a band's prices."""
    return (
        counts.uncached * band.input
        + counts.cache_read * band.cache_read
        + counts.cache_write * band.cache_write
        + counts.cache_write_1h * band.cache_write_1h
        + counts.output * band.output
    ) / MILLION


def attempt_cost(usage: TokenUsage, rates: Rates, *, batch: bool = False) -> Decimal:
    """USD at list price of one attempt, as its usage was reported.

    The price of each attempt is looked up by its own length: long-context prices are cliffs on
    the whole request, so pricing a sum or a mean of attempts would be wrong.

    Raises:
        PriceMissingError: batch is asked of a model that has no batch price.
    """
    return call_cost(counts_of(usage), rates, batch=batch)


def call_cost(counts: TokenCounts, rates: Rates, *, batch: bool = False) -> Decimal:
    """USD at list price of one call with these token counts; see `attempt_cost`.

    A vendor's minimum per request is charged where the tokens cost less.
    """
    bands = rates.batches if batch else rates.bands
    if not bands:
        raise PriceMissingError(f"no batch price in {rates.source}; ask live, or add `batch:`")
    share = rates.batch_share if batch and rates.batch_share is not None else Decimal(1)
    cost = price_counts(counts, band_of(bands, counts.input)) + rates.per_request * share
    return max(cost, rates.minimum_per_request * share)


def upper_bound(
    *,
    input_bytes: int,
    max_output_tokens: int,
    rates: Rates,
    max_input_tokens: int | None,
    overhead_tokens: int = OVERHEAD_TOKENS,
) -> Decimal:
    """Most that one attempt can cost, USD at list price.

    A token of text is at least one byte, so `input_bytes` of UTF-8 plus the template's
    `overhead_tokens` bound the input. Every input token is charged at the dearest of reading,
    writing or not using a cache, in the dearest band that so long a request could reach.
    `max_input_tokens` (the window, or the model's own bound) caps the input: a longer request is
    refused unpaid. `max_output_tokens` must include reasoning.
    """
    tokens = input_bytes + overhead_tokens
    if max_input_tokens is not None:
        tokens = min(tokens, max_input_tokens)
    reachable = [band for band in rates.bands if band.from_input_tokens <= tokens]
    most = max(_dearest(band, tokens, max_output_tokens) for band in reachable)
    return max(most + rates.per_request, rates.minimum_per_request)


def _dearest(band: Band, input_tokens: int, output_tokens: int) -> Decimal:
    dearest = max(band.input, band.cache_read, band.cache_write, band.cache_write_1h)
    return (input_tokens * dearest + output_tokens * band.output) / MILLION


_SECONDS_AN_HOUR = 3600


def gpu_time_cost(seconds: float, gpus: int, gpu: GpuPrice) -> Decimal:
    """USD of holding GPUs for `seconds`, load time included.

    An evaluation can be interrupted and resumed, so the spot price counts where there is one.
    Reserve with the longest time that the server may live, then settle with the time it lived.
    """
    price = gpu.on_demand if gpu.spot is None else gpu.spot
    return exact(seconds) * gpus * price / _SECONDS_AN_HOUR
