"""Whether a team's numbers may be charged, in one sentence."""

from __future__ import annotations

from decimal import Decimal

from harness.money.spend.showback import Chargeable


def chargeback_words(found: Chargeable) -> str:
    """`may not be charged to teams yet: WHAT IS MISSING (WHAT IS ENOUGH)`."""
    parts = (_allocation(found), _bill(found))
    enough = [text for is_enough, text in parts if is_enough]
    if found.may_be_charged:
        return f"may be charged to teams: {', and '.join(enough)}"
    missing = [] if found.covered else ["no log covers some hours"]
    missing += [text for is_enough, text in parts if not is_enough]
    kept = f" ({', and '.join(enough)})" if enough else ""
    return f"may not be charged to teams yet: {'; '.join(missing)}{kept}"


def _allocation(found: Chargeable) -> tuple[bool, str]:
    told, needed = found.allocated_told, _share(found.allocated_needed)
    if told is None:
        return False, "nothing was spent"
    if found.is_allocated:
        return True, f"allocation, {_share(told)} of {needed} needed, is enough"
    return False, f"allocation, {_share(told)} of {needed} needed, is not enough"


def _bill(found: Chargeable) -> tuple[bool, str]:
    told, allowed = found.unexplained_told, _share(found.unexplained_allowed)
    if told is None:
        return False, "a bill compared is missing, `rightsize verify --actual FILE`"
    if found.is_reconciled:
        return True, f"of the bill {_share(told)} is unexplained, within {allowed} allowed"
    return False, f"of the bill {_share(told)} is unexplained, above {allowed} allowed"


def _share(share: Decimal) -> str:
    """`71 %`, `94.9 %`."""
    return f"{(share * 100).normalize():f} %"
