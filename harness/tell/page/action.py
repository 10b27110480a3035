"""The head of a page: the verdict as a badge, what is to be done by when, and what answers mean.

Every answer is the command that gives it, or what it brings about; the last one says what happens
if nobody answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.record.base import State, Verdict
from harness.record.lifecycle import ends_on
from harness.record.model import DecisionRecord
from harness.tell.facts import Facts, cheapest_failed, chosen_option, labelling, saving_if_swapped
from harness.tell.page.kinds import goes_live
from harness.tell.page.money_words import at_stake, net_saving_of
from harness.tell.page.page_stay import changes
from harness.tell.page.ways_on import way_on
from harness.tell.words import LEVERS, day, person, sentence
from harness.wording import plural, usd
from reports.document import Badge, Choice, Code, Deadline, Run

_VERDICTS: Mapping[Verdict, Badge] = {
    Verdict.DOWNGRADE: Badge(words="SWITCH", tone="change"),
    Verdict.JUSTIFY: Badge(words="STAY", tone="stay"),
    Verdict.UNDECIDED: Badge(words="UNDECIDED", tone="open"),
}


def verdict_badge(record: DecisionRecord) -> Badge:
    """What the review proposes, in a word."""
    if record.verdict is Verdict.DOWNGRADE and chosen_option(record) is None:
        return Badge(words="CHANGE", tone="change")
    return _VERDICTS[record.verdict]


def badge(facts: Facts) -> Badge:
    """The verdict, unless the page may not be decided on any more."""
    if facts.state is State.EXPIRED:
        return Badge(words="EXPIRED", tone="stop")
    if facts.state is State.SUPERSEDED:
        return Badge(words="REPLACED", tone="done")
    return verdict_badge(facts.record)


def action(facts: Facts) -> Deadline:
    """What is to be done by when, and what each answer means."""
    record = facts.record
    if facts.state is State.PROPOSED:
        return _exploratory(record) if record.evidence.exploratory else _open(record)
    return _decided(facts)


def _exploratory(record: DecisionRecord) -> Deadline:
    text = (
        f"It can be shown, but not signed; {record.current.option} stays. A review whose rules "
        "stand before its answers can be signed."
    )
    return Deadline(lead="Nothing to decide.", runs=(text,), choices=())


def _open(record: DecisionRecord) -> Deadline:
    match record.verdict:
        case Verdict.DOWNGRADE:
            return _switch(record)
        case Verdict.JUSTIFY:
            return _stay(record)
        case Verdict.UNDECIDED:
            return _undecided(record)


def _command(record: DecisionRecord, answer: str, more: str = "") -> str:
    tail = f" {more}" if more else ""
    return f"rightsize decide {record.feature.id} {answer} --cycle {record.cycle}{tail}"


def _who(record: DecisionRecord) -> str:
    return person(record.feature.owner)


def proposed(record: DecisionRecord) -> str:
    """What would run in production: the chosen option, or today's model with a lever."""
    if chosen_option(record) is not None and record.chosen is not None:
        return record.chosen
    return f"{record.current.option} with {LEVERS.get(record.lever, record.lever)}"


def _switch(record: DecisionRecord) -> Deadline:
    today, ends, then = record.current.option, day(ends_on(record)), proposed(record)
    option = chosen_option(record)
    how = goes_live(record, option) if option else "switch it on in production"
    return Deadline(
        lead=f"Decide by {day(record.decide_by)}:",
        runs=(Code(code=_command(record, "accept")), f" ({_who(record)})"),
        choices=(
            Choice(
                answer="accept", text=f"{then} goes live ({how}); it is reviewed again by {ends}."
            ),
            Choice(
                answer="reject",
                text=f'`{_command(record, "reject")} --reason "..."`: {today} stays, and your '
                "reason stands in the record.",
            ),
            Choice(
                answer="defer",
                text=f'`{_command(record, "defer")} --reason "..." --expires DAY`: {today} stays '
                "until that day, then it is asked again.",
            ),
            Choice(answer="no answer", text=_if_nobody_switches(record)),
        ),
    )


def _if_nobody_switches(record: DecisionRecord) -> str:
    today, ends = record.current.option, day(ends_on(record))
    saved, option = record.savings, chosen_option(record)
    net = None if option is None else net_saving_of(record, option)
    more = ""
    if net is not None and net.net > 0:
        more = f" and costs {usd(net.net)} more each month, mistakes counted"
    elif net is None and saved is not None and saved.after_discounts > 0:
        more = f" and costs {usd(saved.after_discounts)} more each month"
    return f"{today} stays{more}; after {ends} this offer lapses, and only a new review renews it."


def _stay(record: DecisionRecord) -> Deadline:
    today, ends = record.current.option, day(ends_on(record))
    more = f'--reason "..." --expires {ends}'
    return Deadline(
        lead=f"Sign by {day(record.decide_by)}:",
        runs=(Code(code=_command(record, "accept", more)), f" ({_who(record)})"),
        choices=(
            Choice(
                answer="accept",
                text=f"{today} stays until {ends}, with your name under what it costs; nothing is "
                "due before, then it is tested again.",
            ),
            Choice(
                answer="reject",
                text=f'`{_command(record, "reject")} --reason "..."`: {today} stays for now, and '
                f"you want it tested again. Cheapest way: {_first_small(changes(record)[0])}",
            ),
            Choice(
                answer="defer",
                text=f'`{_command(record, "defer")} --reason "..." --expires DAY`: {today} stays, '
                "unsigned, until that day.",
            ),
            Choice(
                answer="no answer",
                text=f"{today} stays all the same{_staying(record)}; nobody has signed for it, and "
                f"after {ends} it counts as not reviewed.",
            ),
        ),
    )


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _staying(record: DecisionRecord) -> str:
    option = cheapest_failed(record)
    saving = None if option is None else saving_if_swapped(record, option)
    if option is None or saving is None or saving <= 0:
        return ""
    return f", at {usd(saving)} a month more on the bill than with {option.target.option}"


def _undecided(record: DecisionRecord) -> Deadline:
    today, ends = record.current.option, day(ends_on(record))
    return Deadline(
        lead=f"Decide by {day(record.decide_by)}",
        runs=(f"whether the answer is worth having ({_who(record)}):",),
        choices=(
            *_ways_on(record),
            Choice(
                answer="reject",
                text=f'`{_command(record, "reject")} --reason "..."`: {today} stays, and the '
                "question is closed.",
            ),
            Choice(
                answer="defer",
                text=f'`{_command(record, "defer")} --reason "..." --expires DAY`: {today} stays '
                "until then.",
            ),
            Choice(
                answer="no answer",
                text=f"{today} stays, undecided; after {ends} only a new review can tell.",
            ),
        ),
    )


def _ways_on(record: DecisionRecord) -> list[Choice]:
    """What would bring an answer: cases, labels, or what the run lacked."""
    again = f"`rightsize review --cycle {record.cycle} --feature {record.feature.id}`"
    needed = record.still_needed
    if needed is not None and needed.labels:
        fewest = f" (as few as {needed.fewest:,} may be enough)" if needed.fewest else ""
        text = (
            f"`rightsize label {record.feature.id}`, without another call{fewest}, then {again}"
            f"{_worth(record)}."
        )
        return [Choice(answer=f"label {plural(needed.labels, 'answer')}", text=text)]
    if needed is not None and needed.cases:
        price = (
            f" for {usd(needed.cost_usd)} of calls{labelling(record)}" if needed.cost_usd else ""
        )
        add = f"rightsize import csv CASES.csv --feature {record.feature.id} --add"
        text = f"`{add}`, then {_later(record)}{_worth(record)}."
        return [Choice(answer=f"buy {plural(needed.cases, 'case')}{price}", text=text)]
    return [Choice(answer="mend it", text=f"{way_on(record)} Then {again}.")]


def _later(record: DecisionRecord) -> str:
    """The review of more cases: a cycle's cases are fixed once one of them was asked."""
    if record.evidence.eval_set.life is None:
        return f"`rightsize review --cycle {record.cycle} --feature {record.feature.id}`"
    return (
        f"`rightsize review --cycle NEXT --feature {record.feature.id}`, NEXT being another cycle: "
        "this one's cases are fixed"
    )


def _worth(record: DecisionRecord) -> str:
    stake = at_stake(record)
    return f". At stake: {stake}" if stake else ""


def boxes(record: DecisionRecord) -> tuple[str, ...]:
    """The answers that can be ticked: each that `action` lists, by its first word."""
    listed = (choice.answer for choice in _open(record).choices)
    return tuple(answer.partition(" ")[0] for answer in listed if answer != "no answer")


_DONE: Mapping[State, str] = {
    State.ACCEPTED: "Accepted",
    State.REJECTED: "Rejected",
    State.DEFERRED: "Deferred",
    State.IMPLEMENTED: "In production",
    State.VERIFIED: "Verified",
    State.SUPERSEDED: "Replaced",
}


def _decided(facts: Facts) -> Deadline:
    record, last = facts.record, facts.record.history[-1] if facts.record.history else None
    if facts.state is State.EXPIRED:
        again = f"rightsize review --feature {record.feature.id}"
        lead = f"Too old to decide on since {day(ends_on(record))}:"
        return Deadline(lead=lead, runs=("review again, ", Code(code=again)), choices=())
    known = last is not None and last.state is facts.state
    until = "" if last is None or last.until is None or not known else f", until {day(last.until)}"
    by = "" if last is None or not known else f" by {last.by} on {day(last.at)}{until}"
    lead = f"{_DONE.get(facts.state, facts.state.value)}{by}."
    why = [] if last is None or not known or not last.reason else [sentence(last.reason)]
    link = [f"({last.link})"] if last is not None and known and last.link else []
    runs: list[Run] = [" ".join([*why, *link])] if why or link else []
    return Deadline(lead=lead, runs=tuple(runs), choices=_next(facts))


def _next(facts: Facts) -> tuple[Choice, ...]:
    """What follows a decision."""
    record, ends = facts.record, day(ends_on(facts.record))
    if facts.state is State.ACCEPTED and record.verdict is Verdict.DOWNGRADE:
        option = chosen_option(record)
        how = goes_live(record, option) if option else f"use {proposed(record)}"
        return (Choice(answer="now", text=f"{how}; it is reviewed again by {ends}."),)
    if facts.state is State.ACCEPTED:
        text = f"nothing; {record.current.option} is tested again by {ends}."
        return (Choice(answer="now", text=text),)
    if facts.state is State.IMPLEMENTED:
        text = "`rightsize verify --actual bill.csv` says what was really saved."
        return (Choice(answer="now", text=text),)
    if facts.state is State.REJECTED:
        text = f"`{_command(record, 'accept')}` takes it back."
        return (Choice(answer="another mind", text=text),)
    return ()
