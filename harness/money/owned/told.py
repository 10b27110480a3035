"""Endpoints as tables tell them: hours as they are, amounts in whole cents that add up.

Endpoints stand in a fixed order; each gets what the sum of the exact amounts, rounded to cents,
rises by. So every column of amounts adds up to its own exact sum, rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from harness.money.owned.paid import HourKind, PaidEndpoint, cost_of, paid_hours

_CENT = Decimal("0.01")
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

    @property
    def paid(self) -> Decimal:
        """Hours that were paid for."""
        return sum(self.hours.values(), _ZERO)

    @property
    def whole(self) -> Decimal | None:
        """What they cost."""
        return None if self.usd is None else sum(self.usd.values(), _ZERO)


def owned_rows(endpoints: Sequence[PaidEndpoint]) -> tuple[HoursTold, ...]:
    """The endpoints, dearest idle hours first, and all of them last; none of none."""
    ordered = sorted(endpoints, key=lambda one: (-(cost_of(one.of("idle")) or _ZERO), one.name))
    exact, told = dict.fromkeys(KINDS, _ZERO), dict.fromkeys(KINDS, _ZERO)
    rows: list[HoursTold] = []
    for one in ordered:
        amounts: dict[HourKind, Decimal] = {}
        for kind in KINDS if one.usd is not None else ():
            exact[kind] += cost_of(one.of(kind)) or _ZERO
            rounded = exact[kind].quantize(_CENT, ROUND_HALF_UP)
            amounts[kind], told[kind] = rounded - told[kind], rounded
        rows.append(
            HoursTold(
                name=one.name,
                endpoint=one,
                hours={kind: paid_hours(one.of(kind)) for kind in KINDS},
                usd=amounts or None,
                requests=one.requests,
            )
        )
    return (*rows, _all(rows)) if rows else ()


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
    )
