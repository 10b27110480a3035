"""What logged calls cost at list prices of their days, by the length of each call.

Where a log does not tell what was read from a prompt cache, or written to it, as if nothing was:
too much by what was read, too little by what was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from harness.bring.logs.call_log import CallLog
from harness.money.amounts import exact
from harness.money.measured import BREAKDOWNS, Spending, SpendShare
from harness.money.prices.attempts import TokenCounts, price_counts
from harness.money.prices.rate_tables import Rates, band_of

RatesOn = Callable[[str, date], Rates | None]
"""The prices of a model on a day, or None."""
_MODELS = "SELECT DISTINCT model, began::DATE FROM calls WHERE NOT hit ORDER BY ALL"
_TOKENS = """
SELECT feature, model, began::DATE AS day, coalesce(list_max(list_filter({starts}::BIGINT[],
    lambda start: single AND start <= round(input / n))), 0) AS length,
  sum(n), sum(input), coalesce(sum(cached), 0), coalesce(sum(written), 0), sum(output)
FROM calls WHERE NOT hit AND known GROUP BY ALL ORDER BY ALL
"""


_SPENT = """
SELECT feature, team, product, environment, cohort,
  CASE WHEN feature = '' THEN caller ELSE '' END AS whose, model, began::DATE AS day,
  CASE WHEN NOT known THEN -1 ELSE coalesce(list_max(list_filter({starts}::BIGINT[],
    lambda start: single AND start <= round(input / n))), 0) END AS length,
  sum(n), sum(cost), {silent}
FROM calls WHERE NOT hit GROUP BY ALL ORDER BY ALL
"""
_SILENT = ", ".join(
    f"coalesce(sum({name}) FILTER (cost IS NULL), 0)"
    for name in ("n", "input", "cached", "written", "output")
)
_EXACTLY = Decimal("0.000000000001")
"""As exact as the logs' own costs are kept, so that every breakdown adds up to the same."""


def no_rates(model: str, on: date) -> Rates | None:  # noqa: ARG001
    """Nobody lists a price."""
    return None


def at_rates(log: CallLog, rates: RatesOn) -> dict[str, tuple[Decimal | None, int]]:
    """By feature: USD of the calls that have a price, and how many have none.

    A request's length decides its band, so calls are added up by band; a row that is a sum of
    calls has the shortest one's.
    """
    found = _priced_models(log, rates)
    starts = _starts(found)
    usd: dict[str, Decimal | None] = defaultdict(lambda: None)
    unpriced: dict[str, int] = defaultdict(int)
    for feature, model, day, length, calls, *tokens in log.base.execute(
        _TOKENS.format(starts=starts)
    ).fetchall():
        price = found.get((model, day))
        if price is None:
            unpriced[feature] += round(calls)
            continue
        usd[feature] = (usd[feature] or Decimal(0)) + _cost(price, length, calls, tokens)
    return {
        name: (
            None if (cost := usd[name]) is None else cost.quantize(Decimal("0.000001")),
            unpriced[name],
        )
        for name in {*usd, *unpriced}
    }


def _priced_models(log: CallLog, rates: RatesOn) -> dict[tuple[str, date], Rates]:
    known = {(model, day): rates(model, day) for model, day in log.base.execute(_MODELS).fetchall()}
    return {key: each for key, each in known.items() if each is not None}


def _starts(found: Mapping[tuple[str, date], Rates]) -> list[int]:
    """Lengths of a request from which on some model has another price."""
    return sorted({band.from_input_tokens for each in found.values() for band in each.bands}) or [0]


def _cost(price: Rates, length: int, calls: float, tokens: Sequence[float]) -> Decimal:
    whole, cached, written, output = (exact(each) for each in tokens)
    counts = TokenCounts(
        uncached=whole - cached - written,
        cache_read=cached,
        cache_write=written,
        cache_write_1h=Decimal(0),
        output=output,
    )
    cost = price_counts(counts, band_of(price.bands, int(length)))
    return cost + price.per_request * exact(calls)


def spending(log: CallLog, rates: RatesOn) -> Spending:
    """What the calls cost, as logged, else at the prices of their days, and whose that is."""
    found = _priced_models(log, rates)
    shares: dict[str, dict[str, _Share]] = {
        name: defaultdict(_Share) for name in (*BREAKDOWNS, "untagged")
    }
    listed, unknown = Decimal(0), 0.0
    query = _SPENT.format(starts=_starts(found), silent=_SILENT)
    for row in log.base.execute(query).fetchall():
        names, rest = row[: len(BREAKDOWNS)], row[len(BREAKDOWNS) :]
        caller, model, day, length, calls, logged, quiet, *tokens = rest
        price = found.get((model, day)) if length >= 0 else None
        own = Decimal(0)
        if quiet and price is not None:
            own = _cost(price, length, quiet, tokens).quantize(_EXACTLY)
        elif quiet:
            unknown += quiet
        listed += own
        for breakdown, name in zip(BREAKDOWNS, names, strict=True):
            shares[breakdown][name].add(calls, (logged or Decimal(0)) + own)
        if not names[0]:
            shares["untagged"][caller].add(calls, (logged or Decimal(0)) + own)
    named = {name: _dearest_first(each) for name, each in shares.items()}
    total = sum((each.usd for each in named["features"]), Decimal(0))
    return Spending(total_usd=total, at_list_usd=listed, unknown_calls=round(unknown), **named)


@dataclass(slots=True)
class _Share:
    calls: float = 0.0
    usd: Decimal = Decimal(0)

    def add(self, calls: float, usd: Decimal) -> None:
        self.calls += calls
        self.usd += usd


def _dearest_first(shares: Mapping[str, _Share]) -> tuple[SpendShare, ...]:
    found = [
        SpendShare(name=name, calls=round(each.calls), usd=each.usd)
        for name, each in shares.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.usd, -one.calls, one.name)))
