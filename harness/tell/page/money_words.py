"""A swap's saving, the cost of its errors and the net saving, as figures that add up as printed.

Whole dollars where the net saving reaches 100 and they add up so, else cents. The net saving is
rounded as every other page rounds it, so that a title and the portfolio say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from harness.money.amounts import CENT, exact, to_unit
from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.record.money import BreakEven, Savings
from harness.record.parts import OptionRecord
from harness.tell.facts import (
    break_even_of,
    chosen_option,
    month_of,
    open_option,
    saving_if_swapped,
)
from harness.tell.words import about, add_up, adding_up, singular
from harness.wording import DASH, amount_text, usd
from reports.document import Reckoning

_WHOLE_FROM = Decimal(100)
_DOLLAR = Decimal(1)
_NOTHING = Decimal(0)
_MONTHS = 12
_MOST_PLACES = 2
_DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSaving:
    """A month's saving on the bill and the cost of `errors` at `each` USD, exact."""

    saved: Decimal
    errors: float
    each: Decimal
    unit: Decimal
    """What the figures of a sum are rounded to, so that they add up as printed."""

    @property
    def lost(self) -> Decimal:
        """What the errors cost."""
        return exact(self.errors) * self.each

    @property
    def net(self) -> Decimal:
        """What is left; negative where the errors cost more than is saved."""
        return self.saved - self.lost

    @property
    def in_sum(self) -> tuple[str, str, str]:
        """Saved, lost and left as a sum shows them: a reader who subtracts gets what is left."""
        saved, left = to_unit(self.saved, self.unit), to_unit(self.net, self.unit)
        return f"{saved:,f}", f"{saved - left:,f}", f"{left:,f}"

    @property
    def errors_text(self) -> str:
        """The errors in a sum: enough digits for its cost at the stated cost of one error."""
        cost = to_unit(self.saved, self.unit) - to_unit(self.net, self.unit)
        return self._errors_for(cost, self.unit / 2)

    @property
    def errors_alone(self) -> str:
        """The errors beside a cost of whole dollars, where that reaches 100."""
        unit = _DOLLAR if self.lost >= _WHOLE_FROM else CENT
        return self._errors_for(to_unit(self.lost, unit), unit / 2)

    def _errors_for(self, cost: Decimal, usd_off: Decimal) -> str:
        for places in range(_MOST_PLACES):
            shown = round(exact(self.errors), places)
            if abs(shown * self.each - cost) <= usd_off:
                return f"{shown:,.{places}f}"
        return f"{exact(self.errors):,.{_MOST_PLACES}f}"


def net_saving_of(
    record: DecisionRecord, option: OptionRecord, *, at_worst: bool = False
) -> NetSaving | None:
    """An option's net saving; None where the cost of an error is not stated."""
    each, even = record.feature.error_cost_usd, break_even_of(record, option)
    saved = saving_if_swapped(record, option)
    if each is None or even is None or saved is None:
        return None
    errors = even.more_errors_per_month_worst if at_worst else even.more_errors_per_month
    if errors is None:
        return None
    found = NetSaving(saved=saved, errors=max(errors, 0.0), each=each, unit=CENT)
    sums = [(saved, found.lost)]
    incumbent, proposed = month_of(record.current_cost), month_of(option.cost)
    if incumbent is not None and proposed is not None:
        sums.append((incumbent, proposed))
    whole = abs(found.net) >= _WHOLE_FROM and all(add_up(*one, unit=_DOLLAR) for one in sums)
    return replace(found, unit=_DOLLAR) if whole else found


def saves(record: DecisionRecord, saved: Savings) -> str:
    """`saves USD 2,174 a month net`, a loss at worst; on the bill without a stated error cost."""
    option = chosen_option(record)
    net = net_saving_of(record, option) if option is not None else None
    worst = net_saving_of(record, option, at_worst=True) if option is not None else None
    if net is None:
        return f"saves {usd(saved.after_discounts)} a month on the bill"
    lost = "" if worst is None or worst.net >= 0 else f"; at worst it {result(worst.net)}"
    return f"{result(net.net)} net of mistakes{lost}"


def result(net: Decimal) -> str:
    """`saves USD 2,174 a month` or `loses USD 5,061 a month`."""
    return f"{'loses' if net < 0 else 'saves'} {usd(abs(net))} a month"


def or_loss(amount: Decimal) -> str:
    """`USD 669`, or `a loss of USD 1,146`."""
    return usd(amount) if amount >= 0 else f"a loss of {usd(-amount)}"


def in_a_year(monthly: Decimal, once: Decimal = _NOTHING) -> str:
    """`USD 24,894 in twelve months, USD 1,200 for switching taken off`."""
    taken = f", {usd(once)} for switching taken off" if once else ""
    return f"{or_loss(_MONTHS * monthly - once)} in twelve months{taken}"


def switching(even: BreakEven | None) -> str:
    """`switching costs USD 365 for each month that the evidence lasts`; empty where it is free."""
    monthly = None if even is None else even.one_off_monthly
    if not monthly:
        return ""
    return f"switching costs {usd(monthly)} for each month that the evidence lasts"


def at_stake(record: DecisionRecord) -> str:
    """What an answer decides on a month: net of mistakes where one's cost is stated.

    Empty where it is not known.
    """
    option, needed = open_option(record), record.still_needed
    if Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        most = None if option is None else saving_if_swapped(record, option)
        return f"up to {usd(most)} a month on the bill" if most is not None and most > 0 else ""
    net = None if option is None else net_saving_of(record, option)
    if option is not None and net is not None:
        worst = net_saving_of(record, option, at_worst=True)
        tail = "" if worst is None else f" (at worst {or_loss(worst.net)})"
        return f"{or_loss(net.net)} a month once mistakes are paid for{tail}"
    if needed is None or needed.worth_monthly_usd is None:
        return _untested(record)
    return f"up to {usd(needed.worth_monthly_usd)} a month"


def _untested(record: DecisionRecord) -> str:
    """The most that the options could save which a spent eval set left untested."""
    most = [
        option.saving_at_most
        for option in record.options
        if Reason.EVALSET_SPENT in option.reason_codes and option.saving_at_most
    ]
    return f"up to {usd(max(most))} a month" if most else ""


def money(record: DecisionRecord, option: OptionRecord) -> list[Reckoning]:
    """An option's month as a sum that ends in one number, and what hangs on that number."""
    incumbent, proposed = month_of(record.current_cost), month_of(option.cost)
    if incumbent is None or proposed is None:
        return []
    name, net = option.target.option, net_saving_of(record, option)
    first, second, left = adding_up(incumbent, proposed)
    if net is None:
        lines = (("today's bill", first), (f"the bill with {name}", f"-{second}"))
        total = ("saved on the bill", left)
    else:
        today, then = (f"USD {to_unit(each, net.unit):,f}" for each in (incumbent, proposed))
        bill = f"saved on the bill: {today} today, {then} with {name}"
        shown, _, left = net.in_sum
        lines = ((bill, shown), _lost(record, option, net))
        total = ("left a month", left)
    chosen = name == record.chosen
    saved = record.savings if chosen else None
    return [
        Reckoning(
            caption=f"The money{'' if chosen else f' with {name}, as it was seen'}",
            unit="USD a month",
            lines=lines,
            total=total,
            after=(
                *_worst(record, option),
                *_pays(record, option),
                *_switching(saved, net),
            ),
        )
    ]


def _lost(record: DecisionRecord, option: OptionRecord, net: NetSaving) -> tuple[str, str]:
    unit = record.feature.unit
    if not net.errors:
        return f"no more wrong {unit}", "0"
    seen = ", as seen," if counted_as_seen(record, option) else ""
    _, lost, _ = net.in_sum
    return f"{net.errors_text} more wrong {unit}{seen} at {usd(net.each)} each", f"-{lost}"


def counted_as_seen(record: DecisionRecord, option: OptionRecord) -> bool:
    """Whether the record counts a month's mistakes by what was seen, as older ones do."""
    quality, even, traffic = option.quality, break_even_of(record, option), record.traffic
    if quality is None or even is None or traffic is None:
        return False
    return quality.counted_as_seen(even.more_errors_per_month, traffic.requests_per_month)


def _worst(record: DecisionRecord, option: OptionRecord) -> list[tuple[str, str]]:
    """What is left at worst; without a stated cost of a mistake, how many more there may be."""
    unit, worst = record.feature.unit, net_saving_of(record, option, at_worst=True)
    if worst is not None:
        label = f"left at worst, with {worst.errors_text} more wrong {unit}"
        return [(label, worst.in_sum[-1])]
    even = break_even_of(record, option)
    if even is None or even.more_errors_per_month is None:
        return []
    most = even.more_errors_per_month_worst
    tail = "" if most is None else f", at worst {about(most)}"
    seen = even.more_errors_per_month
    told = f"about {about(abs(seen))}" if seen else "none seen"
    return [(f"{'fewer' if seen < 0 else 'more'} wrong {unit} a month", f"{told}{tail}")]


def _pays(record: DecisionRecord, option: OptionRecord) -> list[tuple[str, str]]:
    """The cost of one more mistake above which it stops paying."""
    even = break_even_of(record, option)
    if even is None:
        return []
    one = (
        f"most that one more wrong {singular(record.feature.unit)} may cost before it stops paying"
    )
    if even.saving_after_discounts is not None and even.saving_after_discounts <= 0:
        return [(one, "nothing: it saves nothing")]
    if even.at_worst is None and even.at_estimate is None:
        return [(one, "any amount: it costs no quality")]
    if even.at_estimate is None:
        return [(one, f"USD {_amount(even.at_worst)} at worst")]
    return [(one, f"USD {_amount(even.at_estimate)}, at worst USD {_amount(even.at_worst)}")]


def _amount(amount: Decimal | None) -> str:
    return DASH if amount is None else amount_text(amount)


def sum_text(record: DecisionRecord, net: NetSaving) -> str:
    """`Saved on the bill USD 2,483; 343 more wrong invoices at USD 0.90 each -309; left ...`."""
    unit, (saved, cost, left) = record.feature.unit, net.in_sum
    lost = f"{net.errors_text} more wrong {unit} at {usd(net.each)} each -{cost}"
    if not net.errors:
        lost = f"no more wrong {unit}"
    return f"Saved on the bill USD {saved}; {lost}; left USD {left} a month"


def _switching(saved: Savings | None, net: NetSaving | None) -> list[tuple[str, str]]:
    """The one-off cost and what a year leaves after it; how the saving varies with the answers."""
    if saved is None:
        return []
    low, high = saved.after_discounts_lower, saved.after_discounts_upper
    found: list[tuple[str, str]] = []
    if saved.one_off_cost:
        back = (
            "never paid back"
            if saved.payback_months is None
            else f"paid back in {_term(saved.payback_months)}"
        )
        year = _MONTHS * (saved.after_discounts if net is None else net.net) - saved.one_off_cost
        once = f"{usd(saved.one_off_cost)} for switching taken off ({back})"
        found.append((f"left in twelve months, {once}", amount_text(year)))
    if low is not None and high is not None and amount_text(low) != amount_text(high):
        label = "saved on the bill, as the length of answers varies (95 of 100 draws)"
        found.append((label, f"{amount_text(low)} to {amount_text(high)}"))
    return found


def _term(months: float) -> str:
    """Days below two months."""
    days = round(months * _DAYS_PER_MONTH)
    if months < 2:  # noqa: PLR2004  # months
        return "a day" if days <= 1 else f"{days} days"
    return f"{months:.1f} months"


def too_little(record: DecisionRecord, option: OptionRecord) -> str:
    """Why an option's saving does not justify a change, in money and errors."""
    net, even = net_saving_of(record, option), break_even_of(record, option)
    saved = saving_if_swapped(record, option)
    if net is None:
        head = f"Saved on the bill {usd(saved)} a month"
    else:
        head = f"{sum_text(record, net)}{', a loss' if net.net < 0 else ''}"
    return f"{head}{_one_off(even)}. That is less than the least worth a change."


def _one_off(even: BreakEven | None) -> str:
    """The saving after the one-off cost, spread over the life of the evidence."""
    costs = switching(even)
    if not costs or even is None or even.net_of_one_off is None:
        return ""
    return f"; {costs}, which leaves {or_loss(even.net_of_one_off)}"


def error_costs(record: DecisionRecord, option: OptionRecord) -> str:
    """What an option's extra errors would cost against its saving; empty where not stated."""
    net = net_saving_of(record, option)
    if net is None or not net.errors:
        return ""
    return (
        f" Its {net.errors_alone} more wrong {record.feature.unit} a month, at {usd(net.each)} "
        f"each, would cost {usd(net.lost)}."
    )


def at_most_text(incumbent: Decimal | None, proposed: Decimal | None, most: Decimal | None) -> str:
    """How the bound of a saving follows from the option's cost at the incumbent's token counts."""
    if incumbent is None or proposed is None or most is None or most <= incumbent - proposed:
        return ""
    return (
        f" That is at today's token counts, {amount_text(incumbent)} less "
        f"{amount_text(proposed)}; at most {usd(most)}, if it took so few tokens that it cost "
        f"{amount_text(incumbent - most)}"
    )
