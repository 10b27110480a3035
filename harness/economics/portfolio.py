"""Money over all features: what is spent, by whom, and what can be saved without counting twice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.economics.levers import best_without_test
from harness.record.codes import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record.model import DecisionRecord

Tag: TypeAlias = Literal["team", "product", "environment", "cost_center", "owner"]
UNTAGGED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A feature that spends, with who answers for it. USD a month at list price."""

    feature: str
    owner: str
    model: str
    monthly: Decimal
    share: Decimal
    """Of all known spend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSpend:
    """Spend under one value of a tag; the value is empty for what carries none."""

    value: str
    features: int
    monthly: Decimal
    saving: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What evaluating cost, and what it brings, USD.

    `payback_months` is None when nothing is saved.
    """

    spent: Decimal
    saving_monthly: Decimal
    payback_months: float | None


def drivers(records: Sequence[DecisionRecord], *, most: int = 10) -> tuple[Driver, ...]:
    """The features that spend most today; those of unknown spend are not among them."""
    total = known_spend(records)
    found = [
        Driver(
            feature=record.feature.id,
            owner=record.feature.owner,
            model=record.current.option,
            monthly=record.current_cost.monthly,
            share=record.current_cost.monthly / total if total else Decimal(0),
        )
        for record in records
        if record.current_cost.monthly is not None
    ]
    return tuple(sorted(found, key=lambda one: (-one.monthly, one.feature))[:most])


def known_spend(records: Sequence[DecisionRecord]) -> Decimal:
    """USD a month at list price of all features whose spend is known."""
    known = (record.current_cost.monthly for record in records)
    return sum((usd for usd in known if usd is not None), Decimal(0))


def spend_by(records: Sequence[DecisionRecord], tag: Tag) -> tuple[TagSpend, ...]:
    """Known spend and saving under each value of a tag, dearest first; untagged under none."""
    groups: dict[str, list[DecisionRecord]] = {}
    for record in records:
        groups.setdefault((getattr(record.feature, tag) or UNTAGGED).strip(), []).append(record)
    found = [
        TagSpend(
            value=value,
            features=len(group),
            monthly=known_spend(group),
            saving=sum((saving(record) for record in group), Decimal(0)),
        )
        for value, group in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.monthly, one.value)))


def untagged(records: Sequence[DecisionRecord], tag: Tag) -> TagSpend | None:
    """Spend that nobody can be asked about; None when every feature carries the tag."""
    return next((one for one in spend_by(records, tag) if one.value == UNTAGGED), None)


def saving(record: DecisionRecord) -> Decimal:
    """USD a month that one feature can save: one thing only, as its levers exclude each other.

    The chosen option's saving after discounts; else, unless a model is still to be decided on, the
    best lever that is possible and needs no quality test.
    """
    if record.savings is not None:
        return record.savings.after_discounts
    if record.verdict is Verdict.UNDECIDED:
        return Decimal(0)
    return lever_saving(record)


def lever_saving(record: DecisionRecord) -> Decimal:
    """USD a month, after discounts, of the best lever without a quality test; 0 without one."""
    best = best_without_test(record.levers)
    if best is None:
        return Decimal(0)
    rates = record.current_cost.rates
    return best.saving_monthly * (1 - rates.discount) if rates else best.saving_monthly


def evaluation_return(records: Sequence[DecisionRecord]) -> Return:
    """What the evaluation cost, judges included, against what its downgrades save."""
    spent = sum((record.evidence.spend.total_usd for record in records), Decimal(0))
    swaps = (record.savings for record in records if record.verdict is Verdict.DOWNGRADE)
    saved = sum((one.after_discounts for one in swaps if one is not None), Decimal(0))
    return Return(
        spent=spent,
        saving_monthly=saved,
        payback_months=float(spent / saved) if saved > 0 else None,
    )


def growing(monthly: Decimal, *, per_month: Decimal, months: int) -> Decimal:
    """USD over the next months when volume grows by a share each month, the first one not yet.

    >>> growing(Decimal(100), per_month=Decimal("0.1"), months=3)
    Decimal('331.00')
    """
    return sum((monthly * (1 + per_month) ** month for month in range(months)), Decimal(0))
