"""What is said of one kind of option alone: a cascade is a pair, own hardware a commitment."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from harness.record.model import DecisionRecord
from harness.record.money import HostingFacts
from harness.record.parts import OptionRecord
from harness.tell.words import count
from harness.wording import amount_text, listed, plural, usd
from harness.workspace.model_file import is_tuned
from reports.document import Paragraph

_CHECKS: Mapping[str, str] = {
    "schema": "are no JSON by the feature's schema",
    "format": "are not in the form asked for",
    "not-unsure": "say that they are unsure",
}
_THOUSAND = 1000
_SAME_MODEL: Mapping[str, str] = {
    "effort": "the same model at lower effort",
    "prompt": "the same model under another prompt",
}


def called(option: OptionRecord) -> str:
    """What sentences call an option that is measured beside today's model."""
    if option.cascade is not None:
        return "the pair"
    return _SAME_MODEL.get(option.lever, "the smaller model")


def whole_name(option: OptionRecord) -> str:
    """An option's name, and what it is where that is more than another model."""
    name = option.target.option
    if option.cascade is not None:
        return f"the pair {name}"
    if option.lever in _SAME_MODEL:
        return f"{name}, {_SAME_MODEL[option.lever]}"
    if is_tuned(name):
        return f"{name}, under a prompt of its own"
    return f"{name} on own hardware" if option.hosting is not None else name


def goes_live(record: DecisionRecord, option: OptionRecord) -> str:
    """How an option comes into production: where the workspace names it."""
    lock = "then `rightsize lock`"
    if option.cascade is not None:
        first, again = option.cascade.first, option.cascade.escalates_to
        least = option.cascade.threshold
        when = "that does not do" if least is None else f"its probability is under {least:g}"
        return f"production asks {first} first, and {again} where {when}; {lock}"
    named = f"`incumbent: {option.target.option}` in features/{record.feature.id}.yaml"
    ours, today = option.target.prompt_file, record.current.prompt_file
    tuned = is_tuned(option.target.option) or is_tuned(record.current.option)
    if tuned and ours and today:
        named += f", asked under {ours} in place of {today}"
    if record.feature.used_in:
        named = f"set {record.feature.used_in} to it, {named}"
    return f"{named}, {lock}"


def own_words(record: DecisionRecord, option: OptionRecord) -> list[Paragraph]:
    """Paragraphs on what an option is, where it is more than another model."""
    return [*_pair(option), *_hardware(record, option)]


def _pair(option: OptionRecord) -> list[Paragraph]:
    facts = option.cascade
    if facts is None:
        return []
    first, again = facts.first, facts.escalates_to
    check = _CHECKS.get(facts.accept_when, f"do not pass {facts.accept_when}")
    if facts.threshold is not None:
        check = f"have a probability under {facts.threshold:g} by its own word"
    part = (
        "How many of its answers go on is not known: none was checked."
        if facts.escalated is None
        else f"{facts.escalated:.1f} % of its answers {check} and go on to {again}, which answers "
        "anew: those requests pay for both and wait for both."
    )
    text = f"{first} answers first. {part}{_pair_cost(option)}"
    return [Paragraph(lead="The pair.", runs=(text,))]


def _pair_cost(option: OptionRecord) -> str:
    facts = option.cascade
    if facts is None or facts.first_per_request is None or facts.escalation_per_request is None:
        return ""
    first, again = (
        amount_text(each * _THOUSAND)
        for each in (facts.first_per_request, facts.escalation_per_request)
    )
    return (
        f" Of 1,000 requests {facts.first} costs USD {first} and asking {facts.escalates_to} "
        f"again USD {again}, at list price."
    )


def _hardware(record: DecisionRecord, option: OptionRecord) -> list[Paragraph]:
    found: list[Paragraph] = []
    if option.hosting is not None:
        text = _hosted(option.hosting, record)
        found.append(Paragraph(lead="On own hardware.", runs=(text,)))
    today = record.current_cost.hosting
    if today is not None and today.committed_replicas:
        text = (
            f"{record.current.option} runs on {_committed(today)}: leaving it does not end that, "
            "and it is paid until its term ends."
        )
        found.append(Paragraph(lead="Committed today.", runs=(text,)))
    return found


def _committed(facts: HostingFacts) -> str:
    gpus = facts.committed_replicas * facts.gpus_per_replica
    return f"{plural(gpus, 'committed GPU')} at {usd(facts.committed_usd)} a month"


def _hosted(facts: HostingFacts, record: DecisionRecord) -> str:
    most = plural(facts.most_replicas * facts.gpus_per_replica, "GPU")
    idle = 1 - facts.utilisation
    runs = f"The busiest hour takes {most}; "
    if not facts.committed_replicas:
        return (
            f"{runs}none is committed, all hours are on demand ({usd(facts.on_demand_usd)} a "
            f"month). {_idle(idle, facts)}{_from(facts, record)}"
        )
    return (
        f"{runs}it runs on {_committed(facts)}. {_idle(idle, facts)}{_from(facts, record)} Going "
        f"back to {record.current.option} does not end the commitment: "
        f"{usd(facts.committed_usd)} a month are paid until its term ends."
    )


def _idle(share: Decimal, facts: HostingFacts) -> str:
    return f"{100 * share:.1f} % of the capacity stands idle ({usd(facts.idle_usd)} a month)."


def _from(facts: HostingFacts, record: DecisionRecord) -> str:
    """From which volume on it is no dearer, beside what production asks."""
    traffic = record.traffic
    known = [one for one in facts.break_even if one.requests_per_month is not None]
    if not known or traffic is None:
        return ""
    first, *more = (f"{one.option} from {count(one.requests_per_month)}" for one in known)
    told = listed([f"{first} requests a month on", *(f"no more than {each} on" for each in more)])
    asked = count(traffic.requests_per_month)
    return f" It costs no more than {told}; production asks {asked}."
