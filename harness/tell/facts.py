"""What a document reads off a record: the chosen option, the nearest failure, savings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from enum import Enum
from itertools import accumulate
from typing import Any

from harness.money.savings import QualityLoss, error_value
from harness.record.base import LONGEST_ID, Reason, Result, State
from harness.record.lifecycle import standing
from harness.record.model import DecisionRecord
from harness.record.money import BreakEven, Lever, OptionCost
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality, SliceResult
from harness.wording import amount_text
from reports.untrusted import clip

_LONGEST_TEXT = 400
_LONGEST_NAME = 90
_NAMES = ("name", "owner", "team", "product", "option", "model_id", "version", "unit", "provider")
_LONGEST = {**dict.fromkeys(_NAMES, _LONGEST_NAME), "id": LONGEST_ID}
"""An id is never clipped: it tells features apart and names their files."""
_MOST_ITEMS = 200
"""Longest list on a page; of a history the newest entries are kept."""
_COUNTED = frozenset({"losses", "gains", "changed_current", "changed_candidate"})
"""Lists that are never clipped, because a page prints their length."""
_UNPRINTED = frozenset({"outcomes", "measures", "where", "clusters"})
"""Texts of a record's proof: a page counts them at most, and prints none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A record that is safe to print, and the day on which it is read."""

    record: DecisionRecord
    today: date

    @property
    def expired(self) -> bool:
        """Whether the evidence is too old to decide on."""
        return standing(self.record, self.today) is State.EXPIRED

    @property
    def state(self) -> State:
        """The state on the day of reading."""
        return standing(self.record, self.today)

    @property
    def overdue(self) -> bool:
        """Whether the decision is still open after its due date."""
        return self.state is State.PROPOSED and self.today > self.record.decide_by


def read_facts(record: DecisionRecord, now: datetime) -> Facts:
    """Clean and clip every text of a record, so that it is safe to print."""
    plain = _cleaned(record.model_dump(mode="python"), "")
    return Facts(record=DecisionRecord.model_validate(plain), today=now.date())


def _cleaned(value: Any, key: str) -> Any:  # noqa: ANN401  # any value of a record
    if isinstance(value, Enum) or key in _UNPRINTED:
        return value
    if isinstance(value, str):
        return clip(value, _LONGEST.get(key, _LONGEST_TEXT))
    if isinstance(value, dict):
        return {name: _cleaned(item, name) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (tuple, list)):
        most = len(value) if key in _COUNTED else _MOST_ITEMS  # pyright: ignore[reportUnknownArgumentType]
        kept = value[-most:] if key == "history" else value[:most]  # pyright: ignore[reportUnknownVariableType]
        return tuple(_cleaned(item, key) for item in kept)  # pyright: ignore[reportUnknownVariableType]
    return value


def trials_missing(record: DecisionRecord) -> int | None:
    """Missing trials of all options, the incumbent's counted once; None where nothing ran."""
    ran = [option.missing for option in record.options if option.missing is not None]
    if not ran:
        return None
    return max(item.current for item in ran) + sum(item.candidate for item in ran)


def chosen_option(record: DecisionRecord) -> OptionRecord | None:
    """The option that the record proposes; None when it is a lever on the same model."""
    return next((o for o in record.options if o.target.option == record.chosen), None)


def cheapest_failed(record: DecisionRecord) -> OptionRecord | None:
    """The cheapest option that failed; else the cheapest with too little saving, or not passed."""
    failed = [o for o in record.options if o.result is Result.FAIL]
    saves = [o for o in record.options if Reason.SAVINGS_BELOW_MINIMUM in o.reason_codes]
    left = [o for o in record.options if o.result is not Result.PASS]
    return next(iter(failed or saves or left), None)


def open_option(record: DecisionRecord) -> OptionRecord | None:
    """The cheapest option that could still win."""
    return next((o for o in record.options if o.result is Result.UNDECIDED), None)


def shown_option(record: DecisionRecord) -> OptionRecord | None:
    """The option that is chosen or open; None where the cases can tell nothing of it."""
    if Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return None
    return chosen_option(record) or open_option(record)


def nearest_failed(record: DecisionRecord) -> OptionRecord | None:
    """The failed option whose quality came closest to the limit."""
    tried = [o for o in record.options if o.result is Result.FAIL and o.quality is not None]
    return max(tried, key=lambda o: o.quality.difference if o.quality else 0.0, default=None)


def weakest_slice(option: OptionRecord) -> SliceResult | None:
    """The slice with the lowest lower bound."""
    known = [s for s in option.slices if s.worst is not None and s.protect != "exploratory"]
    return min(known, key=lambda s: s.worst if s.worst is not None else 0.0, default=None)


def decided_by_slice(option: OptionRecord) -> SliceResult | None:
    """The slice that vetoed the option."""
    return next((s for s in option.slices if s.vetoes), None)


def right_counts(quality: Quality) -> tuple[int, int] | None:
    """Cases right under the (incumbent, candidate); None for graded scores."""
    both, incumbent, candidate = (
        quality.both_right,
        quality.only_current_right,
        quality.only_candidate_right,
    )
    if both is None or incumbent is None or candidate is None or quality.repeats != 1:
        return None
    return both + incumbent, both + candidate


def saving_if_swapped(record: DecisionRecord, option: OptionRecord) -> Decimal | None:
    """USD a month that an option would save, after discounts; None where a cost is unknown.

    Nothing while the capacity that today's model runs on is paid in any case.
    """
    if on_paid_capacity(record):
        return Decimal(0)
    incumbent, proposed = month_of(record.current_cost), month_of(option.cost)
    return None if incumbent is None or proposed is None else incumbent - proposed


def on_paid_capacity(record: DecisionRecord) -> bool:
    """Whether today's model runs on units that are paid whether they are used or not."""
    return any(Reason.CAPACITY_BOUGHT in option.reason_codes for option in record.options)


def month_of(cost: OptionCost) -> Decimal | None:
    """USD a month, after discounts where they are known: what every page shows."""
    return cost.monthly if cost.monthly_after_discounts is None else cost.monthly_after_discounts


def lever_saving(record: DecisionRecord, lever: Lever) -> Decimal:
    """USD a month that a lever on the incumbent saves after discounts; the record has list."""
    return lever.saving_monthly * _paid_share(record)


def lever_month(record: DecisionRecord, lever: Lever) -> Decimal:
    """USD a month of the incumbent with a lever, after discounts."""
    return lever.monthly * _paid_share(record)


def _paid_share(record: DecisionRecord) -> Decimal:
    rates = record.current_cost.rates
    return Decimal(1) if rates is None else 1 - rates.discount


def has_discount(record: DecisionRecord) -> bool:
    """Whether any cost of the record has a discount."""
    costs = (record.current_cost, *(option.cost for option in record.options))
    return any(cost.monthly_after_discounts not in {None, cost.monthly} for cost in costs)


def break_even_of(record: DecisionRecord, option: OptionRecord) -> BreakEven | None:
    """An option's break-even after discounts; older records have it at list price."""
    even, saving = option.error_break_even, saving_if_swapped(record, option)
    if even is None or even.saving_after_discounts is not None or saving is None:
        return even
    if option.quality is None or record.traffic is None:
        return even
    return error_value(
        saving,
        QualityLoss(estimate=-option.quality.difference, worst=-option.quality.worst),
        requests_per_month=record.traffic.requests_per_month,
        error_cost_usd=record.feature.error_cost_usd,
    )


def bridge_at_list(record: DecisionRecord) -> bool:
    """Whether the bridge rests on list prices although there is a discount, as in older records."""
    saved = record.savings
    return (
        saved is not None and saved.minimum_usd is None and saved.monthly != saved.after_discounts
    )


def reason_of(option: OptionRecord) -> Reason | None:
    """The first reason of an option."""
    return next(iter(option.reason_codes), None)


def axis_begins(start: Decimal, terms: Iterable[Decimal]) -> Decimal:
    """Where the axis of a waterfall begins: near its lowest level where all of them lie close.

    A change of less than half of the highest level would be a sliver beside two long bars.
    """
    levels = list(accumulate(terms, initial=start))
    low, high = min(levels), max(levels)
    span = high - low
    if not span or low <= span:
        return Decimal(0)
    step = Decimal(1).scaleb(span.adjusted() - 1)
    return (low - span / 4).quantize(step, rounding=ROUND_FLOOR) if step < low else Decimal(0)


def axis_words(begins: Decimal) -> str:
    """The unit, and where the axis begins if that is not at zero."""
    if not begins:
        return "USD a month"
    return f"USD a month; it begins at {amount_text(begins)}, not at 0"


def labelling(record: DecisionRecord) -> str:
    """That people's labels are not in a price of calls; empty where nobody labels new cases."""
    needed = record.still_needed
    asked = needed is not None and needed.cases and needed.cost_usd
    by_people = record.evidence.eval_set.targets == "human"
    return ", labelling not counted" if asked and by_people else ""
