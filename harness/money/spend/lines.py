"""What was spent in a period, line by line, and every breakdown of it.

A line is what one feature used by one model, caller, environment and cohort. Its amount is whole
cents: lines stand in a fixed order (team, feature, ...), their exact amounts are added up, and each
line gets what the sum rounded to cents rises by. So any breakdown adds up to the headline, and any
run of lines in that order is at most a cent off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from harness.money.amounts import cents, running_cents
from harness.money.spend.timespan import Timespan

By: TypeAlias = Literal[
    "team", "feature", "product", "environment", "cohort", "caller", "model", "owner"
]
"""What spend is broken down by; `cohort` is the tenant whose requests are counted apart."""
KEYS: tuple[By, ...] = (
    *("team", "feature", "product", "environment", "model", "caller", "cohort", "owner"),
)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """Counts of calls and tokens.

    `requests`, `retries` and `duplicates` count calls for an answer; each call is in one of them.
    The counts named in `MAY_BE_UNREPORTED` are None where no log reports them. Sums of them leave
    out the lines that report nothing.
    """

    requests: Decimal = _ZERO
    retries: Decimal | None = _ZERO
    """Calls after a failed one of the same request, within a minute."""
    duplicates: Decimal | None = _ZERO
    """Calls that repeat an answered one within a minute."""
    failed: Decimal | None = _ZERO
    failure_untold: Decimal = _ZERO
    """Calls of which nobody tells whether they failed."""
    other_calls: Decimal = _ZERO
    """Embeddings and other operations: in the spend, no requests."""
    gateway_hits: Decimal = _ZERO
    """Answered by the gateway's own cache: nothing is paid."""
    cache_reads: Decimal | None = _ZERO
    """Calls that read anything from the vendor's prompt cache."""
    unmetered: Decimal = _ZERO
    """Calls whose tokens the log does not tell."""
    unknown_cost: Decimal = _ZERO
    """Calls without a cost in the log and without a price: their spend is missing."""
    input: Decimal = _ZERO
    """Tokens, with those read from and written to a cache, as `output` is with thoughts."""
    cached: Decimal | None = _ZERO
    written: Decimal | None = _ZERO
    output: Decimal = _ZERO
    reasoning: Decimal | None = _ZERO

    def __add__(self, other: Consumed) -> Consumed:
        """Field by field."""
        return _together((self, other))

    @property
    def calls(self) -> Decimal:
        """Paid calls: requests, retries, duplicates and other operations.

        Logs that cannot tell a retry from a request have counted it as a request.
        """
        again = (self.retries or _ZERO) + (self.duplicates or _ZERO)
        return self.requests + again + self.other_calls


COUNTS = tuple(each.name for each in fields(Consumed))
MAY_BE_UNREPORTED = (
    *("failed", "retries", "duplicates", "cached", "written", "cache_reads", "reasoning"),
)
"""Counts that many logs have no field for."""


def _together(each: Sequence[Consumed]) -> Consumed:
    sums: dict[str, Any] = {}
    for name in COUNTS:
        told = [value for one in each if (value := getattr(one, name)) is not None]
        sums[name] = sum(told, _ZERO) if told or not each else None
    return Consumed(**sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlay:
    """One line; an empty name: nothing says whose or what it is."""

    team: str = ""
    feature: str = ""
    product: str = ""
    environment: str = ""
    model: str = ""
    caller: str = ""
    cohort: str = ""
    owner: str = ""
    usd: Decimal
    """As logged, else at list prices of the day."""
    from_prices_usd: Decimal = _ZERO
    """The part of it that the log told no cost of."""
    at_list_usd: Decimal = _ZERO
    """What the calls of known tokens and price would cost at list prices of the day."""
    used: Consumed

    def key(self) -> tuple[str, ...]:
        """Its names, in the order of the lines."""
        return tuple(getattr(self, name) for name in KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some lines under one value of a tag."""

    name: str
    usd: Decimal
    used: Consumed
    at_list_usd: Decimal
    lines: tuple[Outlay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSpend:
    """A period's lines in whole cents; `until` is where its logs end, if before its end."""

    span: Timespan
    until: datetime
    lines: tuple[Outlay, ...]
    unreported: frozenset[str] = frozenset()
    """Counts that no log of any period reports, so that they are unknown and not zero."""

    def __post_init__(self) -> None:
        """Refuse an amount that is not whole cents, and a line that stands twice."""
        if any(one.usd != cents(one.usd) for one in self.lines):
            raise ValueError("a line's amount is whole cents")
        if len({one.key() for one in self.lines}) != len(self.lines):
            raise ValueError("a line stands twice")

    @property
    def nowhere(self) -> frozenset[str]:
        """Counts that are unknown in this period, as none of its logs reports them."""
        return self.unreported | {n for n in MAY_BE_UNREPORTED if self.lines and not self._told(n)}

    @property
    def in_part(self) -> frozenset[str]:
        """Counts that are known for some lines of this period and unknown for others."""
        some = {n for n in MAY_BE_UNREPORTED if 0 < self._told(n) < len(self.lines)}
        return frozenset(some - self.unreported)

    def _told(self, count: str) -> int:
        return sum(getattr(one.used, count) is not None for one in self.lines)

    @property
    def usd(self) -> Decimal:
        """The headline."""
        return total(self.lines)

    @property
    def used(self) -> Consumed:
        """By all lines."""
        return used(self.lines)

    def by(self, key: By) -> tuple[Group, ...]:
        """All lines by one tag, dearest first; they add up to the headline."""
        return grouped(self.lines, key)

    def share(self, key: By) -> Decimal | None:
        """Share of the spend that has a name of this kind; None: nothing was spent."""
        if not self.usd:
            return None
        return total(one for one in self.lines if getattr(one, key)) / self.usd

    def of(self, key: By, value: str) -> PeriodSpend:
        """Those lines alone that have one value."""
        kept = tuple(one for one in self.lines if getattr(one, key) == value)
        return replace(self, lines=kept)


def total(lines: Iterable[Outlay]) -> Decimal:
    """USD of some lines."""
    return sum((one.usd for one in lines), _ZERO)


def used(lines: Iterable[Outlay]) -> Consumed:
    """What some lines used together."""
    return _together([one.used for one in lines])


def grouped(lines: Iterable[Outlay], key: By) -> tuple[Group, ...]:
    """Lines by one tag, dearest first."""
    found: dict[str, list[Outlay]] = {}
    for one in lines:
        found.setdefault(getattr(one, key), []).append(one)
    groups = [
        Group(
            name=name,
            usd=total(each),
            used=used(each),
            at_list_usd=sum((one.at_list_usd for one in each), _ZERO),
            lines=tuple(each),
        )
        for name, each in found.items()
    ]
    return tuple(sorted(groups, key=lambda one: (-one.usd, one.name)))


def in_cents(lines: Iterable[Outlay]) -> tuple[Outlay, ...]:
    """Lines of exact amounts to lines of whole cents; equal names become one line."""
    merged: dict[tuple[str, ...], Outlay] = {}
    for one in lines:
        known = merged.get(one.key())
        merged[one.key()] = one if known is None else _plus(known, one)
    ordered = [merged[key] for key in sorted(merged)]
    columns = (
        running_cents(one.usd for one in ordered),
        running_cents(one.from_prices_usd for one in ordered),
        running_cents(one.at_list_usd for one in ordered),
    )
    return tuple(
        replace(one, usd=usd, from_prices_usd=from_prices, at_list_usd=at_list)
        for one, usd, from_prices, at_list in zip(ordered, *columns, strict=True)
    )


def _plus(one: Outlay, other: Outlay) -> Outlay:
    return replace(
        one,
        usd=one.usd + other.usd,
        from_prices_usd=one.from_prices_usd + other.from_prices_usd,
        at_list_usd=one.at_list_usd + other.at_list_usd,
        used=one.used + other.used,
    )


def shares(groups: Sequence[Group], whole: Decimal) -> Mapping[str, Decimal]:
    """Each group's share of the whole; empty where nothing was spent."""
    return {one.name: one.usd / whole for one in groups} if whole else {}
