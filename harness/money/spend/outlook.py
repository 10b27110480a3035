"""What a month will have cost at its end: spent to date, and the days left at their weekdays' mean.

The band is how forecasts of as many days, made the same way on earlier days, turned out: their
tenth and ninetieth percentile. With fewer than ten of them there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from harness.money.amounts import cents
from harness.money.spend.timespan import Timespan

FEWEST_CHECKED = 10
"""Earlier forecasts that a band needs."""
_WEEKS = 4
_FEWEST_DAYS = 7
_DAY = timedelta(days=1)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A month's spend to date, in whole cents, and what the days left may add."""

    month: Timespan
    until: date
    """The first day that is not told yet."""
    to_date: Decimal
    rest: Decimal | None
    """None: there is too little to tell from, under a week."""
    band: tuple[Decimal, Decimal] | None = None
    """Of the whole month: in 8 of 10 earlier forecasts the truth lay within."""
    checked: int = 0
    """Earlier forecasts that the band rests on."""
    budget: Decimal | None = None

    @property
    def whole(self) -> Decimal | None:
        """The month at its end."""
        return None if self.rest is None else self.to_date + self.rest

    @property
    def over_budget(self) -> bool:
        """Whether the forecast, or what was spent already, is above the budget."""
        expected = self.to_date if self.whole is None else self.whole
        return self.budget is not None and expected > self.budget

    @property
    def spent_over(self) -> Decimal:
        """USD that were spent above the budget already; 0: none."""
        return _ZERO if self.budget is None else max(self.to_date - self.budget, _ZERO)


def outlook(
    month: Timespan,
    until: date,
    to_date: Decimal,
    daily: Mapping[date, Decimal],
    budget: Decimal | None = None,
) -> Outlook:
    """Forecast a month from what each day cost.

    Args:
        month: the month.
        until: the first day that is not told yet.
        to_date: what the month cost before that day, whole cents.
        daily: USD of every day that logs cover, a day without calls with 0; later ones count not.
        budget: of the month.
    """
    left = max((month.end - max(until, month.start)).days, 0)
    if not left:
        return Outlook(month=month, until=until, to_date=to_date, rest=_ZERO, budget=budget)
    days = {day: usd for day, usd in daily.items() if day < until}
    rest = _expected(days, until, left)
    if rest is None:
        return Outlook(month=month, until=until, to_date=to_date, rest=None, budget=budget)
    ratios = _earlier(days, until, left)
    band = None
    if len(ratios) >= FEWEST_CHECKED:
        low, high = (rest * _percentile(ratios, share) for share in (10, 90))
        band = (to_date + cents(min(low, rest)), to_date + cents(max(high, rest)))
    return Outlook(
        month=month,
        until=until,
        to_date=to_date,
        rest=cents(rest),
        band=band,
        checked=len(ratios),
        budget=budget,
    )


def _expected(days: Mapping[date, Decimal], start: date, left: int) -> Decimal | None:
    """The next days, each at its weekday's mean in four weeks; None: under a week is told."""
    recent = {day: usd for day, usd in days.items() if start - _WEEKS * 7 * _DAY <= day < start}
    if len(recent) < _FEWEST_DAYS:
        return None
    mean = sum(recent.values(), _ZERO) / len(recent)
    by_weekday = {
        weekday: sum(same, _ZERO) / len(same)
        for weekday in range(7)
        if (same := [usd for day, usd in recent.items() if day.weekday() == weekday])
    }
    ahead = (start + step * _DAY for step in range(left))
    return sum((by_weekday.get(day.weekday(), mean) for day in ahead), _ZERO)


def _earlier(days: Mapping[date, Decimal], until: date, left: int) -> list[Decimal]:
    """Truth over forecast of every earlier start with two weeks before it, lowest first."""
    found: list[Decimal] = []
    for day in days:
        start, end = day, day + left * _DAY
        if end > until or any(start - step * _DAY not in days for step in range(1, 15)):
            continue
        ahead = [days.get(start + step * _DAY) for step in range(left)]
        told = [usd for usd in ahead if usd is not None]
        known = {each: usd for each, usd in days.items() if each < start}
        expected = _expected(known, start, left)
        if len(told) == left and expected:
            found.append(sum(told, _ZERO) / expected)
    return sorted(found)


def _percentile(values: Sequence[Decimal], share: int) -> Decimal:
    """By linear interpolation between order statistics."""
    place = Decimal(share * (len(values) - 1)) / 100
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)
