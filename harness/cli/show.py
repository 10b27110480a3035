"""How money, time and counts read on a terminal."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from harness.wording import plural

if TYPE_CHECKING:
    from harness.replay.upkeep import FaultFacts

_WHOLE_FROM = Decimal(100)
_CENT = Decimal("0.01")
_HOUR = 60


def usd(amount: Decimal) -> str:
    """`USD 1,234` from a hundred up, `USD 12.34` below, `USD 0.0012` under a cent.

    >>> usd(Decimal("1234.5")), usd(Decimal("12.345")), usd(Decimal("0.00123")), usd(Decimal(0))
    ('USD 1,235', 'USD 12.35', 'USD 0.0012', 'USD 0')
    >>> usd(Decimal("0.0000507"))
    'USD 0.000051'
    """
    if amount == 0:
        return "USD 0"
    size = abs(amount)
    places = 0 if size >= _WHOLE_FROM else 2 if size >= _CENT else max(4, 1 - size.adjusted())
    return f"USD {amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):,f}"


def duration(hours: float) -> str:
    """`1 h 50`, `12 min`, `under a minute`.

    >>> duration(1.84), duration(0.2), duration(0.001)
    ('1 h 50', '12 min', 'under a minute')
    """
    minutes = round(hours * 60)
    if minutes < 1:
        return "under a minute"
    return f"{minutes} min" if minutes < _HOUR else f"{minutes // _HOUR} h {minutes % _HOUR:02d}"


def fault_line(fault: FaultFacts) -> str:
    """`gpt-5: 36 trials got no answer: AuthRejectedError, status 401`."""
    status = "" if fault.status is None else f", status {fault.status}"
    return f"{fault.model}: {plural(fault.trials, 'trial')} got no answer: {fault.error}{status}"
