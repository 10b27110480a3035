"""Page one of a document: the change, its risk, its saving, how to go back, and by when."""

from __future__ import annotations

from harness.money.portfolio.overview import asked_nothing
from harness.record.base import Reason, Result, State, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import GuardrailResult, SliceResult
from harness.record.trust import EvalSetFacts
from harness.tell.facts import (
    Facts,
    cheapest_failed,
    chosen_option,
    has_discount,
    open_option,
    shown_option,
    trials_missing,
    weakest_slice,
)
from harness.tell.figures import forest
from harness.tell.page.action import action, boxes
from harness.tell.page.headlines import headlines, summary
from harness.tell.page.kinds import own_words
from harness.tell.page.missing import (
    floor_paragraph,
    form_paragraph,
    missing_text,
    since_first,
    too_easy,
)
from harness.tell.page.money_words import money
from harness.tell.page.opening import opening
from harness.tell.page.page_stay import exception, levers, would_change
from harness.tell.page.page_tables import options_table
from harness.tell.page.titles import notices
from harness.tell.words import allowed, count, day, lowered, points, sentence
from harness.wording import listed, plural, usd
from harness.workspace.model_file import is_tuned
from reports.document import Block, Code, Paragraph, Signature


def weakest(record: DecisionRecord, option: OptionRecord) -> list[Block]:
    """The slice where the largest loss could not be excluded."""
    part = weakest_slice(option)
    if part is None or part.worst is None or part.difference is None:
        return []
    all_cases = option.quality.n if option.quality is not None else 0
    within = part.of is None and part.n <= all_cases
    whole = f" of {count(all_cases)}" if within else ""
    most = "" if part.margin is None else f" ({allowed(part.margin)} for one part)"
    head = f"{part.key}: {part.value} ({count(part.n)}{whole} {record.feature.unit})"
    text = f"{head} is at {_shown(part, part.difference, part.worst, most)}"
    text += _could_show(part, option)
    return [Paragraph(lead="Weakest part.", runs=(text[:1].upper() + text[1:],))]


def guarded(record: DecisionRecord, option: OptionRecord) -> list[Block]:
    """The guardrails that were asked in full, and what each could have shown."""
    found: list[str] = []
    for rail in option.guardrails:
        if rail.of is not None and rail.difference is not None and rail.worst is not None:
            head = f"{rail.name} on {count(rail.n)} of {count(rail.of)} {record.feature.unit}: "
            most = "" if rail.margin is None else f" ({allowed(rail.margin)})"
            told = _shown(rail, rail.difference, rail.worst, most)
            found.append(head + told + _could_show(rail, option))
    return [Paragraph(lead="Guardrails.", runs=(" ".join(found),))] if found else []


def _shown(part: SliceResult | GuardrailResult, difference: float, worst: float, most: str) -> str:
    harm = "harm was shown" if part.vetoes else "no harm shown"
    could = (
        f"but a drop of up to {points(-lowered(worst), signed=False)} points is possible{most}"
        if worst < 0
        else f"and no drop is possible{most}"
    )
    return f"{points(difference)} points; {harm}, {could}."


def _could_show(part: SliceResult | GuardrailResult, option: OptionRecord) -> str:
    """What its cases could have shown; empty where no alarm watches it.

    Of cases in clusters it is not worked out: it would rest on how the losses fall on them.
    """
    if part.could_show is not None:
        lost = points(part.could_show, signed=False)
        return f" On so few cases harm would have shown only from a loss of {lost} points on."
    clustered = option.quality is not None and option.quality.clusters is not None
    silent = part.of is not None and part.protect == "alarm" and not clustered
    return " So few cases can show no harm, however large." if silent else ""


def if_wrong(record: DecisionRecord) -> list[Block]:
    """How to roll back, and which observation calls for it."""
    back = record.feature.rollback or (
        f"Set {record.feature.used_in} back to {record.current.option}"
        if record.feature.used_in
        else f"Set the model back to {record.current.option}; where production reads it is not "
        "recorded"
    )
    trigger = record.trigger or "none was agreed"
    text = f"{sentence(back)} Trigger: {trigger.rstrip('.')}."
    return [Paragraph(lead="If it goes wrong.", runs=(text,))]


def page_one(facts: Facts) -> tuple[Block, ...]:
    """All blocks of page one, in reading order."""
    record = facts.record
    shown = shown_option(record)
    cannot_tell = Reason.EVALSET_CANNOT_TELL in record.reason_codes
    picture = None if cannot_tell else forest(record)
    blocks: list[Block] = [*notices(facts), *summary(record), action(facts), *headlines(record)]
    blocks += [] if picture is None else [picture]
    blocks += [*too_easy(record), *opening(record)]
    blocks += form_paragraph(record, shown or cheapest_failed(record))
    blocks += [*floor_paragraph(record), *since_first(record)]
    if shown is not None:
        blocks += [*own_words(record, shown), *money(record, shown), *weakest(record, shown)]
        blocks += guarded(record, shown)
    blocks += options_table(record)
    blocks += _verdict_blocks(record)
    blocks += [*_unknown(record), _evidence(record), _recompute(record)]
    blocks += _decision(facts)
    return tuple(blocks)


def _verdict_blocks(record: DecisionRecord) -> list[Block]:
    match record.verdict:
        case Verdict.DOWNGRADE:
            return list(if_wrong(record))
        case Verdict.JUSTIFY:
            return [*levers(record), *would_change(record), *exception(record)]
        case Verdict.UNDECIDED:
            return list(levers(record))


def _unknown(record: DecisionRecord) -> list[Block]:
    if not record.not_known:
        return []
    text = sentence("; ".join(part.rstrip(".") for part in record.not_known))
    return [Paragraph(lead="Not known.", runs=(text,))]


def _evidence(record: DecisionRecord) -> Paragraph:
    text = f"{_cases_text(record)}{_missing(record)} {_price_text(record)}{_spend_text(record)}"
    text += _registered(record)
    return Paragraph(lead="Evidence.", runs=(text,))


def _cases_text(record: DecisionRecord) -> str:
    used = record.evidence.eval_set
    if not record.evidence.spend.trials and not record.evidence.imported:
        return f"Decided without asking a model; {plural(used.n, 'case')} at hand.{_alike(used)}"
    shown = chosen_option(record) or open_option(record) or cheapest_failed(record)
    tried = shown.prompts_tried if shown is not None else 0
    prompts = (
        f"; {plural(tried, 'prompt')} tried on {count(used.tune)} other cases" if tried else ""
    )
    if shown is not None and prompts and is_tuned(shown.target.option):
        held = shown.result is Result.PASS
        prompts += f"; this one {'held' if held else 'did not hold'} on the deciding cases"
    times = _life(used)
    return (
        f"{plural(used.n, 'case')} ({used.provenance}): {count(used.tune)} for prompts, "
        f"{count(used.pilot)} as a pilot, {count(used.deciding)} left to decide"
        f"{_asked_text(record, shown)}{prompts}; {times}.{_alike(used)}"
    )


def _life(used: EvalSetFacts) -> str:
    """Which test on these cases it is, and what is left of the error that they share."""
    if used.life is None:
        first = used.times_used <= 1
        return "first use of this set" if first else f"use {used.times_used} of this set"
    others = (f", of {one.option} the {one.life.note}" for one in used.lives or ())
    return f"{used.life.note}{''.join(others)}"


def _asked_text(record: DecisionRecord, shown: OptionRecord | None) -> str:
    """How many of the deciding cases the option's figures rest on."""
    quality = shown.quality if shown else None
    if shown is None or quality is None or quality.deciding_cases is None:
        return ""
    most = record.evidence.eval_set.deciding
    asked = "all of them" if quality.deciding_cases == most else count(quality.deciding_cases)
    own = f"the figures of {shown.target.option} rest on"
    if not quality.pilot_cases:
        return f"; {own} {asked}"
    pilot = f"{count(quality.pilot_cases)} of the pilot"
    return f"; {own} {asked} and {pilot}" if quality.deciding_cases else f"; {own} {pilot} alone"


def _alike(used: EvalSetFacts) -> str:
    """How many independent cases remain without copies and near-copies; empty without any."""
    text = ""
    if used.rows is not None:
        text += f" They are the different ones of {plural(used.rows, 'row')}: copies count once."
    if used.worth is not None:
        worth = plural(max(round(used.worth), 1), "independent one")
        text += f" Many say nearly the same: they are worth about {worth}."
    return text


def _missing(record: DecisionRecord) -> str:
    return "" if trials_missing(record) is None else f" {sentence(missing_text([record]))}"


def _price_text(record: DecisionRecord) -> str:
    text = f"Prices of {day(record.evidence.rates_as_of)}, "
    if has_discount(record):
        text += "your discounts taken off; the appendix has the list prices"
    else:
        text += "list"
    traffic = record.traffic
    if traffic is not None:
        asked = count(traffic.requests_per_month)
        text += f"; a month is {asked} requests (source: {traffic.source})"
    return f"{text}.{_stated(record)}"


def _stated(record: DecisionRecord) -> str:
    """Who says what a mistake and switching cost: nobody measures them."""
    each, saved = record.feature.error_cost_usd, record.savings
    said = [] if each is None else [f"{usd(each)} for a mistake (`error_cost_usd`)"]
    if saved is not None and saved.one_off_cost:
        said.append(f"{usd(saved.one_off_cost)} for switching (`migration_usd`)")
    verb = "stand" if said[1:] else "stands"
    return f" {listed(said)} {verb} in features/{record.feature.id}.yaml." if said else ""


def _spend_text(record: DecisionRecord) -> str:
    spend = record.evidence.spend
    if spend.trials == 0:
        return ""
    if asked_nothing(record):
        made = f"; making them had cost {usd(spend.total_usd)}" if spend.total_usd else ""
        return f" The answers were brought in, and this review asked nothing{made}."
    saved = (
        f"; stopping early saved {usd(spend.saved_by_stopping_usd)}"
        if spend.saved_by_stopping_usd
        else ""
    )
    return f" Evaluation cost {usd(spend.total_usd)}{saved}."


def _registered(record: DecisionRecord) -> str:
    """Where the plan was sealed before the first call."""
    sealed = record.evidence.registered
    if sealed is None:
        return ""
    if sealed.commit is None or sealed.committed_on is None:
        return f" Its plan was sealed, and not committed; first asked {day(sealed.first_asked_on)}."
    how = "registered" if sealed.committed_on <= sealed.first_asked_on else "committed only"
    return (
        f" Its plan was {how} in commit {sealed.commit[:8]} on {day(sealed.committed_on)}, first "
        f"asked {day(sealed.first_asked_on)}."
    )


def _recompute(record: DecisionRecord) -> Paragraph:
    command = f"rightsize report --cycle {record.cycle} --feature {record.feature.id}"
    tail = f" \u00b7 record {record.decision_id} \u00b7 {record.etag[:6]}"
    return Paragraph(lead=None, runs=("Recompute without a call: ", Code(code=command), tail))


def _decision(facts: Facts) -> list[Block]:
    record = facts.record
    blocks: list[Block] = []
    if facts.state is State.PROPOSED and not record.evidence.exploratory:
        blocks.append(
            Signature(
                lead="Decision",
                choices=boxes(record),
                blanks=("until", "by", "reason", "approval link"),
            )
        )
    return blocks
