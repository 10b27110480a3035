"""The top of a showback's page: the whole in a few sentences, and the four large figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from harness.money.savings import DAYS_PER_MONTH
from harness.money.spend.bridge import SpendBridge
from harness.money.spend.lines import PeriodSpend, used
from harness.money.spend.outlook import Outlook
from harness.money.spend.showback import ShownBack, SpendDriver, SpendFigures
from harness.money.spend.timespan import midnight
from harness.tell.portfolio.owned_section import owned_words
from harness.tell.showback.phrases import (
    before_text,
    cause,
    cause_of,
    name_of,
    share_of,
    span_text,
)
from harness.wording import amount_text, plural, usd
from reports.document import Headline, Headlines

_HOUR = timedelta(hours=1)
_ZERO = Decimal(0)
_UNKNOWN = "not known"


def in_short(shown: ShownBack, figures: SpendFigures, drivers: Sequence[SpendDriver]) -> str:
    """The page in a few sentences."""
    now = figures.now
    owned = owned_words(shown.owned, figures.team)
    beside = f"; {owned}" if owned else ""
    if _spent(now) == _UNKNOWN:
        return f"What {plural(round(now.used.unknown_cost), 'call')} cost is not known{beside}."
    parts = [f"{usd(now.usd)} was spent{_against(figures)}{beside}."]
    parts += budget_words(figures.outlook)
    placed = [one for one in drivers if one.usd][:2]
    if placed:
        named = " and ".join(f"{name_of(one)} ({usd(one.usd)})" for one in placed)
        parts.append(f"Dearest: {named}.")
    bridge = figures.bridge
    if bridge is not None and bridge.shifts and bridge.now != bridge.before:
        same = (bridge.now - bridge.before) > 0
        found = [one for one in bridge.shifts if (one.change > 0) == same and one.change]
        if found:
            first = found[0]
            thing = first.feature or first.caller or "an unnamed caller"
            parts.append(
                f"The largest part of the change: {thing}, "
                f"USD {amount_text(first.change, signed=True)}, "
                f"mostly {cause_of(first)}."
            )
            parts.append(_by_cause(bridge))
    parts.append(_of_nobody(figures))
    return " ".join(parts)


def _of_nobody(figures: SpendFigures) -> str:
    """What belongs to no feature, as far as its cost is known."""
    nobody = sum((one.usd for one in figures.untagged), _ZERO)
    unknown = any(used(one.lines).unknown_cost for one in figures.untagged)
    if nobody:
        least = "At least " if unknown else ""
        return f"{least}{usd(nobody)} ({share_of(nobody, figures.now.usd)}) belongs to no feature."
    if unknown:
        return "What the calls of no feature cost is not known."
    return "Every dollar of calls belongs to a feature."


def budget_words(look: Outlook) -> Iterator[str]:
    """Whether the month's budget is spent already, or will be; nothing where it holds."""
    if look.budget is None or not look.over_budget:
        return
    month, budget = f"{look.month.start:%B}", usd(look.budget)
    if look.until >= look.month.end:
        yield f"{month} ended {usd(look.spent_over)} over its budget of {budget}."
    elif look.spent_over:
        ends = "" if look.whole is None else (
            f"; will end near {usd(look.whole - look.budget)} over it"
        )  # fmt: skip
        yield f"{month} is already over its budget of {budget} by {usd(look.spent_over)}{ends}."
    else:
        yield f"{month} is heading for {usd(look.whole)}, over its budget of {budget}."


def _by_cause(bridge: SpendBridge) -> str:
    """The two largest causes over everything, in the direction of the change."""
    whole = bridge.now - bridge.before
    same = [(usd_, factor) for factor, usd_ in bridge.terms.items() if usd_ * whole > 0]
    found = sorted(same, key=lambda one: -abs(one[0]))[:2]
    texts = [
        f"{cause(factor, usd_)} (USD {amount_text(usd_, signed=True)})" for usd_, factor in found
    ]
    return f"Over everything: {' and '.join(texts)}."


def _against(figures: SpendFigures) -> str:
    if figures.before is None or figures.change is None:
        return f"; no log covers {before_text(figures)}"
    if not figures.change:
        return f", as much as {before_text(figures)}"
    more = "more" if figures.change > 0 else "less"
    size = abs(figures.change)
    part = f" ({share_of(size, figures.before.usd)})" if figures.before.usd else ""
    return f", {usd(size)}{part} {more} than {before_text(figures)}"


def headlines(shown: ShownBack, figures: SpendFigures) -> Headlines:
    """The four large figures."""
    now = figures.now
    notes = [_vs_before(figures)]
    if figures.mean is not None:
        notes.append(f"{usd(figures.mean)} is the mean of the four {now.span.kind}s before")
    nobody = sum((one.usd for one in figures.untagged), _ZERO)
    known = nobody or not any(used(one.lines).unknown_cost for one in figures.untagged)
    share = f"{share_of(nobody, now.usd)} of the spend" if now.usd else "nothing was spent"
    return Headlines(
        caption=f"USD, {span_text(now.span, now.until)}",
        items=(
            Headline(label="spent", value=_spent(now), notes=tuple(notes)),
            Headline(
                label="belongs to no feature",
                value=usd(nobody) if known else _UNKNOWN,
                notes=(share if known else "its calls have no cost in the logs and no price",),
            ),
            _month(shown, figures),
            _could_save(figures),
        ),
    )


def _could_save(figures: SpendFigures) -> Headline:
    """The most that reviews of what was never reviewed could find."""
    label, left = "saving that reviews would find", figures.unreviewed
    cheaper = [one for one in left if one.saving_usd]
    if not left and figures.standing.features:
        return Headline(label=label, value="nothing open", notes=("every feature was reviewed",))
    if not cheaper:
        return Headline(
            label=label, value="not known", notes=("no cheaper model with a price is known",)
        )
    most = sum((one.saving_usd for one in left), _ZERO)
    pace = sum((one.monthly_usd for one in left), _ZERO)
    pace_words = f"this {figures.now.span.kind}'s pace (x {_times(figures.now)})"
    odd = any(one.feature for one in figures.unusual)
    return Headline(
        label=label,
        value=_UNKNOWN,
        notes=(
            (
                f"at most {usd(most)} of {usd(pace)} a month, on "
                f"{plural(len(cheaper), 'feature')} never reviewed"
            ),
            f"an upper limit, at {pace_words}, not a target",
            *(["unusual hours count at their usual cost"] if odd else []),
            "by the cheapest model's price: most features save less, some nothing",
        ),
    )


def _times(now: PeriodSpend) -> str:
    """How many such periods a month has: `4.35`."""
    days = Decimal(round((now.until - midnight(now.span.start)) / _HOUR)) / 24
    return f"{DAYS_PER_MONTH / days:,.2f}"


def _spent(now: PeriodSpend) -> str:
    """What was spent; of calls that all lack cost and price nobody knows."""
    return _UNKNOWN if not now.usd and now.used.unknown_cost else usd(now.usd)


def _vs_before(figures: SpendFigures) -> str:
    if figures.before is None:
        return f"no log covers {before_text(figures)}"
    return f"{usd(figures.before.usd)} in {before_text(figures)}"


def _month(shown: ShownBack, figures: SpendFigures) -> Headline:
    look = figures.outlook
    name = f"{look.month.start:%B %Y}"
    notes = [f"{usd(look.to_date)} spent before {look.until:%Y-%m-%d}"]
    if look.until >= look.month.end:
        notes = ["the month is over"]
    if look.band is not None:
        notes.append(f"{amount_text(look.band[0])} to {amount_text(look.band[1])} in 8 of 10 cases")
    if look.budget is not None:
        over = "over" if look.over_budget else "within"
        if look.spent_over and look.until < look.month.end:
            over = f"already {usd(look.spent_over)} over"
        notes.append(f"{over} the budget of {usd(look.budget)}")
    if not shown.month_covered:
        notes.append("no log covers its beginning")
    if look.whole is None:
        notes.append("too little to forecast from: under a week of logs")
    value = "not known" if look.whole is None else usd(look.whole)
    ahead = look.until < look.month.end
    return Headline(
        label=f"forecast for {name}" if ahead else name, value=value, notes=tuple(notes)
    )
