"""Realised saving: what was billed against what the old model would have cost.

Volume moves a bill as much as a model does, so the two are told apart. With O the old month at the
forecast's volume v, o = O / v its cost per request, and B the bill for u requests:

    B - O = (u - v) o  +  (B - u o)
            volume        model

The realised saving is minus the model's part. All USD a month, after discounts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.lifecycle import Actor, Move, move
from harness.record.codes import State
from harness.record.model import seal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from harness.record.model import DecisionRecord
    from harness.verify.bill import BilledRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """What the months of a bill say about one decision; USD are means per month."""

    feature: str
    months: tuple[str, ...]
    requests: Decimal
    forecast_requests: int
    billed: Decimal
    old_at_forecast_volume: Decimal
    volume_effect: Decimal
    """Positive: more requests than forecast made it dearer."""
    model_effect: Decimal
    """Negative: the change of the model made it cheaper."""
    forecast_saving: Decimal
    share_on_chosen: Decimal
    """Share of the requests that the chosen option answered."""

    @property
    def saving(self) -> Decimal:
        """USD a month that the change really saves at the real volume."""
        return -self.model_effect


def realised(record: DecisionRecord, bill: Sequence[BilledRow]) -> Realised:
    """Hold a downgrade's forecast against a bill.

    Only months in which the chosen option answered something count: before that, nothing was
    changed.

    Raises:
        UsageError: no downgrade, no traffic or price to compare with, or no such row in the bill.
    """
    feature, chosen = record.feature.id, record.chosen
    old, saved, traffic = record.current_cost, record.savings, record.traffic
    if chosen is None or saved is None:
        raise UsageError(f"{feature}: nothing was changed, so nothing can be realised")
    if old.monthly_after_discounts is None or traffic is None or not traffic.requests_per_month:
        raise UsageError(f"{feature}: the record has no monthly cost to compare a bill with")
    months = _months(record, bill)
    if not months:
        raise UsageError(f"{feature}: no month of the bill has requests of {chosen}")
    count = Decimal(len(months))
    rows = [row for month in months.values() for row in month]
    requests = sum((Decimal(row.requests) for row in rows), start=Decimal(0)) / count
    billed = sum((row.cost_usd for row in rows), start=Decimal(0)) / count
    on_chosen = sum((Decimal(row.requests) for row in rows if _is_chosen(record, row)), Decimal(0))
    before = old.monthly_after_discounts
    volume = before * (requests - traffic.requests_per_month) / traffic.requests_per_month
    return Realised(
        feature=feature,
        months=tuple(sorted(months)),
        requests=requests,
        forecast_requests=traffic.requests_per_month,
        billed=billed,
        old_at_forecast_volume=before,
        volume_effect=volume,
        model_effect=billed - before - volume,
        forecast_saving=saved.after_discounts,
        share_on_chosen=on_chosen / (requests * count),
    )


def _months(record: DecisionRecord, bill: Sequence[BilledRow]) -> dict[str, list[BilledRow]]:
    months: dict[str, list[BilledRow]] = defaultdict(list)
    for row in bill:
        if row.feature == record.feature.id:
            months[row.month].append(row)
    return {
        month: rows
        for month, rows in months.items()
        if any(row.requests and _is_chosen(record, row) for row in rows)
    }


def _is_chosen(record: DecisionRecord, row: BilledRow) -> bool:
    """A bill names the option, the model or the version that served it."""
    target = next((o.target for o in record.options if o.target.option == record.chosen), None)
    names = {record.chosen}
    if target is not None:
        names |= {target.model_id, target.version, *target.served_versions}
    return row.model in names


def verified(
    record: DecisionRecord, found: Realised, *, source: str, now: datetime
) -> DecisionRecord:
    """Write the realised saving into an implemented record; the finding stays as it is.

    Raises:
        UsageError: the record is in no state that a bill can verify.
    """
    if record.savings is None:
        raise UsageError(f"{record.feature.id}: the record proposes no saving")
    cents = found.saving.quantize(Decimal("0.01"))
    step = Move(
        to=State.VERIFIED,
        actor=Actor.BILL,
        by="rightsize verify",
        by_source="machine",
        at=now,
        reason=f"{source}: USD {cents:,} a month over {', '.join(found.months)}",
    )
    moved = move(record, step)
    savings = record.savings.model_copy(update={"realised": cents, "verified_at": now})
    return seal(moved.model_copy(update={"savings": savings}))
