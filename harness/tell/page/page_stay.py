"""Page one of a reason to stay: savings without another model, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from harness.record.base import Reason
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality
from harness.tell.facts import break_even_of, lever_saving, nearest_failed, saving_if_swapped
from harness.tell.page.missing import cases_that_would_change
from harness.tell.page.money_words import error_costs
from harness.tell.words import LEVERS, REASONS, count, day, points, sentence, series
from harness.wording import usd
from reports.document import Block, Bullets, Paragraph

_WORTH_NAMING = Decimal(1)
"""USD a month; a smaller saving is only listed in the table."""


def levers(record: DecisionRecord) -> list[Block]:
    """What can be saved on the same model."""
    possible = [lever for lever in record.levers if lever.possible]
    named = [lever for lever in possible if lever_saving(record, lever) >= _WORTH_NAMING]
    if not named:
        text = (
            "None that saves a dollar a month."
            if possible
            else "None: neither batch nor caching applies here."
        )
        return [Paragraph(lead="Savings that need no other model.", runs=(text,))]
    items = tuple(
        f"{sentence(LEVERS.get(lever.kind, lever.kind))[:-1]}: saves "
        f"{usd(lever_saving(record, lever))} a month; {lever.needs.rstrip('.')}."
        for lever in named
    )
    one = " (one of them; they exclude each other)" if len(items) > 1 else ""
    lead = f"Savings that need no other model{one}."
    return [Bullets(lead=lead, items=items)]


def nearest(record: DecisionRecord, compared: OptionRecord) -> list[Paragraph]:
    """What staying costs against the option that came closest, where that is another."""
    near = nearest_failed(record)
    saving = None if near is None else saving_if_swapped(record, near)
    if near is None or near is compared or saving is None or saving <= 0:
        return []
    costs = error_costs(record, near).replace(" Its ", "; its ", 1).removesuffix(".")
    text = (
        f"Against {near.target.option}, the closest to passing, staying costs {usd(saving)} a "
        f"month on the bill{costs}."
    )
    return [Paragraph(lead="The closest.", runs=(text,))]


def would_change(record: DecisionRecord) -> list[Block]:
    """What would change the verdict: more cases first, then the cheapest."""
    items = changes(record)
    if record.exception is not None and sentence(record.exception.would_change) not in items:
        items.append(sentence(record.exception.would_change))
    return [Bullets(lead="What would change the decision, cheapest first.", items=tuple(items))]


def changes(record: DecisionRecord) -> list[str]:
    """Sentences on what would change the verdict, at least one: cases first, then the cheapest."""
    found = [text for _, text in sorted(_changes(record), key=lambda item: item[0])]
    return found or ["A new or cheaper model that may see this data."]


def _changes(record: DecisionRecord) -> list[tuple[int, str]]:
    found = [(-1, text) for text in cases_that_would_change(record)]
    for option in record.options:
        found += _of_one(record, option)
    near = nearest_failed(record)
    if near is not None and near.quality is not None and _would_help(record, near, near.quality):
        found.append(
            (1, f"A better prompt for {near.target.option}: {_short(near, near.quality)}.")
        )
    if Reason.CAPACITY_BOUGHT in record.reason_codes:
        text = "The end of the capacity's term, or another feature that uses what is freed."
        found.append((1, text))
    if Reason.NET_SAVING_BELOW_MINIMUM in record.reason_codes:
        found.append((2, _dearer_than_it_saves(record)))
    elif Reason.SAVINGS_BELOW_MINIMUM in record.reason_codes and record.traffic is not None:
        text = (
            f"More traffic than {count(record.traffic.requests_per_month)} requests a month, "
            "or a lower price."
        )
        found.append((2, text))
    if record.options:
        found.append((3, "A new or cheaper model that holds the same limit."))
    return found


def _of_one(record: DecisionRecord, option: OptionRecord) -> Iterator[tuple[int, str]]:
    """What would change an option that its answers do not speak against."""
    if Reason.DATA_NOT_PERMITTED in option.reason_codes:
        yield 0, f"Permission for {option.target.option} to see {record.feature.data} data."
    if Reason.LATENCY_SLO_MISSED in option.reason_codes:
        yield 1, f"Faster answers of {option.target.option}, or a longer promised time."


_HELD_BUT = {
    Reason.SLICE_REGRESSION: "it harms a part of them",
    Reason.GUARDRAIL_FAILED: "it fails a guardrail",
    Reason.DRIFT_BUDGET_SPENT: "all steps since the first model may have lost too much",
}
"""Why an option whose quality is shown to hold the limit failed, where another prompt may help."""
_BY_ANSWERS = {
    *_HELD_BUT,
    Reason.QUALITY_INFERIOR,
    Reason.UNLIKELY_TO_PASS,
    Reason.NET_SAVING_BELOW_MINIMUM,
}


def _short(near: OptionRecord, quality: Quality) -> str:
    """How far an option is from passing, which a better prompt would have to make up."""
    if Reason.NET_SAVING_BELOW_MINIMUM in near.reason_codes:
        return "it holds the limit, and its mistakes take too much of what it saves"
    gap = -quality.difference - quality.margin
    if gap > 0:
        return f"it is {points(gap, signed=False)} points short of the limit"
    why = [_HELD_BUT[reason] for reason in near.reason_codes if reason in _HELD_BUT]
    if quality.worst <= -quality.margin or not why:
        return "it is within the limit by what was seen, but not shown to be"
    return f"it holds the limit on all cases together, but {series(why)}"


def _would_help(record: DecisionRecord, near: OptionRecord, quality: Quality) -> bool:
    """Whether a loss is within twice the margin, where a better prompt may make up for it.

    Where mistakes take nothing of what is saved, or switching takes all of it, no prompt helps;
    nor where something else than its answers stands against it.
    """
    if not _BY_ANSWERS.issuperset(near.reason_codes):
        return False
    if Reason.NET_SAVING_BELOW_MINIMUM in near.reason_codes:
        even = break_even_of(record, near)
        if even is None or even.saving_after_discounts is None or not _by_mistakes(record, near):
            return False
        if even.saving_after_discounts <= (even.one_off_monthly or 0):
            return False
    return -quality.difference <= 2 * quality.margin


def _by_mistakes(record: DecisionRecord, option: OptionRecord) -> bool:
    """Whether further mistakes take a part of what an option saves."""
    even = break_even_of(record, option)
    if even is None or even.net_saving_estimate is None or even.saving_after_discounts is None:
        return False
    return even.net_saving_estimate < even.saving_after_discounts


def _by_switching(record: DecisionRecord, option: OptionRecord) -> bool:
    """Whether what switching costs takes a part of what an option saves.

    An option that was not asked has no known mistakes, so that only switching can.
    """
    even = break_even_of(record, option)
    if even is None:
        return option.quality is None
    return bool(even.one_off_monthly)


def _dearer_than_it_saves(record: DecisionRecord) -> str:
    """What would make an option pay that is good enough, and leaves too little."""
    left = [o for o in record.options if Reason.NET_SAVING_BELOW_MINIMUM in o.reason_codes]
    ways = ["a lower price"]
    switch = any(_by_switching(record, option) for option in left)
    if any(_by_mistakes(record, option) for option in left) or not switch:
        ways.append("mistakes that cost less")
    if switch:
        ways.append("a switch that costs less")
    return sentence(f"{', '.join(ways[:-1])}, or {ways[-1]}")


def exception(record: DecisionRecord) -> list[Block]:
    """Who signed the reason to stay, and until when."""
    signed = record.exception
    if signed is None:
        return []
    why = sentence(REASONS[signed.reason_code])[:-1]
    text = (
        f"{why} ({signed.reason_code.value}), signed by {signed.approver}, until "
        f"{day(signed.expires_at)}."
    )
    return [Paragraph(lead="Exception.", runs=(text,))]
