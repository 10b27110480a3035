"""What the end of a batch's item means: the attempt that goes to the journal, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.replay.calls import Fault
from harness.replay.ending import answered, given_up
from harness.replay.journal import Ended
from harness.trials import Attempt

if TYPE_CHECKING:
    from decimal import Decimal

    from harness.trials import Trial
    from providers.answer import Answer

NO_RESULT = Fault(error="NoResultError", blame="transient")
"""The batch ended without a word about the item: whether it was billed is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One request of a batch: `trial` with what was set aside for it, and all who asked for it."""

    trial: Trial
    row: int
    number: int
    askers: list[Trial]
    started_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatch:
    """A batch whose results nobody has read yet; its items by fingerprint."""

    id: str | None
    """The vendor's; None: it was not taken."""
    items: dict[str, Item] = field(default_factory=dict[str, Item])

    @property
    def first(self) -> Trial:
        """Any trial of the batch: all have its endpoint and model."""
        return next(iter(self.items.values())).trial


def ended(item: Item, batch: str | None, end: Answer | Fault, cost_usd: Decimal | None) -> Ended:
    """The end of an item; a transient fault settles nothing, for the item will be asked again."""
    attempt = _attempt(item, batch, end, cost_usd)
    outcome = None
    if not isinstance(end, Fault):
        outcome = answered(item.trial, (attempt,), end)
    elif end.blame != "transient":
        outcome = given_up(item.trial, (attempt,), end)
    return Ended(row=item.row, attempt=attempt, outcome=outcome)


def of_whole_batch(fault: Fault) -> Fault:
    """A fault of a batch as a whole, as one of each of its items.

    What a server said no to was not run. Whoever may not ask at all need not ask live either; of
    anything else each item learns by itself, live.
    """
    refused = fault.status is not None or not fault.billable
    stays = fault.blame == "lane" and fault.error != "ModelNotFoundError"
    blame = fault.blame if stays else "transient"
    return replace(fault, billable=not refused, blame=blame)


def _attempt(
    item: Item, batch: str | None, end: Answer | Fault, cost_usd: Decimal | None
) -> Attempt:
    fault = end if isinstance(end, Fault) else None
    return Attempt(
        number=item.number,
        started_at=item.started_at,
        reserve_usd=item.trial.reserve_usd,
        cost_usd=cost_usd,
        usage=end.usage,
        total_s=None,
        first_token_s=None,
        inter_token_s=None,
        error=fault.error if fault else None,
        status=fault.status if fault else None,
        request_id=end.request_id if isinstance(end, Fault) else end.reply_id,
        served_model=None if isinstance(end, Fault) else end.served_model,
        batch=batch,
    )
