"""Page one's summary ("In short.") and its three large figures: money, mistakes, time."""

from __future__ import annotations

import re
from decimal import Decimal

from harness.record.base import Reason, Result, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality
from harness.tell.facts import (
    break_even_of,
    cheapest_failed,
    chosen_option,
    labelling,
    open_option,
    reason_of,
    saving_if_swapped,
)
from harness.tell.page.money_words import (
    NetSaving,
    at_stake,
    counted_as_seen,
    in_a_year,
    net_saving_of,
    or_loss,
    switching,
)
from harness.tell.page.page_tables import promised_time
from harness.tell.page.ways_on import way_on
from harness.tell.words import (
    Harm,
    allowed,
    count,
    harm,
    of_option,
    points,
    seconds,
)
from harness.wording import plural, usd
from reports.document import Headline, Headlines, Summary

CAPTION = "The decision in figures"
_MOST = 3


def headlines(record: DecisionRecord) -> list[Headlines]:
    """Money, mistakes and time of the option that the page is about; empty where none is known."""
    option = _about(record)
    if option is None:
        return []
    items = [*_money(record, option), *_mistakes(record, option), *_time(record, option)]
    return [Headlines(caption=CAPTION, items=tuple(items[:_MOST]))] if items else []


def _about(record: DecisionRecord) -> OptionRecord | None:
    if Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return None
    match record.verdict:
        case Verdict.DOWNGRADE:
            return chosen_option(record)
        case Verdict.JUSTIFY:
            return cheapest_failed(record)
        case Verdict.UNDECIDED:
            return open_option(record)


def _money(record: DecisionRecord, option: OptionRecord) -> list[Headline]:
    if record.verdict is Verdict.UNDECIDED:
        return _offer(record)
    saving = saving_if_swapped(record, option)
    if saving is None:
        return []
    if record.verdict is Verdict.JUSTIFY:
        return [_forgone(record, option, saving)] if saving > 0 else []
    net, saved = net_saving_of(record, option), record.savings
    once = Decimal(0) if saved is None else saved.one_off_cost
    if net is None:
        label, notes = "saved a month on the bill", (in_a_year(saving, once),)
        return [Headline(label=label, value=usd(saving), notes=notes)]
    return [
        Headline(
            label="saved a month, mistakes paid for",
            value=usd(net.net),
            notes=(in_a_year(net.net, once), *_at_worst(record, option)),
        )
    ]


def _forgone(record: DecisionRecord, option: OptionRecord, saving: Decimal) -> Headline:
    how = "failed" if option.result is Result.FAIL else "was left"
    against = f"against {option.target.option}, the cheapest that {how}"
    net, once = net_saving_of(record, option), switching(break_even_of(record, option))
    notes = (against, *([once] if once else []))
    if net is None or not net.errors:
        label = "staying costs a month, on the bill"
        return Headline(label=label, value=usd(saving), notes=(in_a_year(saving), *notes))
    on_bill, lost, _ = net.in_sum
    return Headline(
        label=f"staying {'costs' if net.net >= 0 else 'saves'} a month, mistakes counted",
        value=usd(abs(net.net)),
        notes=(
            f"on the bill it costs USD {on_bill}; the mistakes would cost USD {lost}",
            *notes,
        ),
    )


def _offer(record: DecisionRecord) -> list[Headline]:
    needed = record.still_needed
    if needed is None:
        return []
    found = [_worth(record, needed.worth_monthly_usd)]
    what = [
        plural(number, noun)
        for number, noun in ((needed.cases, "case"), (needed.labels, "label"))
        if number
    ]
    if what:
        price = f"{usd(needed.cost_usd)} of calls" if needed.cost_usd else "no further call"
        price += labelling(record)
        found.append(Headline(label="it takes", value=" and ".join(what), notes=(price,)))
    return found


def _worth(record: DecisionRecord, worth: Decimal | None) -> Headline:
    """What an answer decides on: what mistakes leave, else the most that the bill may save."""
    option = open_option(record)
    net = None if option is None else net_saving_of(record, option)
    if option is None or net is None:
        year = () if worth is None else (in_a_year(worth),)
        return Headline(label="deciding is worth a month, at most", value=usd(worth), notes=year)
    before = " before switching" if switching(break_even_of(record, option)) else ""
    return Headline(
        label="left a month as seen, mistakes paid for",
        value=or_loss(net.net),
        notes=(f"{in_a_year(net.net)}{before}", *_at_worst(record, option)),
    )


def _at_worst(record: DecisionRecord, option: OptionRecord) -> tuple[str, ...]:
    worst = net_saving_of(record, option, at_worst=True)
    return () if worst is None else (f"at worst {or_loss(worst.net)} a month",)


def _mistakes(record: DecisionRecord, option: OptionRecord) -> list[Headline]:
    quality = option.quality
    if quality is None:
        return []
    found, unit = harm(quality), record.feature.unit
    if found.of is None:
        return [_graded(found, quality)]
    word = "fewer" if found.seen < 0 else "more"
    value = f"{count(abs(found.seen))} in {count(found.of)}" if found.seen else "none seen"
    more = " more" if found.seen < 0 else ""
    most = f"{found.at_most}{more} in {count(found.of)}" if found.most > 0 else f"none{more}"
    return [
        Headline(
            label=f"{word} wrong {unit} with {option.target.option}",
            value=value,
            notes=(
                *_a_month(record, option),
                f"at worst {most}; limit {found.limit} in {count(found.of)}",
            ),
        )
    ]


def _a_month(record: DecisionRecord, option: OptionRecord) -> tuple[str, ...]:
    """How many a month; said to be as seen where the share above is corrected."""
    even, traffic, quality = break_even_of(record, option), record.traffic, option.quality
    if even is None or traffic is None or not even.more_errors_per_month:
        return ()
    net = net_saving_of(record, option)
    number = count(even.more_errors_per_month) if net is None else net.errors_alone
    of_all = f"{number} of {count(traffic.requests_per_month)} a month"
    if quality is None or not counted_as_seen(record, option):
        return (of_all,)
    return (f"as seen {points(abs(quality.difference), signed=False)} in 100: {of_all}",)


def _graded(found: Harm, quality: Quality) -> Headline:
    word, lower = ("higher", " lower") if found.seen < 0 else ("lower", "")
    most = f"{points(found.most, signed=False)}{lower}" if found.most > 0 else "no lower"
    return Headline(
        label=f"points of 100 that an answer scores {word}",
        value=points(abs(found.seen), signed=False),
        notes=(f"at worst {most}; {allowed(quality.margin)}",),
    )


def _time(record: DecisionRecord, option: OptionRecord) -> list[Headline]:
    facts, incumbent = option.latency, record.current_latency
    if facts is None:
        if option.quality is None:
            return []
        notes = ("the feature promises none",) if incumbent is None else ()
        return [Headline(label="time to answer", value="not measured", notes=notes)]
    bound, promised = promised_time(facts)
    first = facts.slo_ttft_p95_s is not None
    label = "95 of 100 answers begin within" if first else "95 of 100 answers come within"
    whose = "" if record.verdict is Verdict.DOWNGRADE else f"with {option.target.option}, "
    value = facts.ttft_p95_s if first else facts.p95_s
    today = None if incumbent is None else incumbent.ttft_p95_s if first else incumbent.p95_s
    if not first and facts.slo_p99_s is not None and facts.slo_p95_s is None:
        label, value = "99 of 100 answers come within", facts.p99_s
        today = None if incumbent is None else incumbent.p99_s
    notes = [f"today {seconds(today)}"] if today is not None else []
    within = [] if bound is None else [f"at most {seconds(bound)}"]
    within += [] if promised is None else [f"limit {promised:g} s"]
    notes += ["; ".join(within)] if within else []
    return [Headline(label=f"{whose}{label}", value=seconds(value), notes=tuple(notes))]


def summary(record: DecisionRecord) -> list[Summary]:
    """What it saves, costs, and at worst; of no answer what one would take."""
    match record.verdict:
        case Verdict.DOWNGRADE:
            text = _saves(record)
        case Verdict.JUSTIFY:
            text = _costs(record)
        case Verdict.UNDECIDED:
            text = _would_take(record)
    return [Summary(lead="In short.", text=text)] if text else []


def _saves(record: DecisionRecord) -> str:
    option, saved = chosen_option(record), record.savings
    if saved is None:
        return ""
    net = None if option is None else net_saving_of(record, option)
    once = f"; switching costs {usd(saved.one_off_cost)} once" if saved.one_off_cost else ""
    if option is None or net is None:
        return f"Saves {usd(saved.after_discounts)} a month on the bill{once}{_worse(option)}."
    return f"{_left(record, option, net)}{once}{_worse(option)}."


def _left(record: DecisionRecord, option: OptionRecord, net: NetSaving) -> str:
    worst = net_saving_of(record, option, at_worst=True)
    verb = "Saves" if net.net >= 0 else "Loses"
    tail = "" if worst is None else f", at worst {or_loss(worst.net)}"
    return f"{verb} {usd(abs(net.net))} a month once mistakes are paid for{tail}"


def _worse(option: OptionRecord | None) -> str:
    """`; about 4 more of 1,000 go wrong, at worst 21`."""
    quality = None if option is None else option.quality
    if quality is None:
        return "; the answers stay the same" if option is None else ""
    return f"; {harm(quality).brief}"


_SMALL = {
    Reason.SAVINGS_BELOW_MINIMUM: ", less than is worth a change",
    Reason.NET_SAVING_BELOW_MINIMUM: ", too little beside what switching costs",
}


def _costs(record: DecisionRecord) -> str:
    """What staying costs, and why it is right; without an option that failed: nothing."""
    option = cheapest_failed(record)
    if option is None:
        return ""
    stay, why = _staying(record, option), _why_not(option)
    if option.quality is None:
        least = next((_SMALL[code] for code in option.reason_codes if code in _SMALL), "")
        against = f", against {option.target.option}{least}; no case was asked."
        return f"{stay}{against}" if stay else ""
    return f"{why} {stay}." if stay else why


def _staying(record: DecisionRecord, option: OptionRecord) -> str:
    saving, net = saving_if_swapped(record, option), net_saving_of(record, option)
    if saving is None or saving <= 0:
        return ""
    mistakes = (
        ""
        if net is None or not net.errors
        else f", and the mistakes of {option.target.option} would cost {usd(net.lost)}"
    )
    return f"Staying costs {usd(saving)} a month on the bill{mistakes}"


_BY_CASES = frozenset({Reason.QUALITY_INFERIOR, Reason.UNLIKELY_TO_PASS})


def _why_not(option: OptionRecord) -> str:
    """Why an option is not taken, and what its answers would be like."""
    name, reason, quality = option.target.option, reason_of(option), option.quality
    if quality is None:
        return ""
    found = harm(quality)
    verb = "is" if found.allowed == 1 else "are"
    harmed = f"{found.brief}, where {found.limit} {verb} allowed."
    if reason is None or reason in _BY_CASES:
        return f"With {name} {harmed}"
    return f"{of_option(name, reason)}; {harmed}"


def _would_take(record: DecisionRecord) -> str:
    needed, stake = record.still_needed, at_stake(record)
    worth = f" At stake: {stake}." if stake else ""
    if needed is None or not (needed.cases or needed.labels):
        return f"{_first_clause(way_on(record))}{worth}"
    what = plural(needed.labels, "label") if needed.labels else plural(needed.cases or 0, "case")
    price = f"{usd(needed.cost_usd)} of calls" if needed.cost_usd else "no further call"
    return f"{what} more, for {price}{labelling(record)}, would probably decide.{worth}"


def _first_clause(text: str) -> str:
    """Its text up to the first colon or semicolon, as a sentence."""
    return re.split(r"[:;] ", text, maxsplit=1)[0].rstrip(".") + "."
