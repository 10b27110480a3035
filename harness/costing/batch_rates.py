"""A model's batch prices, as rates of their own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.rates import PriceMissingError

if TYPE_CHECKING:
    from harness.costing.tables import Rates


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
