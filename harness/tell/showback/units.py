"""What a request, a success and a million tokens cost, in words and beside the period before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.money.spend.showback import SpendFigures
from harness.money.spend.unit_costs import PUBLISHED, PUBLISHED_BY, UnitCost, unit_costs
from harness.tell.showback.phrases import before_text, table_of
from harness.tell.words import count
from harness.wording import DASH, listed, percent, usd
from reports.document import Block, Paragraph, Table

_MOST = 15
_UNTOLD: Mapping[str, str] = {
    "failed": "failed call",
    "retries": "retried call",
    "duplicates": "call asked twice",
    "cached": "token read from a prompt cache",
    "written": "token written to one",
    "cache_reads": "call that read from one",
    "reasoning": "token of reasoning",
}
_PUBLISHED = (
    f"Published: over all calls that were seen, by {PUBLISHED_BY} "
    "(datadoghq.com/state-of-ai-engineering). Of the other figures no published one with a source "
    "is known here."
)


def _unit(one: UnitCost) -> str:
    if one.value is None:
        return DASH
    if one.kind == "usd":
        return usd(one.value).removeprefix("USD ")
    if one.kind == "share":
        return percent(one.value, 1)
    return f"{one.value:,.1f}" if one.kind == "ratio" else count(float(one.value))


def unit_blocks(figures: SpendFigures) -> Iterator[Block]:
    """Of all calls beside the period before, and feature by feature."""
    now, before = figures.now, figures.before
    old = None if before is None else unit_costs(before.usd, before.used, before.untold)
    rows: list[tuple[str, ...]] = []
    for at, one in enumerate(unit_costs(now.usd, now.used, now.untold)):
        known = PUBLISHED.get(one.name)
        rows.append(
            (
                one.name,
                _unit(one),
                DASH if old is None else _unit(old[at]),
                DASH if known is None else percent(known),
            )
        )
    names = ("figure", "now", before_text(figures), "published")
    yield table_of("Of all calls together", names, rows)
    yield Paragraph(
        lead=None,
        runs=(_PUBLISHED,),
    )
    if now.untold:
        named = listed(sorted(_UNTOLD[name] for name in now.untold))
        text = f"No log tells any {named}: whether there were none, nobody knows (a dash)."
        yield Paragraph(lead=None, runs=(text,))
    yield _by_feature(figures)


def _by_feature(figures: SpendFigures) -> Table:
    rows: list[tuple[str, ...]] = []
    for one in figures.drivers()[:_MOST]:
        used = one.used
        cells = {unit.name: _unit(unit) for unit in unit_costs(one.usd, used, figures.now.untold)}
        rows.append(
            (
                one.feature or one.caller or "unnamed caller",
                count(float(used.requests + used.other_calls)),
                cells["USD per 1,000 requests"],
                cells["USD per million tokens"],
                cells["input tokens a call"],
                cells["output tokens a call"],
                cells["input read from the prompt cache"],
                cells["retries per request"],
                cells["calls that failed"],
            )
        )
    names = (
        *("feature or caller", "requests", "USD per 1,000", "USD per million tokens"),
        *("tokens in", "tokens out", "cached", "retried", "failed"),
    )
    return table_of("By feature, dearest first; tokens of a call", names, rows)
