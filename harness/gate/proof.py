"""The proof that a change needs: a new model must be shown non-inferior, a prompt not harmful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.gate.evidence import LockedAndProposed, doubts, newest
from harness.gate.findings import Cause, Change, Outcome, QualityEvidence, Violation
from harness.gate.inputs import (
    GateInput,
    ProductionSettings,
    RepricedRecord,
    is_option,
    names_of,
    shown,
    speaks_for,
)
from harness.gate.money import budget, priced
from harness.record.base import Finding as Found
from harness.record.base import Reason, Result, State
from harness.record.lock import LockedModel
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord, Target
from harness.workspace.model_file import is_tuned
from harness.workspace.policy_file import GateRule

_REVIEW = "run `rightsize review` and `rightsize decide`, then `rightsize lock`"
_BROKEN: dict[Reason, tuple[GateRule, Cause]] = {
    Reason.GUARDRAIL_FAILED: (GateRule.GUARDRAIL, Cause.GUARDRAIL_FAILED),
    Reason.SLICE_REGRESSION: (GateRule.GUARDRAIL, Cause.SLICE_REGRESSION),
    Reason.LATENCY_SLO_MISSED: (GateRule.LATENCY, Cause.LATENCY_SLO_MISSED),
    Reason.PRICE_MISSING: (GateRule.UNPRICED, Cause.PRICE_MISSING),
    Reason.DATA_NOT_PERMITTED: (GateRule.NOT_PERMITTED, Cause.DATA_NOT_PERMITTED),
    Reason.MODEL_RETIRING: (GateRule.RETIRING, Cause.MODEL_RETIRING),
}
"""Reasons of an option that have their own gate rule."""
_HARM_OUTLASTS = {Cause.EVIDENCE_STALE, Cause.REJECTED}
"""Doubts that end what a record allows, and leave the harm that it has shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A change and the findings about it."""

    findings: tuple[Violation, ...]
    change: Change


def judge_model(given: GateInput, case: LockedAndProposed, was: LockedModel) -> Judged:
    """Judge a model other than the locked one: it must be shown non-inferior."""
    what = f"{was.option} -> {shown(case.asked)}"
    pairs = (
        (evidence, option)
        for evidence in newest(given, case.entry.feature)
        for option in evidence.record.options
        if is_option(case.asked, evidence.record, option)
    )
    found = next(pairs, None)
    if found is None:
        return _without_evidence(given, case, what)
    evidence, option = found
    findings = tuple(_proof(given, case, evidence, option, what if was.cascade else ""))
    return Judged(findings=findings, change=_change(given, case, what, evidence, option))


def _proof(
    given: GateInput,
    case: LockedAndProposed,
    evidence: RepricedRecord,
    option: OptionRecord,
    what: str,
) -> Iterator[Violation]:
    """What a record says of an option that must be shown non-inferior, and why it may not count."""
    feature = case.entry.feature
    yield from _doubted(given, case, evidence, option.target, GateRule.MODEL)
    yield from _shown_non_inferior(feature, evidence.record, option, what)
    yield from _not_signed(given, feature, evidence.record)
    yield from _money(given, feature, evidence, option)


def judge_unlocked(
    feature: str, asked: ProductionSettings, record: DecisionRecord
) -> Iterator[Judged]:
    """Judge the model of a feature that nothing is locked for: it must not have failed."""
    for option in record.options:
        if option.result is Result.FAIL and is_option(asked, record, option):
            what = f"{record.current.option} -> {shown(asked)}, which failed its review"
            findings = tuple(_shown_non_inferior(feature, record, option, what))
            yield Judged(findings=findings, change=Change(feature=feature, what=what))


def judge_changed_request(
    given: GateInput, case: LockedAndProposed, was: LockedModel, what: str
) -> Judged:
    """Judge the locked model with another prompt or parameters: it must not be shown harmful.

    Of a tuned option the prompt is what was signed, so another one needs the proof of a model.
    """
    feature = case.entry.feature
    seen: list[str] = []
    for evidence, option in _asked_so(given, case, was):
        record = evidence.record
        change = _change(given, case, what, evidence, option)
        if option is not None and is_tuned(was.option):
            name = f"{was.option} with another {what}"
            return Judged(
                findings=tuple(_proof(given, case, evidence, option, name)), change=change
            )
        target = record.current if option is None else option.target
        doubted = doubts(given, case, evidence, target)
        found = _harm(feature, record, option, what)
        harmed = found.outcome is Outcome.FAIL
        if not doubted or (harmed and {doubt.code for doubt in doubted} <= _HARM_OUTLASTS):
            return Judged(findings=(found,), change=change)
        seen.append(f"{found.message}, but {doubted[0].message}")
    found = _untested(feature, was, what, seen)
    return Judged(findings=(found,), change=Change(feature=feature, what=what))


def _asked_so(
    given: GateInput, case: LockedAndProposed, was: LockedModel
) -> Iterator[tuple[RepricedRecord, OptionRecord | None]]:
    """Each record that asked the locked model as proposed, newest first; None: as its incumbent.

    An incumbent was compared with nothing: for a tuned option only today's model as it was says
    something, because that is what the signed prompt was compared with.
    """
    before = case.entry.before
    for evidence in newest(given, case.entry.feature):
        current = evidence.record.current
        as_before = (current.prompt_sha256, current.params_sha256) == (
            before.prompt_sha256,
            before.params_sha256,
        )
        same = was.cascade is None and bool(names_of(current) & names_of(was))
        stays = same and (as_before or not is_tuned(was.option))
        options = evidence.record.options
        option = next((one for one in options if _is_asked_so(case, one, was)), None)
        if option is not None or (stays and _asks_so(case, current)):
            yield evidence, option


def _untested(feature: str, was: LockedModel, what: str, seen: Sequence[str]) -> Violation:
    """Of a tuned option the prompt is what was signed: another one is as untested as a model.

    `seen` says of each record that asked so, newest first, why it does not count. How much a
    prompt that no record has weighs, is the policy's (`findings.weighed`): by default it warns.
    """
    tuned = is_tuned(was.option)
    signed = f"{was.option} was signed for its prompt"
    if tuned:
        known = f"{what} changed, and {signed}: no record has this one"
        message = f"{seen[0]}, and {signed}" if seen else known
    else:
        known = seen[0] if seen else f"{what} changed and nothing shows harm"
        message = f"{known}; provisional until the next review"
    return Violation(
        feature=feature,
        rule=GateRule.MODEL if tuned else GateRule.PROMPT,
        code=Cause.EVIDENCE_MISSING if tuned else Cause.PROVISIONAL,
        outcome=Outcome.FAIL,
        message=message,
        advice=_REVIEW,
    )


def judge_evalset(given: GateInput, case: LockedAndProposed, was: LockedModel) -> Judged:
    """Judge another eval set: a record made with it must agree with the lock."""
    feature, what = case.entry.feature, "eval set"
    for evidence in newest(given, feature):
        record = evidence.record
        if record.evidence.eval_set.inputs_sha256 != case.proposed.inputs_sha256:
            continue
        option = next((one for one in record.options if speaks_for(one, was)), None)
        stays = was.cascade is None and bool(names_of(record.current) & names_of(was))
        target = record.current if option is None else option.target
        if option is None and not stays:
            continue
        problems = tuple(_doubted(given, case, evidence, target, GateRule.EVALSET))
        backed = stays or (option is not None and option.result is Result.PASS)
        verdict = _evalset_verdict(feature, record, backed=backed)
        return Judged(
            findings=problems or (verdict,), change=_change(given, case, what, evidence, option)
        )
    missing = Violation(
        feature=feature,
        rule=GateRule.EVALSET,
        code=Cause.EVIDENCE_MISSING,
        outcome=Outcome.FAIL,
        message="the eval set changed and no record was made with it",
        advice=_REVIEW,
    )
    return Judged(findings=(missing,), change=Change(feature=feature, what=what))


def _evalset_verdict(feature: str, record: DecisionRecord, *, backed: bool) -> Violation:
    harmed = record.finding in {Found.UNDER_PROVISIONED, Found.INSUFFICIENT_EVIDENCE}
    good = backed and not harmed
    return Violation(
        feature=feature,
        rule=GateRule.EVALSET,
        code=Cause.EVIDENCE_FITS if good else Cause.NOT_SHOWN_NON_INFERIOR,
        outcome=Outcome.PASS if good else Outcome.FAIL,
        message=f"{record.decision_id} was made with the new eval set and "
        f"{'comes to the same' if good else 'does not come to what is locked'}",
    )


def _without_evidence(given: GateInput, case: LockedAndProposed, what: str) -> Judged:
    where = (
        "this repository has no records; commit the lock of the accepted decision"
        if given.evidence is None
        else _REVIEW
    )
    missing = Violation(
        feature=case.entry.feature,
        rule=GateRule.MODEL,
        code=Cause.EVIDENCE_MISSING,
        outcome=Outcome.FAIL,
        message=f"{what} at {case.proposed.place}: no record compares {shown(case.asked)}",
        advice=where,
    )
    return Judged(findings=(missing,), change=Change(feature=case.entry.feature, what=what))


def _doubted(
    given: GateInput,
    case: LockedAndProposed,
    evidence: RepricedRecord,
    target: Target,
    rule: GateRule,
) -> Iterator[Violation]:
    for doubt in doubts(given, case, evidence, target):
        yield Violation(
            feature=case.entry.feature,
            rule=rule,
            code=doubt.code,
            outcome=doubt.outcome,
            message=doubt.message,
            advice=_REVIEW,
        )


def _shown_non_inferior(
    feature: str, record: DecisionRecord, option: OptionRecord, what: str
) -> Iterator[Violation]:
    """Findings on quality; `what` names the change where the option's name does not."""
    name = what or option.target.option
    if option.result is Result.PASS:
        message = f"{record.decision_id} shows {option.target.option} non-inferior: {option.note}"
        yield Violation(
            feature=feature,
            rule=GateRule.MODEL,
            code=Cause.SHOWN_NON_INFERIOR,
            outcome=Outcome.PASS,
            message=message,
        )
        return
    named = [reason for reason in option.reason_codes if reason in _BROKEN]
    for reason in named:
        rule, code = _BROKEN[reason]
        yield _failed(feature, rule, code, f"{name}: {option.note}")
    if not named:
        worse = Reason.QUALITY_INFERIOR in option.reason_codes
        code = Cause.SHOWN_WORSE if worse else Cause.NOT_SHOWN_NON_INFERIOR
        yield _failed(feature, GateRule.MODEL, code, f"{name}: {option.note}")


def _not_signed(given: GateInput, feature: str, record: DecisionRecord) -> Iterator[Violation]:
    why = given.unsigned.get(record.etag)
    if why is not None:
        yield _failed(feature, GateRule.MODEL, Cause.NOT_SIGNED, f"{record.decision_id}: {why}")
    elif record.state in {State.PROPOSED, State.DEFERRED}:
        yield Violation(
            feature=feature,
            rule=GateRule.MODEL,
            code=Cause.NOT_ACCEPTED_YET,
            outcome=Outcome.WARN,
            message=f"{record.decision_id} is {record.state.value}: nobody accepted it yet",
            advice=f"rightsize decide {feature} accept",
        )


def _money(
    given: GateInput, feature: str, evidence: RepricedRecord, option: OptionRecord
) -> tuple[Violation, ...]:
    repriced = evidence.at_today
    after = next(one for one in repriced.options if one.target == option.target)
    spent = evidence.record.evidence.spend.total_usd
    return budget(feature, priced(repriced.current_cost, after.cost), spent, given.rules)


def _harm(
    feature: str, record: DecisionRecord, option: OptionRecord | None, what: str
) -> Violation:
    if option is None:
        harmed = record.finding is Found.UNDER_PROVISIONED
    else:
        harmed = bool({Reason.QUALITY_INFERIOR, *_BROKEN} & set(option.reason_codes))
    return Violation(
        feature=feature,
        rule=GateRule.PROMPT,
        code=Cause.SHOWN_WORSE if harmed else Cause.EVIDENCE_FITS,
        outcome=Outcome.FAIL if harmed else Outcome.PASS,
        message=f"{what} changed; {record.decision_id} "
        f"{'shows harm' if harmed else 'was made with it and shows no harm'}",
    )


def _is_asked_so(case: LockedAndProposed, option: OptionRecord, was: LockedModel) -> bool:
    """Whether the record asked this option with the proposed prompt and parameters."""
    return speaks_for(option, was) and _asks_so(case, option.target)


def _asks_so(case: LockedAndProposed, target: Target) -> bool:
    asked = case.asked
    prompt = asked.prompt_sha256 in {None, target.prompt_sha256}
    return prompt and asked.params_sha256 in {None, target.params_sha256}


def _failed(feature: str, rule: GateRule, code: Cause, message: str) -> Violation:
    return Violation(feature=feature, rule=rule, code=code, outcome=Outcome.FAIL, message=message)


def _change(
    given: GateInput,
    case: LockedAndProposed,
    what: str,
    evidence: RepricedRecord,
    option: OptionRecord | None,
) -> Change:
    record, repriced = evidence.record, evidence.at_today
    after = next(
        (one for one in repriced.options if option is not None and one.target == option.target),
        None,
    )
    quality = None if option is None else option.quality
    return Change(
        feature=case.entry.feature,
        what=what,
        decision_id=record.decision_id,
        evidence_day=record.generated_at.date(),
        evidence_age_days=max((given.now.date() - record.generated_at.date()).days, 0),
        shown=None
        if quality is None
        else QualityEvidence(
            metric=quality.metric,
            n=quality.n,
            difference=quality.difference,
            worst=quality.worst,
            margin=quality.margin,
        ),
        priced=None if after is None else priced(repriced.current_cost, after.cost),
        evaluation_usd=record.evidence.spend.total_usd,
    )
