"""Sums of money over groups of features, and a breakdown into them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Tag: TypeAlias = Literal["team", "product", "environment", "cost_center", "owner"]
UNTAGGED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Money of some features, USD a month after discounts, each with the features that it is of.

    What is not known adds nothing and is not among those that are counted: `spend_known` of
    `features` have a spend. `net` and `net_gross` are of the same features: those of the proposed
    ones that say what a mistake costs. `realised` and `verified_forecast` likewise.
    """

    features: int = 0
    spend: Decimal = Decimal(0)
    spend_known: int = 0
    proposed: Decimal = Decimal(0)
    proposed_on: int = 0
    production: Decimal = Decimal(0)
    production_on: int = 0
    verified_forecast: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    verified_on: int = 0
    same_model: Decimal = Decimal(0)
    """By batch or caching, where no other model is proposed or in use."""
    same_model_on: int = 0
    net: Decimal = Decimal(0)
    net_gross: Decimal = Decimal(0)
    net_on: int = 0
    saving_unknown: int = 0
    """Features of `proposed_on` and `production_on` whose saving is not known."""

    def __add__(self, other: Sums) -> Sums:
        """Field by field."""
        names = [one.name for one in fields(self)]
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


def total_of(parts: Iterable[Sums]) -> Sums:
    """The sum of all parts; of none, nothing."""
    return sum(parts, Sums())


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The features under one value of a tag; the value is empty for those that carry none."""

    value: str
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The same features by one tag, dearest group first."""

    tag: Tag
    groups: tuple[Group, ...]
