"""What a review could not see, in plain words.

Trials without an answer and why; whether the cases can tell a good model from a constant answer;
and options that were given up before their last case, with what that saved and what would decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.journal.trials import FaultKind
from harness.record.base import Reason
from harness.record.life import DriftFacts
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import StopFacts
from harness.record.trust import FloorFacts, FormFacts, Missingness
from harness.tell.facts import saving_if_swapped, trials_missing
from harness.tell.words import at_worst, count, points, singular, table
from harness.wording import DASH, chance, in_points, percent, plural, usd
from reports.document import Notice, Paragraph, Table
from reports.untrusted import clip

_WORDS: Mapping[str, str] = {
    FaultKind.RATE_LIMITED: "the provider's rate limit",
    FaultKind.OVERLOADED: "the provider could not serve",
    FaultKind.TIMED_OUT: "nothing came in time",
    FaultKind.CONNECTION_FAILED: "no connection",
    FaultKind.BROKEN_BODY: "the answer broke off or could not be read",
    FaultKind.AUTH_REJECTED: "the key was rejected",
    FaultKind.MODEL_NOT_FOUND: "the provider knows no such model",
    FaultKind.SDK_MISSING: "the vendor's SDK is not installed",
    FaultKind.BAD_REQUEST: "the provider refused the request",
    FaultKind.BUDGET_EXHAUSTED: "the money allowed was spent",
    FaultKind.WORKER_LOST: "a worker died",
    FaultKind.INTERRUPTED: "the run was interrupted",
    FaultKind.PROGRAM_ENDED: "the program ended before its answer",
    FaultKind.PROGRAM_TIMED_OUT: "the program took too long",
    FaultKind.PROGRAM_BABBLED: "the program wrote what is no answer",
    FaultKind.PROGRAM_GAVE_UP: "the program answered with an error",
    FaultKind.CALL_REFUSED: "the program's call was refused",
    FaultKind.CALL_WAITED: "the program did not wait for our limits",
    "NotGraded": "the judge gave no grade",
}
_LONGEST = 60
_SECOND = 2


def drift_text(drift: DriftFacts) -> str:
    """`-4.1 points, at worst -6.9, on 300 cases`."""
    basis = f"on {plural(drift.n, 'case')}" if drift.n else "the steps' own differences added up"
    return f"{points(drift.difference)} points, at worst {at_worst(drift.worst)}, {basis}"


def since_first(record: DecisionRecord) -> list[Paragraph]:
    """How far production comes from its first model, from the second step on."""
    anchor = record.anchor
    if anchor is None or anchor.steps + (anchor.next_option is not None) < _SECOND:
        return []
    steps = anchor.steps + (anchor.next_option is not None)
    found = anchor.next_drift if anchor.next_option is not None else anchor.drift
    last = anchor.next_option or record.current.option
    far = "how far is not known: a step was never tested" if found is None else drift_text(found)
    text = (
        f"{last} is step {steps} down from {anchor.option} ({anchor.since}): {far}. "
        f"All steps together may lose {in_points(anchor.budget)}."
    )
    return [Paragraph(lead="Since the first model.", runs=(text,))]


def missing_text(records: Iterable[DecisionRecord]) -> str:
    """`550 trials missing: 500 the key was rejected, 50 no connection`."""
    given = tuple(records)
    lost = sum(trials_missing(record) or 0 for record in given)
    why: Counter[str] = Counter()
    for record in given:
        why.update(_why(record))
    told = [f"{count:,} {_said(reason)}" for reason, count in why.most_common()]
    rest = lost - why.total()
    if told and rest:
        told.append(f"{rest:,} not told by the record")
    return f"{plural(lost, 'trial')} missing{': ' if told else ''}{', '.join(told)}"


def _why(record: DecisionRecord) -> Counter[str]:
    """Missing trials by reason; the incumbent's count once, as in `trials_missing`."""
    ran = [option.missing for option in record.options if option.missing is not None]
    most = max(ran, key=_of_incumbent, default=None)
    counts: Counter[str] = Counter(dict(most.why_current or ()) if most else {})
    for item in ran:
        counts.update(dict(item.why_candidate or ()))
    return counts


def _of_incumbent(item: Missingness) -> tuple[int, bool]:
    return item.current, item.why_current is not None


def _said(reason: str) -> str:
    return _WORDS.get(reason) or clip(reason, _LONGEST)


def missing_table(record: DecisionRecord) -> Table | None:
    """Why trials have no answer, by model; None where no reason is known."""
    return table(
        "Trials without an answer",
        ("option", "today's model", "candidate"),
        (
            (option.target.option, _cell(lost.why_current), _cell(lost.why_candidate))
            for option in record.options
            if (lost := option.missing) is not None and (lost.why_current or lost.why_candidate)
        ),
    )


def _cell(why: Iterable[tuple[str, int]] | None) -> str:
    return ", ".join(f"{count:,} {_said(reason)}" for reason, count in why or ()) or DASH


def form_paragraph(record: DecisionRecord, option: OptionRecord | None) -> list[Paragraph]:
    """Losses that are form and not content; empty where there are none, or it is not known."""
    found = None if option is None else option.audit
    if option is None or found is None:
        return []
    unit = record.feature.unit
    texts = [
        f"{who} did worse on {plural(len(cases), singular(unit), unit)}: {_by_form(form)}."
        for who, form, cases in (
            (option.target.option, found.form_losses, found.losses),
            ("Today's model", found.form_gains, found.gains),
        )
        if form is not None
    ]
    if not texts:
        return []
    texts.append("A prompt or a schema that asks for the form may mend that.")
    return [Paragraph(lead="Form or content?", runs=(" ".join(texts),))]


def _by_form(form: FormFacts) -> str:
    parts = {
        "by form, not content (the right answer stands in the reply, written otherwise than the "
        "scorer takes it)": form.other,
        "by a reply that holds no answer that the scorer can read": form.unread,
    }
    return "; ".join(f"{count(number)} {how}" for how, number in parts.items() if number)


_CONSTANT = {
    "empty answer": "giving no answer at all",
    "commonest target": "always giving the commonest answer",
    "fixed text": "always giving the same short text",
}


def floor_paragraph(record: DecisionRecord) -> list[Paragraph]:
    """What the cases can tell apart; empty where that is not known or is itself the verdict."""
    floor = record.evidence.floor
    if floor is None or not floor.clears or Reason.EVALSET_CANNOT_TELL in record.reason_codes:
        return []
    text = f"Yes. {floor_figures(record, floor)}"
    return [Paragraph(lead="Can these cases tell a good model from a bad one?", runs=(text,))]


def floor_figures(record: DecisionRecord, floor: FloorFacts) -> str:
    """The incumbent's score against the best constant answer's, on the same cases."""
    unit = record.feature.unit
    drawn = f"{unit} drawn at random and labelled" if floor.sampled else unit
    if floor.constant is None:
        return _alike(record, floor)
    if floor.level is None:
        best = points(floor.best_lower, signed=False)
        return (
            f"{_capital(_constant(floor))} {_verb(floor)} {_score_known_before(floor, unit)}. A "
            "model that is right on all of them would at worst score "
            f"{best} of 100, and the limit is {floor.margin:g}: not even that one could be told "
            "apart."
        )
    scored = (
        f"scored {points(floor.level, signed=False)} of 100 on {count(floor.cases)} {drawn}"
        if floor.right is None
        else f"was right on {count(floor.right)} of {count(floor.cases)} {drawn}"
    )
    if floor.assumed and floor.constant == "empty answer":
        nothing = "an empty answer is taken to score nothing"
        return f"Today's model {scored}; {nothing}.{_without_label(floor)}"
    tail = " (assumed)" if floor.assumed else ""
    constant = f"{_constant(floor)} {_verb(floor)} {_constant_score(floor)}{tail}"
    return f"Today's model {scored}; {constant}.{_without_label(floor)}"


def _without_label(floor: FloorFacts) -> str:
    """How cases without a label are counted, where the others settle it."""
    if floor.unlabelled is None:
        return ""
    ours, other = ("wrong", "right") if floor.clears else ("right", "wrong")
    which = "has no label: it counts" if floor.unlabelled == 1 else "have no label: they count"
    return (
        f" {count(floor.unlabelled)} of the cases {which} as {ours} for today's model and as "
        f"{other} for the answer that never changes."
    )


def _score_known_before(floor: FloorFacts, unit: str) -> str:
    """The constant's score where nothing was asked; a least one where a case has no label."""
    least = "at least " if floor.unlabelled else ""
    score = f"{least}{points(floor.constant_score, signed=False)} of 100"
    bare = f" ({count(floor.unlabelled)} without a label)" if floor.unlabelled else ""
    if floor.constant_right is None:
        return f"{score} on {count(floor.cases)} {unit}{bare}"
    return f"{least}{count(floor.constant_right)} of {count(floor.cases)} {unit}{bare}, {score}"


def _alike(record: DecisionRecord, floor: FloorFacts) -> str:
    return (
        f"Today's model gave one and the same answer to {points(floor.alike, signed=False)} % of "
        f"the {record.feature.unit}; no label can show that it is better than always giving that "
        "answer."
    )


def _constant(floor: FloorFacts) -> str:
    if floor.label is not None:
        return f'always answering "{floor.label}"'
    return _CONSTANT.get(floor.constant or "", "always giving the same answer")


def _verb(floor: FloorFacts) -> str:
    return "would score" if floor.constant_right is None else "would be right on"


def _constant_score(floor: FloorFacts) -> str:
    if floor.constant_right is None:
        return points(floor.constant_score, signed=False)
    return count(floor.constant_right)


def cannot_tell(record: DecisionRecord) -> str:
    """Why an eval set that cannot tell models apart leaves the verdict open, with its figures."""
    floor = record.evidence.floor
    if floor is None:
        return ""
    figures = floor_figures(record, floor)
    if floor.level is not None and floor.level_lower is None:
        return (
            f"{figures} The {record.feature.unit} all come in one group: how much of that is "
            "chance, nobody can tell."
        )
    if floor.level_lower is None or floor.constant_score is None:
        return figures
    needed = points(floor.constant_score + floor.margin, signed=False)
    return (
        f"{figures} At worst today's model scores {points(floor.level_lower, signed=False)} of "
        f"100; at least {needed} of 100 is needed: what the unchanging answer scores, and the "
        f"{in_points(floor.margin)} of the limit."
    )


def too_easy(record: DecisionRecord) -> list[Notice]:
    """A notice where every model was right on every case."""
    floor = record.evidence.floor
    if floor is None or not floor.all_right:
        return []
    text = (
        f"Every model that was asked was right on every case (100 %): these {record.feature.unit} "
        "are too easy to show a difference. That no model failed here does not say that none fails "
        "on harder ones; add such cases if there are any in production."
    )
    return [Notice(text=text)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


TO_THE_END = "was asked every case and not shown to hold the limit"
"""Said of older records, which called an option that was asked every case unlikely to pass."""


def why_stopped(record: DecisionRecord, option: OptionRecord) -> str:
    """Why an option was given up: cases seen, chance left, money saved, cases that would decide."""
    stopped = option.stopped
    if stopped is None:
        return f"It {TO_THE_END}." if was_asked_everything(record, option) else ""
    unit = record.feature.unit
    return (
        f"It was given up after {count(stopped.seen)} of {count(stopped.cases)} {unit}: "
        f"{_chance_left(stopped)}{_saved(stopped)}. {_would_decide(stopped, unit)}"
    )


def _chance_left(stopped: StopFacts) -> str:
    left = f"the chance that the rest would show it within the limit was {chance(stopped.chance)}"
    if stopped.by_share:
        return f"{left}, too small beside those of the others"
    return f"{left} (it is given up below {percent(stopped.threshold, 1)})"


def _saved(stopped: StopFacts) -> str:
    return f"; stopping saved {usd(stopped.saved_usd)}" if stopped.saved_usd else ""


def _would_decide(stopped: StopFacts, unit: str) -> str:
    if stopped.cases_to_decide is None:
        return "As it was seen, no number of cases is likely to show it within the limit."
    return f"As it was seen, about {count(stopped.cases_to_decide)} {unit} would decide."


def cases_that_would_change(record: DecisionRecord) -> list[str]:
    """For each option given up early, the cases that would decide, their cost and worth.

    Fewest cases first.
    """
    found: list[tuple[int, str]] = []
    for option in record.options:
        stopped = option.stopped
        if stopped is None or stopped.cases_to_decide is None:
            continue
        found.append((stopped.cases_to_decide, _offer(record, option, stopped)))
    return [text for _, text in sorted(found)]


def _offer(record: DecisionRecord, option: OptionRecord, stopped: StopFacts) -> str:
    total, unit = stopped.cases_to_decide or 0, record.feature.unit
    more = max(total - stopped.cases, 0)
    cases = (
        f"{count(more)} more {unit} ({count(total)} in all)"
        if more
        else f"All {count(total)} {unit}"
    )
    cost, saving = stopped.cost_to_decide_usd, saving_if_swapped(record, option)
    price = f", for {usd(cost)} of calls" if cost else ""
    worth = f", worth up to {usd(saving)} a month" if saving is not None and saving > 0 else ""
    return f"{cases}: they would decide on {option.target.option}{price}{worth}."


def was_asked_everything(record: DecisionRecord, option: OptionRecord) -> bool:
    """Whether an older record called an option unlikely to pass that was asked every case."""
    quality = option.quality
    if option.stopped is not None or quality is None or not quality.looks:
        return False
    if Reason.UNLIKELY_TO_PASS not in option.reason_codes:
        return False
    last, lost = quality.looks[-1], option.missing
    missing = 0 if lost is None else lost.current + lost.candidate
    return last.action == "futile" and last.n + missing >= record.evidence.eval_set.deciding


def stops_table(record: DecisionRecord) -> Table | None:
    """One row for each option that was given up early; None without any."""
    return table(
        "Given up before the last case",
        (
            "option",
            "cases",
            "of",
            "chance left",
            "given up below",
            "part of the error allowed",
            "given up below this part",
            "saved",
            "cases that would decide",
            "their cost",
        ),
        (
            _cells(option.target.option, option.stopped)
            for option in record.options
            if option.stopped is not None
        ),
    )


def _cells(name: str, stopped: StopFacts) -> tuple[str, ...]:
    return (
        name,
        count(stopped.seen),
        count(stopped.cases),
        chance(stopped.chance),
        percent(stopped.threshold, 1),
        DASH if stopped.share is None else percent(stopped.share, 1),
        DASH if stopped.least_share is None else percent(stopped.least_share, 1),
        usd(stopped.saved_usd),
        "no number is likely to"
        if stopped.cases_to_decide is None
        else count(stopped.cases_to_decide),
        usd(stopped.cost_to_decide_usd),
    )
