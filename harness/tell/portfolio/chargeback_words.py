"""Whether a team's numbers may be charged, in one sentence."""

from __future__ import annotations

from decimal import Decimal

from harness.money.spend.chargeback import Chargeable


def chargeback_words(found: Chargeable) -> str:
    """`showback only: 71 % allocated, 95 % needed; 8 % of the bill unexplained, 5 % allowed`."""
    short = "" if found.may_be_charged else "showback only: "
    head = short or "may be charged: "
    parts = [] if found.covered else ["no log covers some hours"]
    if found.allocated_told is None:
        parts.append("nothing was spent")
    else:
        parts.append(
            f"{_share(found.allocated_told)} allocated, {_share(found.allocated_needed)} needed"
        )
    if found.unexplained_told is None:
        parts.append("no bill was read (`rightsize verify --actual FILE`)")
    else:
        parts.append(
            f"{_share(found.unexplained_told)} of the bill unexplained, "
            f"{_share(found.unexplained_allowed)} allowed"
        )
    return head + "; ".join(parts)


def _share(share: Decimal) -> str:
    """`71 %`, `94.9 %`."""
    return f"{(share * 100).normalize():f} %"
