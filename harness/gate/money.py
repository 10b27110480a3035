"""What a change costs, before and after, at today's rates, and whether that is within policy."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from harness.gate.findings import Cause, Outcome, Priced, Violation
from harness.money.amounts import exact
from harness.record.lock import LockedModel
from harness.record.money import OptionCost
from harness.workspace.policy_file import GatePolicy, GateRule

_PERCENT = Decimal(100)


def priced(incumbent: OptionCost, option: OptionCost) -> Priced:
    """The costs of a record's incumbent and option, at the record's rates."""
    return Priced(
        before_request=incumbent.request_after_discounts,
        after_request=option.request_after_discounts,
        before_month=incumbent.monthly_after_discounts,
        after_month=option.monthly_after_discounts,
    )


def budget(
    feature: str, cost: Priced, evaluation: Decimal, rules: GatePolicy
) -> tuple[Violation, ...]:
    """The policy's cost limits that a change breaks; an unknown cost cannot pass."""
    found = [*_month(feature, cost, rules), *_request(feature, cost, rules)]
    if evaluation > rules.evaluation_usd:
        message = f"the evaluation cost USD {evaluation:.2f}, agreed are {rules.evaluation_usd}"
        found.append(_finding(feature, Cause.EVALUATION_COST, message))
    return tuple(found)


def _month(feature: str, cost: Priced, rules: GatePolicy) -> Iterator[Violation]:
    before, after = cost.before_month, cost.after_month
    if before is None or after is None:
        message = "what it costs a month is not known, so no budget can be checked"
        yield _finding(feature, Cause.COST_UNKNOWN, message, Outcome.CANNOT_TELL)
        return
    if _rises(before, after, rules.monthly_increase_percent):
        message = (
            f"USD {before:,.2f} -> {after:,.2f} a month, at most "
            f"{rules.monthly_increase_percent:g} % more is agreed"
        )
        yield _finding(feature, Cause.MONTHLY_COST, message)
    limit = rules.monthly_increase_usd
    if limit is not None and after - before > limit:
        message = f"USD {after - before:,.2f} a month more, at most {limit} is agreed"
        yield _finding(feature, Cause.MONTHLY_COST, message)


def _request(feature: str, cost: Priced, rules: GatePolicy) -> Iterator[Violation]:
    limit, before, after = rules.request_increase_percent, cost.before_request, cost.after_request
    if limit is None:
        return
    if before is None or after is None:
        message = "what a request costs is not known, so no budget can be checked"
        yield _finding(feature, Cause.COST_UNKNOWN, message, Outcome.CANNOT_TELL)
    elif _rises(before, after, limit):
        message = f"USD {before:.6f} -> {after:.6f} a request, at most {limit:g} % more is agreed"
        yield _finding(feature, Cause.REQUEST_COST, message)


def rates_rose(
    feature: str, locked: LockedModel, repriced: OptionCost, rules: GatePolicy
) -> Iterator[Violation]:
    """Warn where only the accepted model's price changed."""
    before, after = locked.monthly_usd, repriced.monthly_after_discounts
    if before is None or after is None or not _rises(before, after, rules.monthly_increase_percent):
        return
    message = f"prices rose since it was accepted: USD {before:,.2f} -> {after:,.2f} a month"
    yield _finding(feature, Cause.RATES_ROSE, message, Outcome.WARN)


def _rises(before: Decimal, after: Decimal, percent: float) -> bool:
    return after > before * (1 + exact(percent) / _PERCENT)


def _finding(feature: str, code: Cause, message: str, outcome: Outcome = Outcome.FAIL) -> Violation:
    return Violation(
        feature=feature, rule=GateRule.BUDGET, code=code, outcome=outcome, message=message
    )
