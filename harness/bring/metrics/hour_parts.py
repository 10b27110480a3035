"""What one source says of an endpoint's hour, and how several sources make one hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from harness.money.owned.paid import PaidHour

SOURCES = ("FOCUS", "OpenCost's table", "OpenCost's metrics", "price book")
"""Who says what an hour costs: the first that knows it counts, alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourPart:
    """What one source says of an hour; what it does not say is None."""

    endpoint: str
    at: datetime
    source: str
    paid: Decimal | None = None
    usd: Decimal | None = None
    gpus: Decimal | None = None
    requests: int | None = None
    tokens: int | None = None
    busy: Decimal | None = None
    counts: bool = False
    """Whether it counts requests: then one that it cannot tell is unknown."""
    tags: tuple[str, ...] = ()
    caller: str = ""
    model: str = ""
    environment: str = ""


def one_hour(at: datetime, parts: Sequence[HourPart]) -> PaidHour:
    """An hour of several sources: its cost from the first that knows it."""
    paying = _first_that(parts, "usd") or _first_that(parts, "paid")
    holding = _first_that(parts, "gpus")
    counting = [part for part in parts if part.counts]
    busy = [part.busy for part in parts if part.busy is not None]
    return PaidHour(
        at=at,
        paid=_sum([part.paid for part in paying]) or Decimal(1),
        usd=_sum([part.usd for part in paying]),
        gpus=_sum([part.gpus for part in holding]),
        requests=_count([part.requests for part in counting]),
        tokens=_count([part.tokens for part in counting]),
        busy=sum(busy, Decimal(0)) / len(busy) if busy else None,
    )


def by_endpoint(parts: Iterable[HourPart]) -> dict[str, dict[datetime, list[HourPart]]]:
    """Parts by endpoint and hour."""
    found: dict[str, dict[datetime, list[HourPart]]] = defaultdict(lambda: defaultdict(list))
    for part in parts:
        found[part.endpoint][part.at].append(part)
    return found


def _first_that(parts: Sequence[HourPart], name: str) -> list[HourPart]:
    """Of the first source that knows something, all that it says."""
    known = [part for part in parts if getattr(part, name) is not None]
    first = min((SOURCES.index(part.source) for part in known), default=None)
    return [part for part in known if first == SOURCES.index(part.source)]


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _count(counts: Sequence[int | None]) -> int | None:
    """A sum; unknown where any part of it is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None
