"""What an option saves a month: the most before any call, what was measured, what errors cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.money.amounts import exact, plain, rounded
from harness.money.cascade import CascadeCost
from harness.money.monthly import MonthlyCost
from harness.money.prices.rate_tables import Rates
from harness.money.workload import from_traffic
from harness.record.money import BreakEven, Savings, TrafficFacts
from harness.wording import percent
from harness.workspace.feature_file import Traffic

if TYPE_CHECKING:
    # It loads numpy, which no page needs.
    from harness.money.interval import SavingInterval


_USD_PLACES = 6
_POINTS = Decimal(100)
TOKENIZER_FLOOR = Decimal("0.7")
"""Tokenizers differ by about 30 % on one text, so a candidate may need only 0.7 of the input."""
VERBOSITY_FLOOR = Decimal("0.5")
"""An answer with the same content may be half as long, but hardly shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingBound:
    """The most that a candidate can save, USD a month after discounts, and the assumption."""

    monthly: Decimal
    assumption: str
    spent: Decimal
    """What the incumbent costs."""

    @property
    def least(self) -> Decimal:
        """What the candidate would cost at that saving."""
        return self.spent - self.monthly


def saving_upper_bound(
    traffic: Traffic | TrafficFacts,
    *,
    incumbent: Rates,
    candidate: Rates,
    same_model: bool = False,
    input_ratio: float = 1.0,
) -> SavingBound:
    """Bound a candidate's monthly saving by what is known before a call.

    The candidate's tokenizer and verbosity are unknown. It is given the benefit of the doubt: 0.7
    of the incumbent's input tokens and half of its output tokens, every cached token still
    cached. Another effort of the same model reads the same tokens, and may answer without any
    reasoning at all, so its output is not charged. Nothing saves more than is spent.

    Args:
        traffic: production's volume and the incumbent's token mix.
        incumbent: the incumbent's rates.
        candidate: the candidate's rates.
        same_model: it is the incumbent itself at another effort, or under another prompt.
        input_ratio: length of its questions under its own prompt, with the incumbent's as 1.
    """
    stated = from_traffic(traffic)
    spent = stated.monthly(incumbent) * (1 - incumbent.discount)
    input_floor = Decimal(1) if same_model else TOKENIZER_FLOOR
    output_floor = Decimal(0) if same_model else VERBOSITY_FLOOR
    least = stated.scaled(input_floor * exact(input_ratio), output_floor)
    saving = spent - least.monthly(candidate) * (1 - candidate.discount)
    read, wrote = percent(1 - input_floor), percent(1 - output_floor)
    fewer = f"it read {read} fewer tokens and wrote {wrote} fewer"
    assumption = f"even if {'it did not reason at all' if same_model else fewer}"
    return SavingBound(monthly=max(saving, Decimal(0)), assumption=assumption, spent=spent)


DAYS_PER_MONTH = Decimal("30.4375")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a saving must reach; None: not known, as in older records."""

    one_off_cost: Decimal
    one_off_monthly: Decimal | None
    """The one-off cost, spread."""
    minimum_usd: Decimal | None
    """Least a month that is worth a change."""


def spread(one_off_cost: Decimal, *, days: int) -> Decimal:
    """A one-off cost spread evenly over a number of days, USD a month."""
    return rounded(one_off_cost * DAYS_PER_MONTH / days, _USD_PLACES)


def savings(
    incumbent: MonthlyCost,
    option: MonthlyCost | CascadeCost,
    interval: SavingInterval | None,
    *,
    bar: Bar,
    even: BreakEven | None,
) -> Savings:
    """Write what an option saves a month into the record.

    `payback_months` is None when nothing is left.

    Args:
        incumbent: what is paid today.
        option: what would be paid.
        interval: how sure that is.
        bar: what it must reach.
        even: what the option's further errors do to it; None: no quality was measured.
    """
    monthly = incumbent.monthly - option.monthly
    bill = incumbent.monthly_after_discounts - option.monthly_after_discounts
    net = None if even is None else even.net_saving_estimate
    left = bill if net is None else net
    one_off = bar.one_off_monthly
    return Savings(
        monthly=plain(monthly),
        monthly_lower=None if interval is None else plain(interval.lower),
        monthly_upper=None if interval is None else plain(interval.upper),
        percentage=float(monthly / incumbent.monthly * 100) if incumbent.monthly else 0.0,
        after_discounts=plain(bill),
        one_off_cost=bar.one_off_cost,
        payback_months=float(bar.one_off_cost / left) if left > 0 else None,
        after_discounts_lower=None if interval is None else plain(interval.bill_lower),
        after_discounts_upper=None if interval is None else plain(interval.bill_upper),
        net_monthly=net,
        net_monthly_worst=None if even is None else even.net_saving_worst,
        one_off_monthly=one_off,
        net_of_one_off=None if one_off is None else rounded(left - one_off, _USD_PLACES),
        minimum_usd=bar.minimum_usd,
        units=None if interval is None else write_units(interval.units),
    )


def write_units(units: Sequence[Sequence[int]]) -> str:
    """The tokens that an interval was drawn from, as `Savings.units` says."""
    return " ".join("/".join(map(str, unit)) for unit in units)


def read_units(text: str) -> tuple[tuple[int, ...], ...]:
    """The inverse of `write_units`."""
    return tuple(tuple(map(int, unit.split("/"))) for unit in text.split(" "))


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLoss:
    """Points lost, positive when the option is worse: at the estimate and at the worst case."""

    estimate: float
    worst: float


def error_value(
    saving: Decimal,
    loss: QualityLoss,
    *,
    requests_per_month: int,
    error_cost_usd: Decimal | None,
    one_off_monthly: Decimal | None = None,
) -> BreakEven:
    """USD per additional error at which a swap stops paying: saving / additional errors.

    Better quality is not credited: a loss below zero counts as no additional error, and then no
    error cost makes the swap stop paying (None).

    Args:
        saving: USD a month on the bill, after discounts.
        loss: in points.
        requests_per_month: production's volume.
        error_cost_usd: what one more wrong answer costs; None: not stated, and no net saving.
        one_off_monthly: a one-off cost's part of a month; None: not known.
    """
    errors = _errors(loss.estimate, requests_per_month)
    errors_worst = _errors(loss.worst, requests_per_month)
    net = _net(saving, errors, error_cost_usd)
    kept = saving if net is None else net
    return BreakEven(
        at_estimate=_break_even(saving, errors),
        at_worst=_break_even(saving, errors_worst),
        more_errors_per_month=float(errors),
        more_errors_per_month_worst=float(errors_worst),
        net_saving_estimate=net,
        net_saving_worst=_net(saving, errors_worst, error_cost_usd),
        saving_after_discounts=plain(saving),
        net_of_one_off=None
        if one_off_monthly is None
        else rounded(kept - one_off_monthly, _USD_PLACES),
    )


def _errors(points: float, requests_per_month: int) -> Decimal:
    return max(exact(points) / _POINTS, Decimal(0)) * requests_per_month


def _break_even(saving: Decimal, errors: Decimal) -> Decimal | None:
    return rounded(saving / errors, _USD_PLACES) if errors else None


def _net(saving: Decimal, errors: Decimal, error_cost: Decimal | None) -> Decimal | None:
    return None if error_cost is None else rounded(saving - errors * error_cost, _USD_PLACES)
