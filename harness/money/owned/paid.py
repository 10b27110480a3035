"""Hours of endpoints and GPUs that were paid for: what of them served a request, and their table.

An hour is *used* when it served a request, *idle* when it was watched and served none, and
*unwatched* when nobody counted its requests. Used, idle and unwatched hours are the paid ones.

In a table endpoints stand in a fixed order; each gets what the sum of the exact amounts, in cents,
rises by. So every column of amounts adds up to its own exact sum, rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from harness.money.amounts import running_cents

HOUR = timedelta(hours=1)
_MILLION = Decimal(1_000_000)
HourKind = Literal["used", "idle", "unwatched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidHour:
    """One hour of the clock of an endpoint; what no metric says is None."""

    at: datetime
    """Its beginning, UTC."""
    paid: Decimal = Decimal(1)
    """Hours that were paid for in it: several with several replicas, a part of one at its ends."""
    usd: Decimal | None = None
    gpus: Decimal | None = None
    """GPUs that were held at once."""
    requests: int | None = None
    tokens: int | None = None
    """Input and output tokens together."""
    busy: Decimal | None = None
    """Share of the GPUs' time that worked, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuse an hour that is none."""
        if self.at.utcoffset() != timedelta() or (self.at.minute, self.at.second) != (0, 0):
            raise ValueError(f"an hour begins at a full hour UTC, not at {self.at}")
        if self.paid <= 0:
            raise ValueError(f"an hour that was paid for has a length, not {self.paid}")
        if self.busy is not None and not 0 <= self.busy <= 1:
            raise ValueError(f"a share of the time is from 0 to 1, not {self.busy}")

    @property
    def kind(self) -> HourKind:
        """Whether it served a request, served none, or nobody knows."""
        if self.requests is None:
            return "unwatched"
        return "used" if self.requests else "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidEndpoint:
    """An endpoint, GPU or provisioned unit, and its hours in order, each once."""

    name: str
    hours: tuple[PaidHour, ...]
    team: str = ""
    environment: str = ""
    feature: str = ""
    source: str = ""
    """Which metrics and charges it was read from."""

    def __post_init__(self) -> None:
        """Refuse hours out of order, and an endpoint without any."""
        if not self.hours:
            raise ValueError(f"{self.name}: no hour was paid for")
        if any(one.at >= two.at for one, two in pairwise(self.hours)):
            raise ValueError(f"{self.name}: its hours are in order, each once")

    def of(self, kind: HourKind) -> tuple[PaidHour, ...]:
        """The hours of one kind."""
        return tuple(hour for hour in self.hours if hour.kind == kind)

    @property
    def watched(self) -> bool:
        """Whether its requests were counted in every hour."""
        return not self.of("unwatched")

    @property
    def requests(self) -> int | None:
        """Requests that were counted; None: nobody counted in any hour."""
        return _whole([hour.requests for hour in self.hours])

    @property
    def tokens(self) -> int | None:
        """Tokens that were counted; None: nobody counted in any hour."""
        return _whole([hour.tokens for hour in self.hours])

    @property
    def usd(self) -> Decimal | None:
        """What all hours cost; None: the price of some is not known."""
        return cost_of(self.hours)

    @property
    def busy(self) -> Decimal | None:
        """Mean share of the GPUs' time that worked, by hours paid; None: no metric says it."""
        known = [(hour.busy, hour.paid) for hour in self.hours if hour.busy is not None]
        paid = sum((weight for _, weight in known), Decimal(0))
        worked = sum((busy * weight for busy, weight in known), Decimal(0))
        return worked / paid if known else None

    @property
    def last_request(self) -> datetime | None:
        """The hour that served the last request that was counted; None: none was."""
        return max((hour.at for hour in self.of("used")), default=None)

    @property
    def since_last(self) -> tuple[PaidHour, ...]:
        """Idle hours after the last request, to the end; empty where the last hours are unknown."""
        at_end: list[PaidHour] = []
        for hour in reversed(self.hours):
            if hour.kind != "idle":
                return tuple(reversed(at_end)) if hour.kind == "used" else ()
            at_end.append(hour)
        return tuple(reversed(at_end))

    @property
    def idle_runs(self) -> tuple[tuple[PaidHour, ...], ...]:
        """Idle hours that follow each other without a gap, in order."""
        return tuple(_runs(self.hours))

    @property
    def longest_idle(self) -> int:
        """Hours of the clock in the longest run without a request."""
        return max(map(len, self.idle_runs), default=0)

    @property
    def usd_per_million_tokens(self) -> Decimal | None:
        """What a million tokens cost as it was used; None: cost or tokens are not known, or none.

        Cost of all paid hours over the tokens of all: idle hours make tokens dearer.
        """
        counted = all(hour.tokens is not None for hour in self.hours)
        return self.usd * _MILLION / self.tokens if counted and self.usd and self.tokens else None

    @property
    def busiest_usd_per_million(self) -> Decimal | None:
        """The same in its cheapest hour: what full use would come near to."""
        known = [
            hour.usd * _MILLION / hour.tokens for hour in self.hours if hour.usd and hour.tokens
        ]
        return min(known, default=None)

    def stopped_after(self, hours: int) -> tuple[PaidHour, ...]:
        """Hours that would not have been paid for, were it stopped after so many idle ones."""
        return tuple(hour for run in self.idle_runs for hour in run[hours:])


def endpoints_during(
    endpoints: Sequence[PaidEndpoint], start: datetime, end: datetime
) -> tuple[PaidEndpoint, ...]:
    """Those that were paid for in a stretch, with its hours alone."""
    found = (
        (one, tuple(hour for hour in one.hours if start <= hour.at < end)) for one in endpoints
    )
    return tuple(replace(one, hours=hours) for one, hours in found if hours)


def paid_hours(hours: Sequence[PaidHour]) -> Decimal:
    """Hours paid in some hours of the clock."""
    return sum((hour.paid for hour in hours), Decimal(0))


def cost_of(hours: Sequence[PaidHour]) -> Decimal | None:
    """What some hours cost; None: the price of some is not known."""
    known = [hour.usd for hour in hours if hour.usd is not None]
    return sum(known, Decimal(0)) if len(known) == len(hours) else None


def most_gpus(endpoints: Sequence[PaidEndpoint]) -> tuple[Decimal, datetime] | None:
    """Most GPUs held at once, and the first hour with so many; None: nobody says how many."""
    held: dict[datetime, Decimal] = {}
    for hour in (hour for endpoint in endpoints for hour in endpoint.hours):
        if hour.gpus is not None:
            held[hour.at] = held.get(hour.at, Decimal(0)) + hour.gpus
    at = max(sorted(held), key=lambda one: held[one], default=None)
    return None if at is None else (held[at], at)


def _whole(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _runs(hours: Sequence[PaidHour]) -> Iterator[tuple[PaidHour, ...]]:
    run: list[PaidHour] = []
    for hour in hours:
        follows = not run or hour.at - run[-1].at == HOUR
        if run and (hour.kind != "idle" or not follows):
            yield tuple(run)
            run = []
        if hour.kind == "idle":
            run.append(hour)
    if run:
        yield tuple(run)


_ZERO = Decimal(0)
KINDS: tuple[HourKind, ...] = ("used", "idle", "unwatched")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursTold:
    """One endpoint, or all; what is not known is None."""

    name: str
    endpoint: PaidEndpoint | None
    """None: all of them."""
    hours: dict[HourKind, Decimal]
    usd: dict[HourKind, Decimal] | None
    """Cost of its hours by kind; None: the cost of some is not known."""
    requests: int | None
    unpriced: int = 0
    """In the row for all: endpoints that its amounts leave out, as some hour has no known cost."""

    @property
    def paid(self) -> Decimal:
        """Hours that were paid for."""
        return sum(self.hours.values(), _ZERO)

    @property
    def whole(self) -> Decimal | None:
        """USD of all kinds of hours; endpoints of unknown cost are left out, see `unpriced`."""
        return None if self.usd is None else sum(self.usd.values(), _ZERO)


def owned_rows(endpoints: Sequence[PaidEndpoint]) -> tuple[HoursTold, ...]:
    """A row for each endpoint, in the order of `idlest`, then one for all; empty without any."""
    ordered = idlest(endpoints)
    columns = {
        kind: running_cents(
            [cost_of(one.of(kind)) or _ZERO for one in ordered if one.usd is not None]
        )
        for kind in KINDS
    }
    rows = [
        HoursTold(
            name=one.name,
            endpoint=one,
            hours={kind: paid_hours(one.of(kind)) for kind in KINDS},
            usd=None if one.usd is None else {kind: next(columns[kind]) for kind in KINDS},
            requests=one.requests,
        )
        for one in ordered
    ]
    return (*rows, _all(rows)) if rows else ()


def idlest(endpoints: Iterable[PaidEndpoint]) -> tuple[PaidEndpoint, ...]:
    """By what their idle hours cost, dearest first; those of which some cost is not known last."""
    return tuple(
        sorted(
            endpoints,
            key=lambda one: (one.usd is None, -(cost_of(one.of("idle")) or _ZERO), one.name),
        )
    )


def _all(rows: Sequence[HoursTold]) -> HoursTold:
    """The sum; of amounts and requests, of those that are known."""
    priced = [row.usd for row in rows if row.usd is not None]
    counted = [row.requests for row in rows if row.requests is not None]
    return HoursTold(
        name="all",
        endpoint=None,
        hours={kind: sum((row.hours[kind] for row in rows), _ZERO) for kind in KINDS},
        usd={kind: sum((each[kind] for each in priced), _ZERO) for kind in KINDS}
        if priced
        else None,
        requests=sum(counted) if counted else None,
        unpriced=len(rows) - len(priced),
    )
