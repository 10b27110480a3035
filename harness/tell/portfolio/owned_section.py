"""Capacity of one's own in words and on a page: what is idle, what is bought, what to commit to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from harness.money.owned.bought import SOON_DAYS, BoughtCapacity
from harness.money.owned.capacity import HostedPool, OwnedCapacity, PooledPart
from harness.money.owned.paid import (
    HOUR,
    KINDS,
    HourKind,
    HoursTold,
    PaidEndpoint,
    cost_of,
    owned_rows,
    paid_hours,
)
from harness.tell.portfolio.spend import bare
from harness.tell.words import count, person
from harness.wording import DASH, listed, percent, plural, usd
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
        parts.append(f"{_hours(whole, 'idle')} idle{cost}{_unpriced(whole)}")
    if whole.hours["unwatched"]:
        parts.append(f"in {_hours(whole, 'unwatched')} nobody counted requests")
    return "; ".join(parts) + "."


def _unpriced(whole: HoursTold) -> str:
    """Says how many endpoints an amount leaves out; empty if none, or if there is no amount."""
    if not whole.unpriced or whole.usd is None:
        return ""
    return f" without {plural(whole.unpriced, 'endpoint')} whose cost is not known"


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
        f"{row.name}, USD{_unpriced(row)}" if _unpriced(row) else row.name,
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


_SUGGESTED_IDLE_HOURS = 1
"""An endpoint is to stop after so many idle hours, where no limit on spend says another number."""


def pool_title(pool: HostedPool) -> str:
    """`llama-8b on h100 for 3 features, 1 of which may wait`."""
    whole = len(pool.live) + len(pool.deferrable)
    waiting = f", {len(pool.deferrable)} of which may wait" if pool.deferrable else ""
    return f"{pool.model} on {pool.gpu} for {plural(whole, 'feature')}{waiting}"


def part_words(part: PooledPart, pool: HostedPool) -> str:
    """How a part of the demand is served."""
    hours = f"{_hours_told(part.replica_hours)} replica hours a month"
    if part.kind == "floor":
        used = "" if pool.floor_used is None else f", {percent(pool.floor_used)} used"
        return f"floor: commit to {plural(pool.committed_replicas, 'replica')}{used}"
    if part.kind == "bursts":
        return f"bursts: on demand, {hours}"
    if part.kind == "starts":
        return f"bursts: loading, {hours}"
    if part.kind == "tail":
        return f"tail: at the API, where it spares {hours}"
    price = "spot" if pool.spot_priced else "on demand, as no spot price is stated"
    return f"what may wait: {price}, {hours}"


def pool_compared(pool: HostedPool) -> str:
    """What the pool costs beside other ways."""
    api = "" if pool.api_usd is None else f"; all of it at the API {usd(pool.api_usd)}"
    alone = (
        ""
        if len(pool.live) + len(pool.deferrable) == 1
        else (f"; with replicas of their own {usd(pool.alone_usd)}")
    )
    return f"together {usd(pool.monthly)} a month{alone}{api}"


def bought_words(one: BoughtCapacity, left: int) -> str:
    """`gpt-5: 100 units until 2027-06-30 (212 days), the busiest hour needs 62: 38 unused`."""
    head = f"{one.name}: {one.bought:,} {one.what} until {one.until} ({plural(left, 'day')})"
    if one.unused is None or one.needed is None:
        return f"{head}, {usd(one.monthly)} a month; nothing says what is needed of them"
    who = "the busiest hour" if one.what == "units" else "the floor of hosted features"
    used = "" if one.used_share is None else f", {percent(one.used_share)} used on average"
    unused = f"{one.unused:,} unused, {usd(one.unused_usd)} a month"
    return f"{head}, {who} needs {one.needed:,}{used}: {unused if one.unused else 'none unused'}"


def bought_blocks(bought: Sequence[BoughtCapacity], on: date) -> Iterator[Block]:
    """Units that are paid until their term ends, whatever is decided; nothing without any."""
    if not bought:
        return
    known = [one.unused_usd for one in bought if one.unused_usd is not None]
    least = "at least " if len(known) < len(bought) else ""
    unused = (
        f"; {least}{usd(sum(known, Decimal(0)))} of it is for units that no hour needs"
        if known
        else ""
    )
    monthly = usd(sum((one.monthly for one in bought), Decimal(0)))
    text = f"{monthly} a month is paid until its term ends, whatever is decided{unused}."
    yield Paragraph(lead="What is bought.", runs=(text,))
    names = ("model", "seller", "units", "until", "days", "USD a month", "needed", "unused", "USD")
    yield Table(
        caption="Bought capacity; needed in the busiest hour; USD a month",
        columns=tuple(
            Column(text=name, numeric=at > 1 and at != _UNTIL) for at, name in enumerate(names)
        ),
        rows=tuple(Row(cells=_bought_cells(one, on)) for one in bought),
        stacked=True,
    )


_UNTIL = 3


def _bought_cells(one: BoughtCapacity, on: date) -> tuple[str, ...]:
    return (
        one.name,
        one.seller or DASH,
        f"{one.bought:,}",
        f"{one.until}",
        f"{one.days_left(on):,}",
        bare(one.monthly),
        DASH if one.needed is None else f"{one.needed:,}",
        DASH if one.unused is None else f"{one.unused:,}",
        bare(one.unused_usd),
    )


def endpoint_words(one: PaidEndpoint) -> str:
    """Hours paid, used and idle, requests, utilisation and cost of an endpoint."""
    kinds = ((paid_hours(one.of(kind)), kind) for kind in ("used", "idle", "unwatched"))
    hours = ", ".join(f"{_hours_told(amount)} {kind}" for amount, kind in kinds if amount)
    asked = "requests not counted" if one.requests is None else plural(one.requests, "request")
    busy = "" if one.busy is None else f", GPUs {percent(one.busy)} busy"
    cost = "cost not known" if one.usd is None else usd(one.usd)
    return (
        f"{one.name}: {_hours_told(paid_hours(one.hours))} h paid ({hours}), {asked}{busy}, {cost}"
    )


def idle_words(one: PaidEndpoint, limit: int = _SUGGESTED_IDLE_HOURS) -> Iterator[str]:
    """What follows from an endpoint's idle hours: since when, dear tokens, the rule to set."""
    since = one.since_last
    if since:
        began = one.last_request
        when = "in all these hours" if began is None else f"since {began + HOUR:%Y-%m-%d %H}:00 UTC"
        yield f"no request {when}: {_cost(cost_of(since))} for {_hours_told(paid_hours(since))} h"
    if one.usd_per_million_tokens is not None:
        best = one.busiest_usd_per_million
        busiest = "" if best is None else f", {usd(best)} in its best hour"
        yield f"a million tokens cost {usd(one.usd_per_million_tokens)} as it is used{busiest}"
    stopped = one.stopped_after(limit)
    if stopped:
        yield (
            f"stopped after {stop_rule(limit)} it would have spared {_cost(cost_of(stopped))}, "
            f"{_hours_told(paid_hours(stopped))} h"
        )


def stop_rule(limit: int) -> str:
    """After how long an endpoint is to stop, and the setting that does it."""
    return f"{plural(limit, 'idle hour')} (`serve: ttl_s`, or the host's auto-suspend)"


def owned_lines(found: OwnedCapacity) -> Iterator[str]:
    """All of it, for a terminal."""
    for pool in found.pools:
        yield pool_title(pool)
        for part in pool.parts:
            yield f"   {usd(part.usd):>12}   {part_words(part, pool)}"
        yield f"   {pool_compared(pool)}"
    if not found.pools:
        yield "no feature has a model of one's own that was probed (`rightsize probe`)"
    yield from (f"{name}: in no pool: {why}" for name, why in found.left_out.items())
    for one in found.bought:
        yield bought_words(one, one.days_left(found.on))
    if found.ending:
        names = listed([one.name for one in found.ending])
        yield f"ends within {SOON_DAYS} days: {names}"
    for one in found.idlest:
        yield endpoint_words(one)
        yield from (f"   {line}" for line in idle_words(one))


def _cost(amount: Decimal | None) -> str:
    return "an unknown cost" if amount is None else usd(amount)


def _hours_told(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.1f}"
