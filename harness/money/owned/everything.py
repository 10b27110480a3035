"""Capacity of one's own over the whole portfolio: pools, what is bought, and what stands idle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from harness.money.owned.bought import BoughtCapacity
from harness.money.owned.paid import PaidEndpoint, cost_of, endpoints_during
from harness.money.owned.pooled import HostedPool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedCapacity:
    """What models of one's own cost and leave unused, over all features."""

    on: date
    pools: tuple[HostedPool, ...] = ()
    """Dearest first."""
    bought: tuple[BoughtCapacity, ...] = ()
    """What ends first comes first; what has ended is left out."""
    endpoints: tuple[PaidEndpoint, ...] | None = None
    """None: no metrics were given."""
    left_out: Mapping[str, str]
    """Why a feature is in no pool; those that no model of one's own serves are not listed."""

    def during(self, start: datetime, end: datetime) -> OwnedCapacity:
        """The same, with the endpoints' hours of a stretch alone."""
        if self.endpoints is None:
            return self
        return replace(self, endpoints=endpoints_during(self.endpoints, start, end))

    @property
    def idlest(self) -> tuple[PaidEndpoint, ...]:
        """Endpoints by what their idle hours cost, dearest first; unknown costs last."""
        return tuple(
            sorted(
                self.endpoints or (),
                key=lambda one: (-(cost_of(one.of("idle")) or Decimal(0)), one.name),
            )
        )

    @property
    def ending(self) -> tuple[BoughtCapacity, ...]:
        """What ends soon."""
        return tuple(one for one in self.bought if one.ends_soon(self.on))

    @property
    def unused_usd(self) -> Decimal:
        """USD a month of bought capacity that no hour needs, as far as it is known."""
        return sum((one.unused_usd or Decimal(0) for one in self.bought), Decimal(0))
