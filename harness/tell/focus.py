"""A month's estimate as a table in the shape of FOCUS 1.4, the FinOps cost and usage specification.

One row per day, feature, model, token type, length of the request and service tier. Prices and
quantities are exact decimals, and each cost is their product. It is an estimate, and every row
says so (`x_Estimate`): traffic spread evenly over the days of a month, never an invoice.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from io import StringIO
from typing import TypeAlias

from harness.money.amounts import plain
from harness.money.cascade import cascade_again
from harness.money.prices.attempts import price_counts
from harness.money.prices.rate_tables import Band, Rates, band_of, from_rate_facts
from harness.money.workload import Workload, from_record
from harness.record.model import DecisionRecord
from harness.record.parts import FeatureFacts, OptionRecord, Target
from reports.untrusted import csv_cell

Cell: TypeAlias = str | Decimal

COLUMNS: tuple[str, ...] = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "Tags",
    "x_Estimate",
    "x_EstimateSource",
    "x_FeatureId",
    "x_Owner",
    "x_Team",
    "x_Product",
    "x_Environment",
    "x_CostCenter",
    "x_ModelId",
    "x_TokenType",
    "x_FromInputTokens",
    "x_ServiceTier",
    "x_RatesAsOf",
)
_MILLION = Decimal(1_000_000)
METERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "input": (
        "Input Tokens",
        {"TokenType": "Input", "TokenDirection": "Input", "TokenCacheAction": "Uncached"},
    ),
    "cache_read": (
        "Cache Read Input Tokens",
        {"TokenType": "CacheRead", "TokenDirection": "Input", "TokenCacheAction": "Read"},
    ),
    "cache_write": (
        "Cache Write Input Tokens",
        {"TokenType": "CacheWrite", "TokenDirection": "Input", "TokenCacheAction": "Write"},
    ),
    "output": ("Output Tokens", {"TokenType": "Output", "TokenDirection": "Output"}),
    "request": ("Requests", {}),
    "minimum": ("Minimum Charges", {}),
}
"""The meter of each kind of charge, and its properties in `SkuPriceDetails`.

Their names are not settled for 1.5: `TokenType` stands in the specification's text, the other two
in its example tables (ai_prompt_caching_a.csv), so both are written.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A month of one kind of token: `quantity` whole tokens (or requests) at a price per `per`."""

    token_type: str
    from_input_tokens: int
    quantity: int
    price: Decimal
    unit: str
    per: int

    def on_day(self, day: int, days: int) -> int:
        """The quantity of one of `days` days; the days add up to the month exactly."""
        whole, rest = divmod(self.quantity, days)
        return whole + (day < rest)


def month_of(first: date) -> int:
    """Days of a calendar month, given any of them."""
    start = first.replace(day=1)
    return ((start + timedelta(days=32)).replace(day=1) - start).days


def write_focus(
    records: Sequence[DecisionRecord], *, month: date, option: str | None = None
) -> str:
    """The CSV of a calendar month at the recorded traffic and rates.

    Args:
        records: their features' costs are written, in the order of the features' ids.
        month: any day of the month.
        option: the option that is priced in each record that has it; None is the incumbent.

    Returns:
        A record without traffic or tokens has no rows: unknown is not zero.
    """
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in sorted(records, key=lambda one: one.feature.id):
        for row in _rows(record, month.replace(day=1), option):
            writer.writerow({name: _text(cell) for name, cell in row.items()})
    return text.getvalue()


def charges(workload: Workload, rates: Rates) -> Iterator[Charge]:
    """What a month uses, by price: whole tokens, retries included."""
    calls = workload.requests_per_month * (1 + workload.retry_rate)
    cases = sum(portion.cases for portion in workload.portions)
    by_band: dict[Band, dict[str, Decimal]] = {}
    yield from _topped_up(workload, rates, calls / cases)
    for portion in workload.portions:
        counts = workload.counts(portion)
        tokens = by_band.setdefault(band_of(rates.bands, counts.input), {})
        kinds = {
            "input": counts.uncached,
            "cache_read": counts.cache_read,
            "cache_write": counts.cache_write,
            "output": counts.output,
        }
        for kind, count in kinds.items():
            tokens[kind] = tokens.get(kind, Decimal(0)) + count * portion.cases * calls / cases
    for band, tokens in by_band.items():
        for kind, count in tokens.items():
            yield _charge(kind, band.from_input_tokens, count, getattr(band, kind))
    if rates.per_request:
        yield _per_call("request", calls, rates.per_request)


def _topped_up(workload: Workload, rates: Rates, calls_a_case: Decimal) -> Iterator[Charge]:
    """What a vendor's minimum per request adds to calls whose tokens cost less."""
    for portion in workload.portions:
        counts = workload.counts(portion)
        tokens = price_counts(counts, band_of(rates.bands, counts.input)) + rates.per_request
        if tokens < rates.minimum_per_request:
            added = rates.minimum_per_request - tokens
            yield _per_call("minimum", calls_a_case * portion.cases, added)


def _per_call(kind: str, calls: Decimal, price: Decimal) -> Charge:
    return Charge(
        token_type=kind,
        from_input_tokens=0,
        quantity=_whole(calls),
        price=price,
        unit="Requests",
        per=1,
    )


def _charge(kind: str, start: int, tokens: Decimal, price: Decimal) -> Charge:
    return Charge(
        token_type=kind,
        from_input_tokens=start,
        quantity=_whole(tokens),
        price=price,
        unit="Tokens",
        per=int(_MILLION),
    )


def _whole(count: Decimal) -> int:
    return int(count.to_integral_value(rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """One model's part of an option's month; a cascade has two."""

    target: Target
    rates: Rates
    charges: tuple[Charge, ...]

    @classmethod
    def of(cls, target: Target, workload: Workload, rates: Rates) -> _Used:
        used = (charge for charge in charges(workload, rates) if charge.quantity)
        return cls(target=target, rates=rates, charges=tuple(used))


def _rows(record: DecisionRecord, first: date, option: str | None) -> Iterator[Mapping[str, Cell]]:
    parts, days = list(_used(record, option)), month_of(first)
    for day in range(days):
        for part in parts:
            yield from _day(record, part, first, day)


def _day(
    record: DecisionRecord, part: _Used, first: date, day: int
) -> Iterator[Mapping[str, Cell]]:
    target, rates, days = part.target, part.rates, month_of(first)
    for charge in part.charges:
        yield {
            **_fixed(record, target, rates),
            **_period(first, day, days),
            **_money(charge, charge.on_day(day, days), rates.discount),
            "SkuId": f"{target.version}/{charge.token_type}",
            "SkuPriceId": f"{target.version}/{charge.token_type}/{charge.from_input_tokens}",
            "SkuMeter": METERS[charge.token_type][0],
            "SkuPriceDetails": _details(target, charge.token_type),
            "ChargeDescription": f"{record.feature.id}: {charge.token_type}, {target.version}",
            "x_TokenType": charge.token_type,
            "x_FromInputTokens": str(charge.from_input_tokens),
        }


def _details(target: Target, token_type: str) -> str:
    """The model and the kind of token, as JSON; who made the model is not recorded."""
    model = {"ModelId": target.model_id, "ModelVersion": target.version}
    return json.dumps({**model, **METERS[token_type][1]}, sort_keys=True)


def _used(record: DecisionRecord, option: str | None) -> Iterator[_Used]:
    """The models of an option's month; empty where traffic, price or tokens are unknown."""
    if record.traffic is None:
        return
    chosen = next((one for one in record.options if one.target.option == option), None)
    if chosen is not None and chosen.cascade is not None:
        yield from _of_cascade(record, chosen)
        return
    target, cost = (
        (record.current, record.current_cost) if chosen is None else (chosen.target, chosen.cost)
    )
    workload = from_record(cost, record.traffic)
    if workload is not None and cost.rates is not None:
        yield _Used.of(target, workload, from_rate_facts(cost.rates))


def _of_cascade(record: DecisionRecord, option: OptionRecord) -> Iterator[_Used]:
    """The cheap model's part, and the incumbent's for the requests that escalate."""
    month, dear = option.cascade.month if option.cascade else None, record.current_cost.rates
    if month is None or dear is None or record.traffic is None:
        return
    cost = cascade_again(
        month,
        record.traffic,
        (from_rate_facts(month.first_rates), from_rate_facts(dear)),
        success_share=None,
    )
    again = record.current.model_copy(update={"option": option.target.option})
    for target, part in ((option.target, cost.first), (again, cost.escalation)):
        yield _Used.of(target, part.workload, part.rates)


def _money(charge: Charge, quantity: int, discount: Decimal) -> Mapping[str, Cell]:
    priced = Decimal(quantity) / charge.per
    net = charge.price * (1 - discount)
    return {
        "ConsumedQuantity": Decimal(quantity),
        "ConsumedUnit": charge.unit,
        "PricingQuantity": priced,
        "PricingUnit": charge.unit if charge.per == 1 else f"{charge.per} {charge.unit}",
        "ListUnitPrice": charge.price,
        "ListCost": charge.price * priced,
        "ContractedUnitPrice": net,
        "ContractedCost": net * priced,
        "EffectiveCost": net * priced,
        "BilledCost": net * priced,
    }


def _period(first: date, day: int, days: int) -> Mapping[str, Cell]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return {
        "BillingPeriodStart": _time(start),
        "BillingPeriodEnd": _time(start + timedelta(days=days)),
        "ChargePeriodStart": _time(start + timedelta(days=day)),
        "ChargePeriodEnd": _time(start + timedelta(days=day + 1)),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _fixed(record: DecisionRecord, target: Target, rates: Rates) -> Mapping[str, Cell]:
    feature = record.feature
    return {
        "BillingAccountId": feature.cost_center or "unassigned",
        "BillingAccountName": feature.team or "unassigned",
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeFrequency": "Usage-Based",
        "HostProviderName": target.provider,
        "InvoiceIssuerName": target.provider,
        "PricingCategory": "Standard",
        "RegionId": target.region or "",
        "ResourceId": f"{feature.id}/{target.option}",
        "ResourceName": feature.name,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{target.provider} API",
        "ServiceProviderName": target.provider,
        "ServiceSubcategory": "Generative AI",
        "x_Estimate": "true",
        "x_EstimateSource": record.traffic.source if record.traffic else "",
        "x_ModelId": target.model_id,
        "x_ServiceTier": rates.service_tier or "standard",
        "x_RatesAsOf": rates.as_of.isoformat() if rates.as_of else "",
        **_tags(feature),
    }


def _tags(feature: FeatureFacts) -> Mapping[str, Cell]:
    tags = {
        "feature": feature.id,
        "team": feature.team,
        "product": feature.product,
        "environment": feature.environment,
    }
    return {
        "Tags": json.dumps(tags, sort_keys=True),
        "x_FeatureId": feature.id,
        "x_Owner": feature.owner,
        "x_Team": feature.team,
        "x_Product": feature.product,
        "x_Environment": feature.environment,
        "x_CostCenter": feature.cost_center or "",
    }


def _text(cell: Cell) -> str:
    return f"{plain(cell):f}" if isinstance(cell, Decimal) else csv_cell(cell)
