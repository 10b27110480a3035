"""Earlier forecasts against what was billed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.publish.words import usd
from harness.record.codes import State, Verdict
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from harness.record.model import DecisionRecord

_A_YEAR = timedelta(days=366)


def track_record(past: Sequence[DecisionRecord], today: date) -> str:
    """One sentence on last year's accepted downgrades, or nothing when there were none."""
    accepted = [
        record
        for record in past
        if record.verdict is Verdict.DOWNGRADE
        and today - record.generated_at.date() <= _A_YEAR
        and any(entry.state is State.ACCEPTED for entry in record.history)
    ]
    if not accepted:
        return ""
    kept = [record for record in accepted if record.state is not State.REJECTED]
    head = (
        f"Of {plural(len(accepted), 'accepted downgrade')} of the last year {len(kept)} "
        f"{'holds' if len(kept) == 1 else 'hold'}; {len(accepted) - len(kept)} went back."
    )
    billed = [
        (record.savings.after_discounts, record.savings.realised)
        for record in kept
        if record.savings is not None and record.savings.realised is not None
    ]
    if not billed:
        return f"{head} No saving has been verified against a bill yet."
    forecast = sum((pair[0] for pair in billed), start=Decimal(0))
    realised = sum((pair[1] for pair in billed), start=Decimal(0))
    return (
        f"{head} Verified on {plural(len(billed), 'feature')}: {usd(forecast)} a month forecast, "
        f"{usd(realised)} billed."
    )
