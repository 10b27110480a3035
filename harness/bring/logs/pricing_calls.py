"""What logged calls cost at list prices of their days, by the length of each call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from harness.bring.logs.engine import CallLog
from harness.money.amounts import exact
from harness.money.prices.attempts import TokenCounts, price_counts
from harness.money.prices.rate_tables import Rates, band_of

RatesOn = Callable[[str, date], Rates | None]
"""The prices of a model on a day, or None."""
_MODELS = "SELECT DISTINCT model, began::DATE FROM calls WHERE NOT hit ORDER BY ALL"
_TOKENS = """
SELECT feature, model, began::DATE AS day, coalesce(list_max(list_filter({starts}::BIGINT[],
    lambda start: single AND start <= round(input / n))), 0) AS length,
  sum(n), sum(input), sum(cached), sum(written), sum(output)
FROM calls WHERE NOT hit AND known GROUP BY ALL ORDER BY ALL
"""


def no_rates(model: str, on: date) -> Rates | None:  # noqa: ARG001
    """Nobody lists a price."""
    return None


def at_rates(log: CallLog, rates: RatesOn) -> dict[str, tuple[Decimal | None, int]]:
    """By feature: USD of the calls that have a price, and how many have none.

    A request's length decides its band, so calls are added up by band; a row that is a sum of
    calls has the shortest one's.
    """
    known = {(model, day): rates(model, day) for model, day in log.base.execute(_MODELS).fetchall()}
    found = {key: each for key, each in known.items() if each is not None}
    starts = sorted({band.from_input_tokens for each in found.values() for band in each.bands})
    usd: dict[str, Decimal | None] = defaultdict(lambda: None)
    unpriced: dict[str, int] = defaultdict(int)
    for feature, model, day, length, calls, *tokens in log.base.execute(
        _TOKENS.format(starts=starts or [0])
    ).fetchall():
        price = found.get((model, day))
        if price is None:
            unpriced[feature] += round(calls)
            continue
        whole, cached, written, output = (exact(each) for each in tokens)
        counts = TokenCounts(
            uncached=whole - cached - written,
            cache_read=cached,
            cache_write=written,
            cache_write_1h=Decimal(0),
            output=output,
        )
        cost = price_counts(counts, band_of(price.bands, int(length)))
        usd[feature] = (usd[feature] or Decimal(0)) + cost + price.per_request * exact(calls)
    return {
        name: (
            None if (cost := usd[name]) is None else cost.quantize(Decimal("0.000001")),
            unpriced[name],
        )
        for name in {*usd, *unpriced}
    }
