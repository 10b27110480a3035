"""Capacity of one's own as parts of a page: what stands idle, what is bought, what to commit to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from harness.money.owned.bought import SOON_DAYS
from harness.money.owned.capacity import OwnedCapacity
from harness.money.owned.paid import KINDS, HourKind, HoursTold, PaidEndpoint, cost_of, owned_rows
from harness.tell.portfolio.hosting_words import (
    bought_words,
    idle_words,
    part_words,
    pool_compared,
    pool_title,
    stop_rule,
)
from harness.tell.portfolio.spend import bare
from harness.tell.words import count, person
from harness.wording import DASH, percent, plural, usd
from harness.workspace.policy_file import SpendPolicy, SpendScope
from reports.document import Block, Bullets, Column, Paragraph, Row, Section, Table

_NOT_HERE = (
    "Beside the spend of calls above, and in none of its sums. Not read: notebooks, training jobs, "
    "kernels of a GPU."
)


def owned_section(found: OwnedCapacity, spend: SpendPolicy, team: str = "") -> Section | None:
    """The part of a page about capacity of one's own; None where there is nothing to say.

    A team's page has its own endpoints alone: pools and what is bought are shared.
    """
    endpoints = _of(found, team)
    blocks = (*_idle(endpoints, spend), *(() if team else _shared(found)))
    if not blocks:
        return None
    title = "GPUs and endpoints of one's own"
    return Section(anchor="owned", title=title, blocks=(*blocks, _plain(_NOT_HERE)))


def owned_words(found: OwnedCapacity, team: str = "") -> str:
    """`plus USD 1,966 for 2 endpoints of one's own, not in this sum`; empty without any."""
    endpoints = _of(found, team)
    if not endpoints:
        return ""
    what = f"{plural(len(endpoints), 'endpoint')} of one's own"
    unknown = [one for one in endpoints if one.usd is None]
    cost = owned_rows(endpoints)[-1].whole
    if cost is None:
        return f"plus {what} whose cost is not known"
    lost = f" (what {len(unknown):,} of them cost is not known)" if unknown else ""
    return f"plus {usd(cost)} for {what}{lost}, not in this sum"


def idlest_step(
    found: OwnedCapacity, spend: SpendPolicy, team: str = ""
) -> Iterator[tuple[Decimal, str]]:
    """The endpoint whose avoidable idle hours cost most: their USD, and what to do; or none."""
    known = [
        (cost, one)
        for one in _of(found, team)
        if (hours := one.stopped_after(limit_on(one, spend))) and (cost := cost_of(hours))
    ]
    if not known:
        return
    cost, one = max(known, key=lambda each: (each[0], each[1].name))
    owner = spend.owner_of(SpendScope(team=one.team or None, limits=spend))
    team_text = f"team {one.team}" if one.team else "no team named"
    named = f"{team_text}, {person(owner)}" if owner else team_text
    rule = stop_rule(limit_on(one, spend))
    yield (
        cost,
        f"{one.name} ({named}): Stop it after {rule}: {usd(cost)} of idle hours were avoidable",
    )


def _of(found: OwnedCapacity, team: str) -> tuple[PaidEndpoint, ...]:
    """The endpoints of a team, or all."""
    return tuple(one for one in found.endpoints or () if not team or one.team == team)


def limit_on(one: PaidEndpoint, spend: SpendPolicy) -> int:
    """Idle hours after which an endpoint is to stop: the strictest limit on it, else 1."""
    stated = [
        scope.limits.idle_hours
        for scope in spend.scopes
        if scope.limits.idle_hours is not None and scope.holds(one.team, one.environment)
    ]
    return max(int(min(stated)), 1) if stated else 1


def _idle(endpoints: tuple[PaidEndpoint, ...], spend: SpendPolicy) -> Iterator[Block]:
    rows = owned_rows(endpoints)
    if not rows:
        return
    whole = rows[-1]
    yield Paragraph(lead="Paid by the hour.", runs=(_summed(whole, len(endpoints)),))
    yield _table(rows)
    items = [
        f"{one.name}: {line}"
        for row in rows
        if (one := row.endpoint) is not None
        for line in idle_words(one, limit_on(one, spend))
    ]
    if items:
        yield Bullets(lead="What follows.", items=tuple(items))


def _summed(whole: HoursTold, endpoints: int) -> str:
    parts = [f"{plural(endpoints, 'endpoint')}, {_hours(whole, 'used')} of {_whole(whole)} used"]
    idle = whole.hours["idle"]
    if idle:
        cost = "" if whole.usd is None else f", {usd(whole.usd['idle'])}"
        parts.append(f"{_hours(whole, 'idle')} idle{cost}")
    if whole.hours["unwatched"]:
        parts.append(f"in {_hours(whole, 'unwatched')} nobody counted requests")
    return "; ".join(parts) + "."


def _whole(row: HoursTold) -> str:
    return f"{row.paid:,.1f} paid hours"


def _hours(row: HoursTold, kind: HourKind) -> str:
    return f"{row.hours[kind]:,.1f}"


def _table(rows: tuple[HoursTold, ...]) -> Table:
    names = ("endpoint", "team", "h paid", "used", "idle", "unwatched", "requests", "GPUs busy",
             "USD", "of it idle", "USD a million tokens")  # fmt: skip
    return Table(
        caption="Hours paid of GPUs and endpoints, dearest idle first; USD",
        columns=tuple(Column(text=name, numeric=at > 1) for at, name in enumerate(names)),
        rows=tuple(Row(cells=_cells(row), strong=row.endpoint is None) for row in rows),
        stacked=True,
    )


def _cells(row: HoursTold) -> tuple[str, ...]:
    one = row.endpoint
    busy = None if one is None else one.busy
    tokens = None if one is None else one.usd_per_million_tokens
    return (
        row.name,
        "" if one is None else one.team or DASH,
        f"{row.paid:,.1f}",
        *(f"{row.hours[kind]:,.1f}" for kind in KINDS),
        DASH if row.requests is None else count(row.requests),
        DASH if busy is None else percent(busy),
        bare(row.whole),
        bare(None if row.usd is None else row.usd["idle"]),
        bare(tokens),
    )


def _shared(found: OwnedCapacity) -> Iterator[Block]:
    """What the whole portfolio shares: capacity that is bought, and what to commit to."""
    if found.bought:
        yield Bullets(
            lead="Bought.",
            items=tuple(bought_words(one, one.days_left(found.on)) for one in found.bought),
        )
    if found.ending:
        names = ", ".join(f"{one.name} on {one.until}" for one in found.ending)
        yield _plain(f"Ends within {SOON_DAYS} days: {names}.")
    for pool in found.pools:
        rows = [(part_words(part, pool), bare(part.usd)) for part in pool.parts]
        rows.append(("all", bare(pool.monthly)))
        yield Table(
            caption=f"What to commit to: {pool_title(pool)}; USD a month",
            columns=(Column(text="part"), Column(text="USD", numeric=True)),
            rows=tuple(Row(cells=row, strong=at == len(pool.parts)) for at, row in enumerate(rows)),
            stacked=True,
        )
        words = pool_compared(pool)
        yield _plain(f"{words[:1].upper()}{words[1:]}.")


def _plain(text: str) -> Paragraph:
    return Paragraph(lead=None, runs=(text,))
