"""Page one's risk: what an error may cost, the weakest part, and how to go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.facts import break_even_of, weakest_slice
from harness.publish.money_words import dollars, left_of, money, pays
from harness.publish.words import about, count, points, sentence, singular, usd
from reports.document import Paragraph

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import BreakEven, OptionRecord
    from reports.document import Block


def errors(record: DecisionRecord, option: OptionRecord) -> list[Block]:
    """How many more errors, and the cost of one at which the swap stops paying."""
    even = break_even_of(record, option)
    if even is None:
        return money(record, option)
    chosen = money(record, option)
    net = "" if chosen else _net(record, option)
    runs = f"{_more_errors(record, even)} {pays(even, record.feature.unit)}{net}"
    return [*chosen, Paragraph(lead="What it may cost.", runs=(runs,))]


def _more_errors(record: DecisionRecord, even: BreakEven) -> str:
    unit = record.feature.unit
    estimate, worst = even.more_errors_per_month, even.more_errors_per_month_worst
    if worst is None:
        return f"How many more {unit} would go wrong a month is not known."
    tail = f"{about(worst)} at worst" if worst > 0 else "none even at worst"
    if estimate is None:
        return f"More wrong {unit} a month: {tail}."
    if estimate < 0:
        return f"About {about(-estimate)} fewer wrong {unit} a month; {about(worst)} more at worst."
    if estimate == 0:
        return f"By what was seen, not one more wrong {singular(unit)} a month; {tail}."
    return f"About {about(estimate)} more wrong {unit} a month, {tail}."


def _net(record: DecisionRecord, option: OptionRecord) -> str:
    """What would be left of an option that is not chosen yet."""
    cost = record.feature.error_cost_usd
    if cost is None:
        return ""
    text = f" You put it at {usd(cost)}"
    left, worst = left_of(record, option), left_of(record, option, at_worst=True)
    if left is None:
        return f"{text}."
    at_worst = "" if worst is None else f", at worst {dollars(worst.left)}"
    return f"{text}: net saving {dollars(left.left)} a month{at_worst}."


def weakest(record: DecisionRecord, option: OptionRecord) -> list[Block]:
    """The part of the cases where the largest drop could not be excluded."""
    part = weakest_slice(option)
    if part is None or part.worst is None or part.difference is None:
        return []
    all_cases = option.quality.n if option.quality is not None else 0
    whole = f" of {count(all_cases)}" if part.n <= all_cases else ""
    allowed = "" if part.margin is None else f" (limit {part.margin:g})"
    harm = "harm was shown" if part.vetoes else "no harm shown"
    could = (
        f"but a drop of up to {points(-part.worst, signed=False)} is possible{allowed}"
        if part.worst < 0
        else f"and no drop is possible{allowed}"
    )
    head = f"{part.key}: {part.value} ({count(part.n)}{whole} {record.feature.unit})"
    text = f"{head} is at {points(part.difference)} points; {harm}, {could}."
    return [Paragraph(lead="Weakest part.", runs=(text[:1].upper() + text[1:],))]


def if_wrong(record: DecisionRecord) -> list[Block]:
    """How to go back, and what, when seen, means doing it."""
    back = record.feature.rollback or (
        f"Set {record.feature.used_in} back to {record.current.option}"
        if record.feature.used_in
        else f"Set the model back to {record.current.option}; where production reads it is not "
        "recorded"
    )
    trigger = record.trigger or "none was agreed"
    text = f"{sentence(back)} Trigger: {trigger.rstrip('.')}."
    return [Paragraph(lead="If it goes wrong.", runs=(text,))]
