"""A record's money once more, from tokens, rates and traffic; `Decimal` throughout."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

Json = dict[str, Any]
_MILLION = Decimal(1_000_000)
_PLACES = 12


def decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def rounded(value: Decimal, places: int) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, kw_only=True)
class Month:
    """One option in production; None: it cannot be worked out from the record."""

    per_request: Decimal
    monthly: Decimal
    net: Decimal
    """After discounts."""
    per_million: Decimal | None


def month_of(cost: Json, traffic: Json | None) -> Month | None:
    """Price the tokens of a cost; None without tokens, and for own hardware."""
    rates = cost.get("rates")
    if not cost.get("portions") or traffic is None or rates is None or cost.get("hosting"):
        return None
    return _month([(cost["portions"], rates)], traffic)


def cascade_month(cascade: Json, today: Json, traffic: Json | None) -> Month | None:
    """Both models of a cascade, each at its own rates."""
    month = cascade.get("month")
    if month is None or traffic is None or today is None or month.get("first_hosting"):
        return None
    first = _month([(month["first"], month["first_rates"])], traffic)
    again = _month([(month["again"], today)], traffic) if month["again"] else None
    if again is None:
        return first
    return Month(
        per_request=first.per_request + again.per_request,
        monthly=first.monthly + again.monthly,
        net=first.net + again.net,
        per_million=None,
    )


def _month(parts: list[tuple[list[Json], Json]], traffic: Json) -> Month:
    ((portions, rates),) = parts
    cases = sum(one["cases"] for one in portions)
    call = sum(
        (one["cases"] * _call(one, rates, traffic) for one in portions), Decimal(0)
    ) / Decimal(cases)
    tokens = sum(
        (
            one["cases"] * (Decimal(one["input_tokens"]) + Decimal(one["output_tokens"]))
            for one in portions
        ),
        Decimal(0),
    ) / Decimal(cases)
    per_request = rounded(call * (1 + _number(traffic["retry_rate"])), _PLACES)
    monthly = per_request * traffic["requests_per_month"]
    return Month(
        per_request=per_request,
        monthly=monthly,
        net=monthly * (1 - Decimal(rates["discount"])),
        per_million=rounded(call * _MILLION / tokens, _PLACES) if tokens else None,
    )


def _call(portion: Json, rates: Json, traffic: Json) -> Decimal:
    """USD of one call: the whole request at the price of its length."""
    tokens_in, tokens_out = Decimal(portion["input_tokens"]), Decimal(portion["output_tokens"])
    price = rates
    for tier in sorted(rates["tiers"], key=lambda one: one["from_input_tokens"]):
        if tokens_in >= tier["from_input_tokens"]:
            price = tier
    read = tokens_in * _number(traffic["cached_share"])
    written = tokens_in * _number(traffic.get("cache_written_share", 0))
    usd = (
        (tokens_in - read - written) * Decimal(price["input"])
        + read * Decimal(price["cache_read"])
        + written * Decimal(price["cache_write"])
        + tokens_out * Decimal(price["output"])
    ) / _MILLION + Decimal(rates["per_request"])
    return max(usd, Decimal(rates["minimum_per_request"]))


def _number(value: object) -> Decimal:
    return Decimal(str(value))
