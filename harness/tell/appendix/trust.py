"""The appendix on how far the figures can be trusted, and on options of more than one part.

Repeats, production's mix, cases to read, a second grader, agreement of judge and people; then
cascades (what is kept, escalated and paid) and models on own hardware.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.money.amounts import exact
from harness.record.model import DecisionRecord
from harness.record.money import HostingFacts
from harness.record.parts import JudgeFacts, LabelFacts, OptionRecord
from harness.record.trust import (
    BY_PROBABILITY,
    CascadeFacts,
    FormFacts,
    GraderFacts,
    NoiseFacts,
    ProgramFacts,
    SpreadFacts,
)
from harness.tell.words import at_worst, count, pairs, points, seconds, series, share, table
from harness.wording import DASH, plural, usd
from reports.document import Block, Bullets, Paragraph, Table


def agreement_tables(record: DecisionRecord) -> Iterator[Table]:
    """One table for the judge and one for the labels, where there are any."""
    judge, labels = record.evidence.judge, record.evidence.labels
    if judge is not None:
        yield pairs("How far the judge agrees with people", _judge_rows(judge))
    if labels is not None:
        yield pairs("Who labelled, and how far they agree", _label_rows(labels))


def _judge_rows(judge: JudgeFacts) -> list[tuple[str, str]]:
    orders = (
        DASH
        if judge.swapped is None
        else f"{count(judge.swapped_alike)} of {count(judge.swapped)} pairs"
    )
    kappa = f"{_kappa(judge.kappa)}, at least {_kappa(judge.kappa_lower)}"
    return [
        ("judge", judge.option),
        ("may decide", "yes" if judge.reliable else "no"),
        ("cases that people judged too", count(judge.labels)),
        ("judged by", series(judge.people) or DASH),
        ("both agree on", share(judge.agreement)),
        ("at least", f"{share(judge.agreement_lower)} (needed {share(judge.needed)})"),
        ("beyond chance (kappa)", f"{kappa} (needed {_kappa(judge.kappa_needed)})"),
        ("same winner in both orders", orders),
        ("options of its own family", series(judge.same_family) or DASH),
        ("judge's prompt, SHA-256", judge.prompt_sha256),
    ]


def _label_rows(labels: LabelFacts) -> list[tuple[str, str]]:
    interval = f"{_kappa(labels.kappa_lower)} to {_kappa(labels.kappa_upper)}"
    return [
        ("labelled by", series(f"{who} ({count(cases)})" for who, cases in labels.by)),
        ("cases that two labelled", count(labels.shared)),
        ("of these alike", count(labels.agreed)),
        ("beyond chance (kappa)", f"{_kappa(labels.kappa)} ({interval})"),
    ]


def _kappa(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


_MOST_IDS = 60
_TILT = 1.0
"""A grader is said to favour a model from this many points on."""


def repeats(record: DecisionRecord) -> list[Block | None]:
    """How much of a difference is a model's own noise; empty with one answer per case."""
    rows: dict[tuple[str, ...], None] = {}
    for option in record.options:
        quality = option.quality
        if quality is not None:
            rows |= _spread_row(record.current.option, quality.spread_current)
            rows |= _spread_row(option.target.option, quality.spread_candidate)
    return [
        None if record.noise is None else _noise(record.current.option, record.noise),
        table(
            "Standard deviation of the score, in points; repeats of a case are averaged",
            (
                *("model", "cases", "answers per case", "between cases", "within a case"),
                *("right on average", "right every time"),
            ),
            list(rows),
        ),
    ]


def _spread_row(name: str, found: SpreadFacts | None) -> dict[tuple[str, ...], None]:
    if found is None:
        return {}
    cells = (
        name,
        count(found.cases),
        count(found.repeats),
        f"{found.between:.1f}",
        f"{found.within:.1f}",
        share(found.mean),
        share(found.every),
    )
    return {cells: None}


def _noise(name: str, found: NoiseFacts) -> Paragraph:
    text = (
        f"Asked twice, {name} scores differently on {share(found.disagreement)} of "
        f"{count(found.cases)} cases, and its second answers differ by {points(found.difference)} "
        f"points (standard error {found.error:.1f}). A difference of that size is no difference "
        "between models."
    )
    return Paragraph(lead="Noise floor.", runs=(text,))


def mixes(record: DecisionRecord) -> Block | None:
    """The difference at production's mix of slices; None where no mix is stated."""
    found = [(o.target.option, o.quality.mix) for o in record.options if o.quality]
    return table(
        "At production's mix of parts, in points: beside the finding, each part's bound at its "
        "share of the level",
        ("option", "parts of", "mix", "cases", "difference", "at worst"),
        [
            (
                name,
                mix.key,
                ", ".join(f"{part} {percent:g} %" for part, percent in mix.shares),
                count(mix.n),
                points(mix.difference),
                at_worst(mix.worst),
            )
            for name, mix in found
            if mix is not None
        ],
    )


def audit(record: DecisionRecord) -> list[Block | None]:
    """The ids of the cases to read, and how a second grader scores the same answers."""
    return [
        *(_grader_line(option) for option in record.options),
        table(
            "The same answers under a second grader, which decides nothing",
            (
                "option",
                "second grader",
                "cases",
                "today",
                "today, again",
                "candidate",
                "candidate, again",
                "difference moves by",
                "scores changed, today / candidate",
            ),
            [_grader_cells(o.target.option, o.grader) for o in record.options if o.grader],
        ),
        *(_to_read(option) for option in record.options),
    ]


def _grader_cells(name: str, found: GraderFacts) -> tuple[str, ...]:
    return (
        name,
        found.grader,
        count(found.cases),
        share(found.current),
        share(found.current_again),
        share(found.candidate),
        share(found.candidate_again),
        points(found.tilt),
        f"{len(found.changed_current):,} / {len(found.changed_candidate):,}",
    )


def _grader_line(option: OptionRecord) -> Paragraph | None:
    found = option.grader
    if found is None or abs(found.tilt) < _TILT:
        return None
    favoured = option.target.option if found.tilt < 0 else "today's model"
    text = (
        f"The grader that decided favours {favoured} by {abs(found.tilt):.1f} points over the "
        f"second grader, {found.grader}. Read the cases on which the two differ before anything is "
        f"signed: {_ids(found.changed_current + found.changed_candidate)}."
    )
    return Paragraph(lead=f"Is the grader right about {option.target.option}?", runs=(text,))


def _to_read(option: OptionRecord) -> Bullets | None:
    found = option.audit
    if found is None or not (found.losses or found.gains):
        return None
    items = [
        f"{plural(len(ids), 'case')} where {who} scores more{_by_form(form)}: {_ids(ids)}"
        for who, ids, form in (
            ("today's model", found.losses, found.form_losses),
            (option.target.option, found.gains, found.form_gains),
        )
        if ids
    ]
    return Bullets(lead=f"Cases to read, {option.target.option}.", items=tuple(items))


def _by_form(form: FormFacts | None) -> str:
    if form is None:
        return ""
    return f" ({form.other:,} of them for the other's form, {form.unread:,} for want of an answer)"


def _ids(ids: tuple[str, ...]) -> str:
    distinct = tuple(dict.fromkeys(ids))
    more = len(distinct) - _MOST_IDS
    listed = ", ".join(distinct[:_MOST_IDS])
    return f"{listed} and {more:,} more in the record" if more > 0 else listed


_CHECKS = {
    "schema": "is JSON by the feature's schema",
    "format": "has an answer in the form asked for",
    "not-unsure": "has an answer and does not say that it is unsure",
}


def cascades(record: DecisionRecord) -> list[Block | None]:
    """A paragraph and a row for each cascade; empty without one."""
    found = [(o.target.option, o.cascade) for o in record.options if o.cascade is not None]
    return [
        *(_line(name, facts) for name, facts in found),
        table(
            "A cheap model first, today's model where its answer did not pass",
            (
                "cascade",
                "first",
                "kept when the answer",
                "goes on to",
                "answers checked",
                "did not pass",
                "cases in the price",
                "first, a request, list",
                "asked again, a request, list",
            ),
            (
                (
                    name,
                    facts.first,
                    _kept_when(facts),
                    facts.escalates_to,
                    count(facts.answers),
                    DASH if facts.escalated is None else f"{facts.escalated:.1f} %",
                    _priced_on(facts),
                    usd(facts.first_per_request),
                    usd(facts.escalation_per_request),
                )
                for name, facts in found
            ),
        ),
    ]


def _kept_when(facts: CascadeFacts) -> str:
    if facts.threshold is None:
        return _CHECKS.get(facts.accept_when, facts.accept_when)
    return f"has a probability of at least {facts.threshold:g}"


def _priced_on(facts: CascadeFacts) -> str:
    """The number of cases that a cascade is priced on, and how many of them escalated."""
    month = facts.month
    return DASH if month is None else f"{count(month.cases)}, {count(month.gone_on)} went on"


def _line(name: str, facts: CascadeFacts) -> Paragraph:
    if facts.escalated is None:
        text = f"No answer of {facts.first} was checked."
    else:
        text = (
            f"{facts.escalated:.1f} % of the answers of {facts.first} did not pass and went on to "
            f"{facts.escalates_to}. It was tried on stored answers, without a further call."
        )
    return Paragraph(lead=f"{name}.", runs=(f"{text}{_fixed_by(facts)}",))


def _fixed_by(facts: CascadeFacts) -> str:
    """What fixed how sure the model must be; nothing of other checks."""
    if facts.threshold is None:
        return ""
    wanted = facts.accept_when.removeprefix(BY_PROBABILITY)
    if not facts.threshold_cases:
        return (
            f" An answer stands from a probability of {facts.threshold:g} on, as stated: no tune "
            "case tells how often the model is right when it says so."
        )
    return (
        f" An answer stands from a probability of {facts.threshold:g} on: so sure must "
        f"{facts.first} be for a chance of {wanted} to be right, by "
        f"{plural(facts.threshold_cases, 'tune case')}, asked before the first case that decides."
    )


def program_runs(record: DecisionRecord) -> Table | None:
    """What one run of a feature's program takes, with each of its options."""
    today, facts = record.current.option, record.evidence.program or ()
    stopped = any(one.unused_calls for one in facts)
    return table(
        "What a run of the program took, all its calls together, at list price",
        (
            "option",
            "runs",
            "calls a run",
            "most calls",
            "to its other models",
            "tokens in",
            "tokens out",
            "a run",
            "a success",
            *(("calls of stopped runs, not counted",) if stopped else ()),
        ),
        (
            (
                f"{one.option} (today)" if one.option == today else one.option,
                count(one.runs),
                f"{one.calls / one.runs:.2f}",
                count(one.most_calls),
                f"{one.beside / one.runs:.2f}",
                count(None if one.input_tokens is None else one.input_tokens / one.runs),
                count(None if one.output_tokens is None else one.output_tokens / one.runs),
                usd(None if one.usd is None else one.usd / one.runs),
                usd(one.usd / exact(one.successes) if one.usd and one.successes else None),
                *((_stopped(one),) if stopped else ()),
            )
            for one in facts
        ),
    )


def _stopped(facts: ProgramFacts) -> str:
    if not facts.unused_calls:
        return "none"
    cost = "cost not known" if facts.unused_usd is None else f"{usd(facts.unused_usd)} together"
    return f"{count(facts.unused_calls)}, {cost}"


def hosting_tables(record: DecisionRecord) -> Iterator[Table]:
    """Two tables for each model on own hardware, the incumbent included."""
    for option, facts in _hosted(record):
        yield pairs(f"A month on own hardware: {option}", _rows(facts))
        even = table(
            f"From how many requests a month on {option} is no dearer; a dash: at no volume",
            ("than", "requests a month"),
            ((one.option, count(one.requests_per_month)) for one in facts.break_even),
        )
        if even is not None:
            yield even


def _hosted(record: DecisionRecord) -> Iterator[tuple[str, HostingFacts]]:
    if record.current_cost.hosting is not None:
        yield record.current.option, record.current_cost.hosting
    for option in record.options:
        name, month = option.target.option, option.cascade.month if option.cascade else None
        if option.cost.hosting is not None:
            yield name, option.cost.hosting
        if month is not None and month.first_hosting is not None:
            yield f"{name}: first", month.first_hosting


def _rows(facts: HostingFacts) -> list[tuple[str, str]]:
    load = DASH if facts.load_s is None else seconds(float(facts.load_s))
    return [
        ("GPUs per replica", count(facts.gpus_per_replica)),
        ("requests a second per replica, within the promised times", f"{facts.goodput_per_s:g}"),
        ("replicas committed to", count(facts.committed_replicas)),
        (
            "replicas, quietest to busiest hour",
            f"{count(facts.fewest_replicas)} to {count(facts.most_replicas)}",
        ),
        ("committed hours", usd(facts.committed_usd)),
        ("hours on demand", usd(facts.on_demand_usd)),
        ("starting replicas", usd(facts.scale_up_usd)),
        ("requests sent back to the hosted model", usd(facts.overflow_usd)),
        ("of the GPU hours, idle", usd(facts.idle_usd)),
        ("capacity used", f"{facts.utilisation * 100:.1f} %"),
        ("time to load a replica", load),
        ("source", facts.source),
    ]
