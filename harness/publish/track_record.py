"""Earlier forecasts against what was billed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.lifecycle import standing
from harness.publish.words import usd
from harness.record.codes import State, Verdict
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from harness.record.model import DecisionRecord

_A_YEAR = timedelta(days=366)
_NOT_STANDING = {State.REJECTED, State.EXPIRED, State.SUPERSEDED}


def track_record(past: Sequence[DecisionRecord], today: date) -> str:
    """One sentence on last year's accepted downgrades as they stand today; empty without any."""
    accepted = [
        record
        for record in past
        if record.verdict is Verdict.DOWNGRADE
        and today - record.generated_at.date() <= _A_YEAR
        and any(entry.state is State.ACCEPTED for entry in record.history)
    ]
    if not accepted:
        return ""
    back = [record for record in accepted if record.state is State.REJECTED]
    stand = [record for record in accepted if standing(record, today) not in _NOT_STANDING]
    ended = len(accepted) - len(back) - len(stand)
    head = (
        f"Of {plural(len(accepted), 'accepted downgrade')} of the last year {len(stand)} "
        f"{'holds' if len(stand) == 1 else 'hold'}; {len(back)} went back"
        f"{f'; {ended} ended with the evidence or a new decision' if ended else ''}."
    )
    return f"{head} {_billed(accepted)}"


def _billed(accepted: Sequence[DecisionRecord]) -> str:
    """Forecast and realised of the same decisions, whatever became of them since."""
    billed = [
        (record.savings.after_discounts, record.savings.realised)
        for record in accepted
        if record.savings is not None and record.savings.realised is not None
    ]
    if not billed:
        return "No saving has been verified against a bill yet."
    forecast = sum((pair[0] for pair in billed), start=Decimal(0))
    realised = sum((pair[1] for pair in billed), start=Decimal(0))
    return (
        f"Verified against a bill on {plural(len(billed), 'feature')}: {usd(realised)} a month "
        f"realised, {usd(forecast)} forecast."
    )
