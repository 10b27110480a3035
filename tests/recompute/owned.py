"""Hours and dollars of endpoints on a page, worked out again from the samples themselves.

Of one model on one server, at a price an hour; nothing of ours is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

_HOUR_MS = 3_600_000
_SAMPLE = re.compile(r'vllm:(\w+?)(?:_total)?\{model_name="([^"]+)"[^}]*\} (\d+) (\d+)')
_COLUMNS = ("paid", "used", "idle", "unwatched", "requests", "busy", "usd", "idle_usd", "million")


def table_of_endpoints(markdown: str) -> dict[str, dict[str, str]]:
    """The rows of the page's table of endpoints, by name."""
    lines = iter(markdown.splitlines())
    for line in lines:
        if line.startswith("| endpoint | team |"):
            break
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, _, *cells = (cell.strip().strip("*") for cell in line.strip("|").split("|"))
        if not set(name) <= set("-: "):
            found[name] = dict(zip(_COLUMNS, cells, strict=True))
    return found


def differing(markdown: str, samples: Sequence[str], usd_an_hour: Mapping[str, str]) -> list[str]:
    """Each figure of the table that does not follow from the samples, and each missing row."""
    rows, told = table_of_endpoints(markdown), list[str]()
    sums = dict.fromkeys(("paid", "used", "idle"), 0)
    requests_of_all, usd, idle_usd = 0, Decimal(0), Decimal(0)
    for model, price in usd_an_hour.items():
        hours = _grown(samples, model)
        asked = [one.get("request_success", 0) for one in hours.values()]
        tokens = sum(one["prompt_tokens"] + one["generation_tokens"] for one in hours.values())
        used = sum(1 for one in asked if one)
        whole = Decimal(price) * len(asked)
        want = {
            "paid": f"{len(asked):,.1f}",
            "used": f"{used:,.1f}",
            "idle": f"{len(asked) - used:,.1f}",
            "unwatched": "0.0",
            "requests": f"{sum(asked):,}",
            "usd": f"{whole:,.2f}",
            "idle_usd": f"{Decimal(price) * (len(asked) - used):,.2f}",
            "million": f"{whole * 1_000_000 / tokens:,.2f}" if tokens else "\u2013",
        }
        told += _unlike(model, rows.get(model, {}), want)
        for name, amount in zip(sums, (len(asked), used, len(asked) - used), strict=True):
            sums[name] += amount
        requests_of_all += sum(asked)
        usd, idle_usd = usd + whole, idle_usd + Decimal(price) * (len(asked) - used)
    want = {name: f"{amount:,.1f}" for name, amount in sums.items()}
    want |= {"requests": f"{requests_of_all:,}", "usd": f"{usd:,.2f}"}
    return [*told, *_unlike("all", rows.get("all", {}), want | {"idle_usd": f"{idle_usd:,.2f}"})]


def _unlike(name: str, row: Mapping[str, str], want: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {key}: {row.get(key, 'nothing')} on the page, {text} by the samples"
        for key, text in want.items()
        if row.get(key) != text
    ]


def _grown(samples: Sequence[str], model: str) -> dict[int, dict[str, int]]:
    """What each counter grew by in each hour; the hour of a step is that of its later end."""
    series: dict[str, list[tuple[int, int]]] = {}
    for line in samples:
        found = _SAMPLE.match(line)
        if found and found[2] == model:
            series.setdefault(found[1], []).append((int(found[4]), int(found[3])))
    hours: dict[int, dict[str, int]] = {}
    for name, values in series.items():
        values.sort()
        for (_, before), (at, now) in pairwise(values):
            own = hours.setdefault((at - 1) // _HOUR_MS, {})
            own[name] = own.get(name, 0) + (now - before if now >= before else now)
    return hours
