"""The interval of a monthly saving, by bootstrap over the cases of the evaluation.

The draws are seeded by the review, so a record's intervals can be reproduced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from harness.money.monthly import MonthlyCost
from harness.money.workload import UsagePair

if TYPE_CHECKING:
    from numpy.typing import NDArray


Generator: TypeAlias = np.random.Generator


def generator(seed: str) -> Generator:
    """A generator from a hex seed."""
    return np.random.default_rng(int(seed, 16))


Units: TypeAlias = tuple[tuple[int, ...], ...]
"""Tokens of each case, or of each cluster of them, in the order of the draws: of every model that
the option asks, its input and output and the incumbent's input and output."""

_REPLICATES = 2000
_FEWEST_UNITS = 2
_COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingInterval:
    """USD a month, two-sided at 95 %: at list price, and after discounts (`bill_`)."""

    lower: Decimal
    upper: Decimal
    bill_lower: Decimal
    bill_upper: Decimal
    replicates: int
    units: Units
    """What was drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShare:
    """One model of an option: its usage and the incumbent's per case, and its rates."""

    pairs: Sequence[UsagePair]
    cost: MonthlyCost


def saving_interval(
    parts: Sequence[ModelShare],
    incumbent: MonthlyCost,
    *,
    clusters: Sequence[str] | None = None,
    rng: np.random.Generator,
) -> SavingInterval | None:
    """Bootstrap the monthly saving over cases, or over whole clusters of them.

    What the evaluation estimates is how many tokens the option needs per token of the incumbent;
    volume, mix and prices are production's and fixed. So each replicate draws cases with
    replacement, adds up whole tokens, and prices the month with the two ratios it finds. The
    percentile interval is read off
    the sorted replicates (Efron and Tibshirani 1993, ch. 13). Counts are integers and prices
    decimals: no float is part of the money.

    Args:
        parts: the models that the option asks, on the same cases, drawn together; one, as a rule.
        incumbent: what the incumbent costs.
        clusters: the cluster of each pair; None: cases are independent.
        rng: source of the draws.

    Returns:
        None when there are fewer than two units to draw from.
    """
    tokens = np.hstack([np.array([_row(p) for p in part.pairs], dtype=np.int64) for part in parts])
    units = tokens if clusters is None else _unit_totals(tokens, clusters)
    drawn = tuple(tuple(int(total) for total in row) for row in units)
    return interval_of(drawn, [part.cost for part in parts], incumbent, rng=rng)


def interval_of(
    drawn: Units, costs: Sequence[MonthlyCost], incumbent: MonthlyCost, *, rng: np.random.Generator
) -> SavingInterval | None:
    """As `saving_interval`, from the tokens of each unit; `costs` are those of the models asked."""
    units = np.array(drawn, dtype=np.int64)
    if len(units) < _FEWEST_UNITS:
        return None
    even = np.full(len(units), 1 / len(units))
    draws = rng.multinomial(len(units), even, size=_REPLICATES) @ units
    whole = units.sum(axis=0)
    months = [
        [_month(_Totals.of(row[_COLUMNS * k :]), _Totals.of(whole[_COLUMNS * k :]), cost)
         for row in draws]
        for k, cost in enumerate(costs)
    ]  # fmt: skip
    found = [[month for month in each if month is not None] for each in zip(*months, strict=True)]
    full = [each for each in found if len(each) == len(costs)]
    kept = [1 - cost.rates.discount for cost in costs]
    listed = sorted(incumbent.monthly - sum(each, Decimal(0)) for each in full)
    billed = sorted(incumbent.monthly_after_discounts - _after(each, kept) for each in full)
    low = len(full) * 25 // 1000
    return SavingInterval(
        lower=listed[low],
        upper=listed[-1 - low],
        bill_lower=billed[low],
        bill_upper=billed[-1 - low],
        replicates=len(full),
        units=drawn,
    )


def _after(months: Sequence[Decimal], kept: Sequence[Decimal]) -> Decimal:
    """The sum of the parts' months after discounts."""
    paid = (month * share for month, share in zip(months, kept, strict=True))
    return sum(paid, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Totals:
    option_input: int
    option_output: int
    incumbent_input: int
    incumbent_output: int

    @classmethod
    def of(cls, row: NDArray[np.int64]) -> _Totals:
        first, second, third, fourth = (int(total) for total in row[:4])
        return cls(
            option_input=first,
            option_output=second,
            incumbent_input=third,
            incumbent_output=fourth,
        )


def _row(pair: UsagePair) -> tuple[int, int, int, int]:
    return (
        pair.option.input_tokens,
        pair.option.output_tokens,
        pair.incumbent.input_tokens,
        pair.incumbent.output_tokens,
    )


def _unit_totals(tokens: NDArray[np.int64], clusters: Sequence[str]) -> NDArray[np.int64]:
    """Add up the rows of each cluster; they are drawn together."""
    names, member = np.unique(np.array(clusters), return_inverse=True)
    totals = np.zeros((len(names), tokens.shape[1]), dtype=np.int64)
    np.add.at(totals, member, tokens)
    return totals


def _month(drawn: _Totals, whole: _Totals, option: MonthlyCost) -> Decimal | None:
    """USD a month of one replicate; None when it drew no token of the incumbent."""
    if not drawn.incumbent_input or not drawn.incumbent_output:
        return None
    workload = option.workload.scaled(
        _factor(
            drawn.option_input, drawn.incumbent_input, whole.option_input, whole.incumbent_input
        ),
        _factor(
            drawn.option_output, drawn.incumbent_output, whole.option_output, whole.incumbent_output
        ),
    )
    return workload.monthly(option.rates)


def _factor(option: int, incumbent: int, all_option: int, all_incumbent: int) -> Decimal:
    """The replicate's ratio over the ratio of all cases; 1 when the option used no token at all."""
    if not all_option:
        return Decimal(1)
    return Decimal(option * all_incumbent) / Decimal(incumbent * all_option)
