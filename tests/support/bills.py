"""Bills in the shapes of FOCUS and of two vendors, each after the public page that it names."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Row = dict[str, object]


def focus(day: date, model: str, kind: str, tokens: int, cost: str, **changes: object) -> Row:
    """A row of FOCUS 1.4.

    Columns: FinOps-Open-Cost-and-Usage-Spec, specification/data/ai_prompt_caching.
    """
    meters = {
        "Input": "Input Tokens",
        "CacheRead": "Cache Read Input Tokens",
        "CacheWrite": "Cache Write Input Tokens",
        "Output": "Output Tokens",
    }
    month = day.replace(day=1)
    row: Row = {
        "BilledCost": cost,
        "BillingAccountId": "acct-1",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _at(month),
        "BillingPeriodEnd": _at((month + timedelta(days=32)).replace(day=1)),
        "ChargeCategory": "Usage",
        "ChargePeriodStart": _at(day),
        "ChargePeriodEnd": _at(day + timedelta(days=1)),
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "EffectiveCost": cost,
        "PricingQuantity": Decimal(tokens) / 1_000_000,
        "PricingUnit": "1000000 Tokens",
        "ServiceCategory": "AI and Machine Learning",
        "SubAccountId": "",
        "SkuMeter": meters.get(kind, kind),
        "SkuPriceDetails": json.dumps({"ModelId": model, "TokenType": kind}) if model else "",
        "Tags": json.dumps({"app": "tickets"}),
    }
    return {**row, **changes}


def _at(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def as_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def a_month(model: str, tokens: int, usd: Decimal) -> list[Row]:
    """December 2026: input tokens of each day at a price, 1/300 of them out; what is beside."""
    days = [date(2026, 12, 1) + timedelta(days=each) for each in range(31)]
    rows = [
        focus(day, model, kind, count, str(count * usd / 1_000_000))
        for day in days
        for kind, count in (("Input", tokens), ("Output", tokens // 300))
    ]
    last = days[-1]
    untagged = {"Tags": "", "EffectiveCost": ""}
    rows.append(focus(last, "", "Tax", 0, "0.17", ChargeCategory="Tax", **untagged))
    rows.append(focus(last, "", "Promotion", 0, "-1.00", ChargeCategory="Credit", **untagged))
    storage = {"ConsumedUnit": "GB-Hours", "PricingUnit": "GB-Hours", "SubAccountId": "vectors"}
    rows.append(focus(last, "", "Storage", 9, "3.00", **(untagged | storage)))
    return rows


def bucket(day: date, *results: Mapping[str, object]) -> Row:
    """A day of OpenAI's interfaces: openai's types of `/organization/costs` and `/usage`."""
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results}


def openai_page(*buckets: Row, more: bool = False) -> Row:
    return {"object": "page", "data": list(buckets), "has_more": more, "next_page": None}


def openai_cost(value: object, line_item: str | None, project: str = "proj_1") -> Row:
    amount = {"value": value, "currency": "usd"}
    return {
        "object": "organization.costs.result",
        "amount": amount,
        "line_item": line_item,
        "project_id": project,
    }


def openai_usage(model: str, calls: int, counts: tuple[int, int, int]) -> Row:
    whole, cached, output = counts
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": whole,
        "input_cached_tokens": cached,
        "output_tokens": output,
        "num_model_requests": calls,
        "model": model,
        "project_id": "proj_1",
        "batch": False,
    }


def anthropic_page(day: date, *results: Row) -> Row:
    """A day of `/organizations/cost_report` or `/usage_report/messages`: Anthropic's reference."""
    times = {"starting_at": _at(day), "ending_at": _at(day + timedelta(days=1))}
    return {"data": [{**times, "results": list(results)}], "has_more": False, "next_page": None}


def anthropic_cost(cents: str, token: str | None, model: str | None, **changes: object) -> Row:
    row: Row = {
        "amount": cents,
        "currency": "USD",
        "cost_type": "tokens" if token else "web_search",
        "description": "x",
        "model": model,
        "service_tier": "standard",
        "token_type": token,
        "context_window": "0-200k",
        "workspace_id": "wrkspc_1",
    }
    return {**row, **changes}
