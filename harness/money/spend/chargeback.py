"""From showback to chargeback: what a team's numbers must reach before they may be charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from harness.money.amounts import exact
from harness.money.spend.lines import PeriodSpend
from harness.workspace.policy_file import ChargebackPolicy

_TENTH = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chargeable:
    """How far a team's numbers, or all of them, are from being charged; shares are in [0, 1]."""

    allocated: Decimal | None
    """Share of the spend that belongs to a feature; None: nothing was spent."""
    allocated_needed: Decimal
    unexplained: Decimal | None
    """Share of the bill that the estimate does not explain; None: no bill was read."""
    unexplained_allowed: Decimal
    covered: bool = True
    """Whether logs cover the period."""

    @property
    def is_allocated(self) -> bool:
        """Whether enough of the spend belongs to a feature."""
        return self.allocated is not None and self.allocated >= self.allocated_needed

    @property
    def is_reconciled(self) -> bool:
        """Whether enough of the bill is explained."""
        return self.unexplained is not None and self.unexplained <= self.unexplained_allowed

    @property
    def may_be_charged(self) -> bool:
        """Whether every threshold is reached."""
        return self.covered and self.is_allocated and self.is_reconciled

    @property
    def allocated_told(self) -> Decimal | None:
        """Rounded down to a tenth of a percent, so that what is short never looks enough."""
        found = self.allocated
        return None if found is None else found.quantize(_TENTH, ROUND_FLOOR)

    @property
    def unexplained_told(self) -> Decimal | None:
        """Rounded up likewise."""
        found = self.unexplained
        return None if found is None else found.quantize(_TENTH, ROUND_CEILING)


def chargeable(
    now: PeriodSpend,
    policy: ChargebackPolicy,
    *,
    billed: Decimal,
    unexplained: Decimal,
    covered: bool = True,
) -> Chargeable:
    """Hold a period's numbers against the thresholds.

    Args:
        now: the period of a team, or of all.
        policy: the thresholds.
        billed: USD of the bills that were read of its months; 0: none was.
        unexplained: USD of them that the estimate does not explain.
        covered: whether logs cover the period.
    """
    return Chargeable(
        allocated=now.share("feature"),
        allocated_needed=exact(policy.allocated_share),
        unexplained=unexplained / billed if billed > 0 else None,
        unexplained_allowed=exact(policy.unexplained_share),
        covered=covered,
    )
