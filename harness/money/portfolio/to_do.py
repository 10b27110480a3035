"""What somebody has to do about each feature on the day: what, by when, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from harness.money.amounts import cents
from harness.money.portfolio.overview import (
    IN_PRODUCTION,
    Counted,
    FeatureMoney,
    Overview,
    permitted,
)
from harness.record.base import Finding, State, Verdict
from harness.record.lifecycle import ends_on, standing
from harness.record.model import DecisionRecord

_LAPSED = {State.REJECTED, State.EXPIRED}
_ZERO = Decimal(0)


class Action(StrEnum):
    """What is to be done; the value is what people call it."""

    DECIDE = "decide on the switch"
    SWITCH = "put it into production"
    VERIFY = "check it against the bill"
    LEVER = "turn on batch or caching"
    COMPLETE = "get what is missing"
    UNBLOCK = "make it reviewable"
    AGAIN = "review again"
    SIGN = "sign the reason to stay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do about one feature."""

    feature: FeatureMoney
    action: Action
    usd: Decimal | None
    """USD a month that depends on it; None: nothing, or not known."""
    due: date | None
    """None: no day is set."""
    overdue: bool


def to_do(figures: Overview) -> tuple[Task, ...]:
    """Everything that is to be done, most money first, then what is due first.

    What is to be decided on or put into production adds up to the proposed saving, what is to be
    checked to the saving in production that no bill has verified, and the levers to theirs.
    """
    found = [task for one in figures.features for task in _tasks(one, figures.day)]
    total = figures.total
    for actions, usd in (
        ({Action.DECIDE, Action.SWITCH}, total.proposed),
        ({Action.VERIFY}, total.production - total.verified_forecast),
        ({Action.LEVER}, total.same_model),
    ):
        if sum((task.usd or _ZERO for task in found if task.action in actions), _ZERO) != usd:
            raise ValueError("what is to be done does not add up to its figure")
    return tuple(sorted(found, key=_order))


def _order(task: Task) -> tuple[Decimal, date, str, str]:
    due = task.due or date.max
    return (-(task.usd or _ZERO), due, task.feature.record.feature.id, task.action)


def _tasks(one: FeatureMoney, today: date) -> Iterator[Task]:
    action = _action(one)
    if action is not None:
        due, usd = _due(one, action), _worth(one, action, today)
        yield Task(feature=one, action=action, usd=usd, due=due, overdue=today > due)
    if one.counted is Counted.SAME_MODEL:
        yield Task(feature=one, action=Action.LEVER, usd=one.saving, due=None, overdue=False)


def _action(one: FeatureMoney) -> Action | None:
    """What the owner or the reviewer does next; None: nothing."""
    state, record = one.state, one.record
    if state is State.EXPIRED:
        return Action.AGAIN
    if state in {State.SUPERSEDED, State.REJECTED}:
        return None
    if record.verdict is Verdict.DOWNGRADE:
        return _of_downgrade(one)
    if record.verdict is Verdict.UNDECIDED:
        blocked = record.finding is Finding.UNAVAILABLE
        return Action.UNBLOCK if blocked else Action.COMPLETE
    return Action.SIGN if state in {State.PROPOSED, State.DEFERRED} else None


def _of_downgrade(one: FeatureMoney) -> Action | None:
    if one.state in IN_PRODUCTION:
        return Action.VERIFY if one.realised is None else None
    return Action.SWITCH if one.state is State.ACCEPTED else Action.DECIDE


def _due(one: FeatureMoney, action: Action) -> date:
    record = one.record
    if one.state is State.DEFERRED and record.history and record.history[-1].until is not None:
        return record.history[-1].until
    if action in {Action.SWITCH, Action.VERIFY, Action.AGAIN}:
        return ends_on(record)
    return record.decide_by


def _worth(one: FeatureMoney, action: Action, today: date) -> Decimal | None:
    if action in {Action.DECIDE, Action.SWITCH, Action.VERIFY}:
        return one.saving
    if action is Action.SIGN:
        return None
    worth = worth_of(one.record, today)
    return None if not worth else cents(worth)


def worth_of(record: DecisionRecord, today: date) -> Decimal | None:
    """The most that another verdict could save a month, after discounts; None: nothing or unknown.

    A downgrade counts where it was rejected, or where its evidence ended before it was in use.
    """
    if record.still_needed is not None and record.still_needed.worth_monthly_usd is not None:
        return record.still_needed.worth_monthly_usd
    if record.verdict is Verdict.DOWNGRADE:
        open_again = standing(record, today) in _LAPSED and record.state not in IN_PRODUCTION
        return record.savings.after_discounts if open_again and record.savings else None
    spend = record.current_cost.monthly_after_discounts
    if spend is None:
        return None
    return max(spend - min(_months(record), default=spend), _ZERO)


def _months(record: DecisionRecord) -> list[Decimal]:
    """The monthly cost of each option that is permitted and priced."""
    months = (o.cost.monthly_after_discounts for o in record.options if permitted(o))
    return [month for month in months if month is not None]
