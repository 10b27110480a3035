"""Pages of OpenAI's and Anthropic's usage and cost interfaces, as charges.

Sources: openai's types of `/organization/costs` and `/organization/usage/completions`; Anthropic's
reference of `/organizations/cost_report` (amounts in cents) and `/organizations/usage_report`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

from harness.bring.bills.focus_rows import (
    BadRowError,
    Row,
    Unplaced,
    amount,
    members,
    moment,
    text,
    usd,
)
from harness.money.bill import Posting

_ANTHROPIC_TOKENS = {
    "uncached_input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
}
_OPENAI_KINDS = (
    ("cache write", "cache_write"),
    ("cached", "cache_read"),
    ("output", "output"),
    ("input", "input"),
)
_LABELS = (
    "project_id",
    "workspace_id",
    "api_key_id",
    "user_id",
    "account_id",
    "service_account_id",
)
_MEASURES = ("amount", "currency", "quantity", "_tokens", "_requests", "object")
_LONG = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that a vendor answered."""

    format: str
    rows: tuple[Row, ...]
    """Results, each with its bucket's times as `start` and `end`."""
    keys: tuple[str, ...]
    """What each is about: a later answer about the same has the same key, whatever its amount."""


def is_page(value: object) -> bool:
    """Whether a JSON value is such a page, or a bucket of one."""
    found = members(value)
    buckets = _buckets(found)
    return bool(buckets) and all("results" in bucket for bucket in buckets)


def _buckets(page: Mapping[str, object]) -> list[Mapping[str, object]]:
    data = page.get("data")
    inner = cast("list[object]", data) if isinstance(data, list) else [page]
    return [members(bucket) for bucket in inner]


def read_page(value: object) -> Page:
    """The results of a page.

    Raises:
        BadRowError: the page says that more follow, or is of no interface that is known.
    """
    page = members(value)
    if page.get("has_more") is True:
        raise BadRowError("has_more", f"more pages follow ({page.get('next_page')}): {_ALL}")
    rows: list[Row] = []
    keys: list[str] = []
    for bucket in _buckets(page):
        first, start, end = _bucket_days(bucket)
        results = cast("list[object]", bucket.get("results") or [])
        seen: Counter[str] = Counter()
        for result in map(members, results):
            rows.append({**result, "start": start, "end": end})
            about = json.dumps([_name(result), str(first), str(end), _about(result)])
            seen[about] += 1
            keys.append(f"{about} {seen[about]}")
    name = next((_name(row) for row in rows), "empty page")
    return Page(format=name, rows=tuple(rows), keys=tuple(keys))


def _about(result: Row) -> list[tuple[str, str]]:
    """All that a result is grouped by, without what was counted, and without names beside ids."""
    return sorted(
        (name, str(value))
        for name, value in result.items()
        if value not in (None, "")
        and (isinstance(value, str | bool) and not name.endswith(_MEASURES))
        and not (name.endswith("_name") and f"{name.removesuffix('_name')}_id" in result)
    )


_ALL = "give all of them, each as a line of one file, and the last with has_more false"


def _name(row: Row) -> str:
    found = next((name for name, (mark, _) in _READERS.items() if mark(row)), None)
    if found is None:
        raise BadRowError("results", "no usage or cost of OpenAI's or Anthropic's interfaces")
    return found


def _bucket_days(bucket: Mapping[str, object]) -> tuple[datetime, date, date]:
    """Its first moment, its first day and the day after its last."""
    if "start_time" in bucket:
        times = [amount(bucket, name) for name in ("start_time", "end_time")]
        first, last = (
            None if each is None else datetime.fromtimestamp(int(each), UTC) for each in times
        )
    else:
        first, last = (moment(bucket, name, absent=True) for name in ("starting_at", "ending_at"))
    if first is None:
        raise BadRowError("data", "a bucket without its times")
    end = first + timedelta(days=1) if last is None else last
    last_day = max((end - timedelta(microseconds=1)).date(), first.date())
    return first, first.date(), last_day + timedelta(days=1)


def page_charges(row: Row) -> Iterator[Unplaced]:
    """A result as charges, or as counts beside them.

    Raises:
        BadRowError: it says something that no charge can be.
    """
    _, read = _READERS[_name(row)]
    labels = tuple(f"{name}:{text(row, name)}" for name in _LABELS if text(row, name))
    caller = next((text(row, name) for name in _LABELS if text(row, name)), "")
    blank = Posting(
        start=cast("date", row["start"]),
        end=cast("date", row["end"]),
        caller=caller,
        model=text(row, "model"),
        batch=text(row, "service_tier") == "batch" or text(row, "batch").lower() == "true",
        least_input=_LONG if text(row, "context_window").startswith("200k") else 0,
    )
    for line in read(row, blank):
        yield Unplaced(line=line, tags=labels)


def _openai_cost(row: Row, blank: Posting) -> Iterator[Posting]:
    paid = members(row.get("amount"))
    usd(paid, "currency")
    value = amount(paid, "value")
    if value is None:
        raise BadRowError("amount.value", "is empty")
    if not text(row, "line_item"):
        raise BadRowError("line_item", "is empty: ask for the costs with group_by=line_item")
    model, comma, kind = text(row, "line_item").partition(", ")
    token = next((name for words, name in _OPENAI_KINDS if words in kind.lower()), None)
    yield replace(
        blank,
        cost_usd=value,
        billed_usd=value,
        model=model if comma and token else "",
        token=token,
        batch="batch" in text(row, "line_item").lower(),
        category="Usage" if value >= 0 else "Credit",
    )


def _openai_usage(row: Row, blank: Posting) -> Iterator[Posting]:
    _of_a_model(row)
    whole, cached, written, output, calls = (
        _count(row, name)
        for name in (
            *("input_tokens", "input_cached_tokens", "input_cache_write_tokens"),
            *("output_tokens", "num_model_requests"),
        )
    )
    if cached + written > whole:
        raise BadRowError("input_cached_tokens", "more than input_tokens, which count them")
    yield replace(blank, requests=calls)
    counts = {"input": whole - cached - written, "cache_read": cached, "cache_write": written}
    yield from _tokens(blank, {**counts, "output": output})


def _anthropic_usage(row: Row, blank: Posting) -> Iterator[Posting]:
    _of_a_model(row)
    made = members(row.get("cache_creation"))
    plain = {
        "input": _count(row, "uncached_input_tokens"),
        "cache_read": _count(row, "cache_read_input_tokens"),
        "cache_write": _count(made, "ephemeral_5m_input_tokens"),
        "cache_write_1h": _count(made, "ephemeral_1h_input_tokens"),
        "output": _count(row, "output_tokens"),
    }
    yield from _tokens(blank, plain)


def _anthropic_cost(row: Row, blank: Posting) -> Iterator[Posting]:
    usd(row, "currency")
    cents = amount(row, "amount")
    if cents is None:
        raise BadRowError("amount", "is empty")
    if not text(row, "cost_type"):
        raise BadRowError("cost_type", "is empty: ask for the report with group_by[]=description")
    value = cents / 100
    token = _ANTHROPIC_TOKENS.get(text(row, "token_type"))
    category = "Usage" if value >= 0 else "Credit"
    yield replace(blank, cost_usd=value, billed_usd=value, token=token, category=category)


def _of_a_model(row: Row) -> None:
    if not text(row, "model"):
        raise BadRowError("model", "is empty: ask for the usage with group_by model")


def _count(row: Row, name: str) -> int:
    found = amount(row, name)
    if found is None:
        return 0
    if found < 0 or found != int(found):
        raise BadRowError(name, f"{found} is no whole number from 0 on")
    return int(found)


def _tokens(blank: Posting, counts: Mapping[str, int]) -> Iterator[Posting]:
    for token, count in counts.items():
        if count:
            yield replace(blank, token=token, tokens=Decimal(count))


_READERS: Mapping[
    str, tuple[Callable[[Row], bool], Callable[[Row, Posting], Iterator[Posting]]]
] = {
    "openai-costs": (lambda row: isinstance(row.get("amount"), Mapping), _openai_cost),
    "openai-usage": (lambda row: "num_model_requests" in row, _openai_usage),
    "anthropic-usage": (lambda row: "uncached_input_tokens" in row, _anthropic_usage),
    "anthropic-costs": (lambda row: "amount" in row and "currency" in row, _anthropic_cost),
}
