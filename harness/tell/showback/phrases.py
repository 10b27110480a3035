"""What a showback's pages have in common: amounts, shares, causes and next steps in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from harness.money.measured import TrafficFinding
from harness.money.spend.bridge import Factor, Shift
from harness.money.spend.lines import Group, Outlay, PeriodSpend, total, used
from harness.money.spend.showback import NextStep, SpendDriver, SpendFigures
from harness.money.spend.timespan import Timespan
from harness.money.spend.unit_costs import PUBLISHED, PUBLISHED_BY, UnitCost, unit_costs
from harness.tell.portfolio.spend import bare
from harness.tell.portfolio.tasks import due_text, what_text
from harness.tell.words import count, person
from harness.wording import DASH, amount_text, listed, percent, usd
from reports.document import Block, Column, Link, Paragraph, Row, Table

NOBODY = "(no feature named)"
_STEERING = frozenset('`|[]"\\')
"""What would end a quoted text, or mean something else in a pattern."""
_DAY = timedelta(days=1)
_MORE: Mapping[Factor, tuple[str, str]] = {
    Factor.REQUESTS: ("more requests", "fewer requests"),
    Factor.AGAIN: ("more calls repeated", "fewer calls repeated"),
    Factor.MODELS: ("dearer models answer", "cheaper models answer"),
    Factor.QUESTIONS: ("longer inputs", "shorter inputs"),
    Factor.ANSWERS: ("longer answers", "shorter answers"),
    Factor.CACHE: ("less read from the prompt cache", "more read from the prompt cache"),
    Factor.PRICES: ("a token costs more", "a token costs less"),
    Factor.A_CALL: ("a call costs more", "a call costs less"),
    Factor.NEW: ("new", "new"),
    Factor.GONE: ("stopped", "stopped"),
}
_BY: Mapping[Factor, str] = {
    Factor.AGAIN: "repeated calls",
    Factor.MODELS: "dearer models",
    Factor.QUESTIONS: "longer inputs",
    Factor.ANSWERS: "longer answers",
    Factor.CACHE: "a prompt cache that is read less",
    Factor.A_CALL: "dearer calls",
}
"""Causes that somebody must explain, where they raise a spend."""
_REVIEW_AFTER = {NextStep.LOOK, NextStep.EXPLAIN, NextStep.MEND}
"""Steps that a review waits for."""
_ARROW = re.compile(r"(\S+) -> (\S+)")
_COUNTED = {"retry-storm", "silent-duplicates", "new-untagged-caller", "cost-without-price"}
"""Kinds of finding that count calls."""
_MENDED: Mapping[str, str] = {
    "context-growth": "shorten the inputs",
    "output-growth": "shorten the answers",
    "cache-broken": "mend the prompt cache",
    "retry-storm": "stop the retries",
    "silent-duplicates": "stop asking twice",
    "model-changed": "check the new model",
    "cost-without-price": "state a price in models/*.yaml",
}
"""What is to be done about each kind of finding."""


def change(amount: Decimal | None) -> str:
    """`+1,204.10`, `-3.00`; a dash where there is nothing to hold it against."""
    return DASH if amount is None else f"{amount:+,.2f}" if amount else "0.00"


def share_of(part: Decimal, whole: Decimal) -> str:
    """`12 %`; a dash of nothing."""
    if not whole:
        return DASH
    return "under 1 %" if 0 < part < whole / 200 else percent(part / whole)


def known_usd(lines: Iterable[Outlay]) -> Decimal | None:
    """What calls cost; None where all of them lack a cost and a price."""
    found = tuple(lines)
    return total(found) or (None if used(found).unknown_cost else Decimal(0))


def spent_cells(one: Group | SpendDriver, whole: Decimal) -> tuple[str, str]:
    """What a row of calls cost, and its share of the whole; dashes where nobody knows."""
    amount = known_usd(one.lines)
    return bare(amount), DASH if amount is None else share_of(amount, whole)


def span_text(span: Timespan, until: datetime | None = None) -> str:
    """`23 to 29 November 2026`; `November 2026`."""
    last = (until - timedelta(hours=1)).date() if until is not None else span.end - _DAY
    if span.kind == "month" and last == span.end - _DAY:
        return f"{span.start:%B %Y}"
    first = f"{span.start.day}"
    if span.start.month != last.month:
        first += f" {span.start:%B}" if span.start.year == last.year else f" {span.start:%B %Y}"
    return (
        f"{last.day} {last:%B %Y}" if span.start == last else f"{first} to {last.day} {last:%B %Y}"
    )


def named_span(span: Timespan) -> str:
    """`week 48 of 2026`; `November 2026`."""
    if span.kind == "month":
        return f"{span.start:%B %Y}"
    year, number, _ = span.start.isocalendar()
    return f"week {number} of {year}"


def before_text(figures: SpendFigures) -> str:
    """`the week before`; of a period that is not over, as many days of it."""
    span, now = figures.now.span.kind, figures.now
    if now.until.date() >= now.span.end:
        return f"the {span} before"
    return f"the same part of the {span} before"


def cause(factor: Factor | None, amount: Decimal) -> str:
    """`more requests`."""
    return "no change" if factor is None else _MORE[factor][amount < 0]


def cause_of(shift: Shift | None) -> str:
    """Why most of a driver's change came about."""
    return DASH if shift is None else cause(shift.main, shift.change)


def name_of(one: SpendDriver) -> str:
    """The feature, or the caller that no feature is named for."""
    return one.feature or f"{one.caller or 'unnamed caller'} {NOBODY}"


def whose(owner: str) -> str:
    """Who answers for it; nobody is said."""
    return person(owner) if owner else "nobody named"


def rule_for(caller: str) -> str:
    """The line of `attribution.yaml` that would place a caller; `?` stands for one character."""
    if not caller:
        return "- {when: {tag: ...}, feature: ...}"
    plain = "".join(c if c.isprintable() and c not in _STEERING else "?" for c in caller)
    return f'- {{when: {{key_alias: "{plain}"}}, feature: ...}}'


def page_name(team: str) -> str:
    """What a team's page is called, whatever the team is; two teams never share one."""
    plain = re.sub(r"[^a-z0-9]+", "-", team.lower()).strip("-")[:40]
    return (
        plain
        if plain and plain == team
        else f"{plain or 'team'}-{sha256(team.encode()).hexdigest()[:6]}"
    )


def moment(at: datetime) -> str:
    """`Tue 24 Nov, 03:00 UTC`."""
    return f"{at:%a} {at.day} {at:%b}, {at:%H:%M} UTC"


def seen(finding: TrafficFinding) -> str:
    """What a log shows; counts are of the whole log, not of the period."""
    text = _ARROW.sub(r"from \1 to \2", finding.says)
    return f"in the whole log: {text}" if finding.kind in _COUNTED else text


def explain(shift: Shift) -> str:
    """How much of a change its main cause is, and that somebody should find out why."""
    whole = f"USD {amount_text(shift.change, signed=True)}"
    if shift.main is None:
        return f"{whole}: find out why"
    part = shift.terms[shift.main]
    by = _BY.get(shift.main, cause(shift.main, part))
    if part == shift.change:
        return f"{whole}, all of it by {by}: find out why"
    of_it = " of it" if abs(part) < abs(shift.change) else ""
    rest = "" if of_it else ", other causes took from it"
    return (
        f"{whole} in all, USD {amount_text(part, signed=True)}{of_it} by {by}{rest}: find out why"
    )


def _asked(caller: str) -> str:
    """Whom to ask about calls; a caller without an address is a program."""
    if not caller:
        return "whoever makes the calls"
    return caller if "@" in caller else f"whoever runs {caller}"


def next_text(one: SpendDriver) -> str:
    """What is to be done next about a driver, and whether a review comes after it."""
    text = _first(one)
    if one.step in _REVIEW_AFTER and one.potential is not None:
        text += f"; then review it (at most {usd(one.potential.saving_usd)} a month)"
    return text


def _first(one: SpendDriver) -> str:
    odd, shift, finding = one.unusual, one.shift, one.finding
    match one.step:
        case NextStep.PLACE:
            text = "Say whose it is in attribution.yaml"
        case NextStep.NAME:
            text = f"Name an owner in features/{one.feature}.yaml"
        case NextStep.LOOK if odd is not None:
            text = f"Ask {_asked(odd.caller)} about {moment(odd.since)}: "
            text += f"{usd(odd.excess)} above the usual"
        case NextStep.EXPLAIN if shift is not None:
            text = explain(shift)
        case NextStep.MEND if finding is not None:
            do = _MENDED.get(finding.kind, finding.kind)
            text = f"{do[:1].upper()}{do[1:]}: {seen(finding)}"
        case NextStep.TASK if one.task is not None:
            due = due_text(one.task)
            text = what_text(one.task) + ("" if due == DASH else f", by {due}")
        case NextStep.REVIEW if one.potential is not None:
            text = f"Review it: at most {usd(one.potential.saving_usd)} a month less"
        case _:
            text = "Nothing"
    return text


def covered(now: PeriodSpend, key: str) -> str:
    """How much of the spend a name stands on."""
    found = now.share(key)  # type: ignore[arg-type]
    return DASH if found is None else percent(found)


Cells = Sequence[str | Link]


def table_of(
    caption: str,
    names: Sequence[str],
    rows: Sequence[Cells],
    *,
    words: Sequence[str] = (),
    total: bool = False,
) -> Table:
    """A table of figures; the first column and those named in `words` are words.

    With `total` the last row is a sum.
    """
    made = [Row(cells=tuple(cells)) for cells in rows]
    if total:
        made[-1] = Row(cells=tuple(rows[-1]), strong=True)
    return Table(
        caption=caption,
        columns=tuple(
            Column(text=name, numeric=at > 0 and name not in words) for at, name in enumerate(names)
        ),
        rows=tuple(made),
        stacked=True,
    )


_MOST = 15
_UNREPORTED: Mapping[str, str] = {
    "failed": "failed calls",
    "retries": "retried calls",
    "duplicates": "calls asked twice",
    "cached": "tokens read from a prompt cache",
    "written": "tokens written to a prompt cache",
    "cache_reads": "calls that read from a prompt cache",
    "reasoning": "reasoning tokens",
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
    old = None if before is None else unit_costs(before.lines, before.unreported)
    rows: list[tuple[str, ...]] = []
    for at, one in enumerate(unit_costs(now.lines, now.unreported)):
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
    if now.nowhere:
        named = listed(sorted(_UNREPORTED[name] for name in now.nowhere))
        text = f"No log counts {named}: a dash stands where nobody knows whether there were any."
        yield Paragraph(lead=None, runs=(text,))
    if now.in_part:
        named = listed(sorted(_UNREPORTED[name] for name in now.in_part))
        text = f"Some logs do not count {named}: those figures are of the calls of the others."
        yield Paragraph(lead=None, runs=(text,))
    yield _by_feature(figures)


def _by_feature(figures: SpendFigures) -> Table:
    rows: list[tuple[str, ...]] = []
    for one in figures.drivers()[:_MOST]:
        counts = used(one.lines)
        cells = {unit.name: _unit(unit) for unit in unit_costs(one.lines, figures.now.unreported)}
        rows.append(
            (
                one.feature or one.caller or "unnamed caller",
                count(float(counts.requests + counts.other_calls)),
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
