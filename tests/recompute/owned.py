"""Capacity of one's own on a page, worked out again: from samples, prices and the page's own sums.

Endpoints are of one model on one server, at a price an hour; nothing of ours is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
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


_BOUGHT = re.compile(
    r"- (\S+): ([\d,]+) (?:units|GPUs) until (\S+) \(([\d,]+) days?\), [a-z ]+ needs ([\d,]+)"
    r"(?:, (\d+) % used on average)?: (?:([\d,]+) unused, USD ([\d,.]+) a month|none unused)"
)
_HOURS_A_MONTH = Decimal("730.5")


def differing_bought(markdown: str, today: date, usd_an_hour: Mapping[str, str]) -> list[str]:
    """What is wrong with bought capacity: days left, what is unused, what that costs a month."""
    found = [each.groups() for each in _BOUGHT.finditer(markdown)]
    told = [
        f"{name} is not on the page" for name in usd_an_hour if name not in {f[0] for f in found}
    ]
    for name, bought, until, days, needed, _, unused, usd in found:
        left = (date.fromisoformat(until) - today).days
        free = max(int(bought.replace(",", "")) - int(needed.replace(",", "")), 0)
        month = free * Decimal(usd_an_hour[name]) * _HOURS_A_MONTH
        want = (f"{left:,}", f"{free:,}" if free else None, _money(month) if free else None)
        if (days, unused, usd) != want:
            told.append(f"{name}: {days} days, {unused} unused, USD {usd}; recomputed {want}")
    return told


def differing_opening(markdown: str) -> list[str]:
    """What the first page says of endpoints otherwise than their table and what follows from it."""
    rows = table_of_endpoints(markdown)
    whole = Decimal(rows["all"]["usd"].replace(",", ""))
    what = f"{len(rows) - 1:,} endpoint{'s' if len(rows) > 2 else ''} of one's own"
    sentence = f"plus USD {_money(whole)} for {what}, not in this sum"
    told = [] if sentence in markdown else [f"the first page lacks: {sentence}"]
    spared = re.findall(r"- (\S+): stopped after .* have spared USD ([\d,.]+), ", markdown)
    steps = re.findall(r"- (\S+) \([^)]*\): Stop it after .*: USD ([\d,.]+) of idle", markdown)
    most = sorted(spared, key=lambda one: -Decimal(one[1].replace(",", "")))[:1]
    if steps != most:
        told.append(f"the dearest avoidable idle hours are {most}, not {steps}")
    return told


def differing_pools(markdown: str) -> list[str]:
    """Tables of what to commit to whose parts do not add up, or whose sum the sentence lacks."""
    told: list[str] = []
    for table in markdown.split("*What to commit to: ")[1:]:
        title = table.partition(";")[0]
        rows = re.findall(r"^\| (?!part|-)([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
        end = next(at for at, (name, _) in enumerate(rows) if name.strip("* ") == "all")
        *parts, whole = (Decimal(usd.strip("* ").replace(",", "")) for _, usd in rows[: end + 1])
        if sum(parts, Decimal(0)) != whole:
            told.append(f"{title}: the parts are {sum(parts, Decimal(0))}, all is {whole}")
        if f"Together USD {_money(whole)} a month" not in table:
            told.append(f"{title}: the sentence does not say {whole}")
    return told


def _money(amount: Decimal) -> str:
    """Whole dollars from 100, cents from 1."""
    places = "1" if amount >= 100 else "0.01"
    return f"{amount.quantize(Decimal(places), ROUND_HALF_UP):,f}"


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
