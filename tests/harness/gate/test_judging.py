"""The gate's answers, scenario by scenario: what changed, which evidence there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import ExitCode
from harness.gate.findings import Cause, Outcome
from harness.gate.inputs import GateInput
from harness.gate.judging import judge
from harness.record.base import Finding, Reason, Result, State
from harness.record.lock import lock_of
from tests.support.gates import (
    FEATURE,
    OTHER,
    a_use,
    accepted,
    an_evidence_of,
    asked,
    broken,
    dearer,
    given,
    marked,
    new_set,
    newer,
    on_new_set,
    proposed,
    reprompt,
    reprompted,
    rules,
    swap,
)
from tests.support.record_parts import (
    a_cost,
    a_look,
    a_margin,
    a_quality,
    a_spend,
    a_target,
    an_eval_set,
    an_evidence,
)
from tests.support.records import NOW

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import Target

LATE = datetime(2027, 6, 1, tzinfo=UTC)


def last_day() -> datetime:
    """The last minute in which the accepted decision may be relied on."""
    end = given().lock.features[FEATURE].expires_at
    return datetime.combine(end, time(23, 59), tzinfo=UTC)


PASS, WARN, FAIL, CANNOT = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.CANNOT_TELL

UNKNOWN = (proposed(asked=asked("mistral-large")),)

SCENARIOS: dict[str, tuple[GateInput, Outcome, Cause | None]] = {
    "nothing changed": (given(), PASS, None),
    "nothing changed, no records here": (given(evidence=None), PASS, None),
    "accepted, production still asks the old model": (
        given(proposed=(proposed(asked=asked("claude-opus-4-5")),)),
        PASS,
        Cause.NOT_YET_IN_PRODUCTION,
    ),
    "through a gateway's name": (
        given(proposed=(proposed(asked=asked("openrouter/anthropic/claude-haiku-4-5")),)),
        PASS,
        None,
    ),
    "unchanged but expired": (given(now=LATE), WARN, Cause.EXPIRED),
    "unchanged but expired, off": (
        given(now=LATE, rules=rules(expired_unchanged="off")),
        PASS,
        None,
    ),
    "unchanged but expired, fail": (
        given(now=LATE, rules=rules(expired_unchanged="fail")),
        FAIL,
        Cause.EXPIRED,
    ),
    "unchanged on the decision's last day": (given(now=last_day()), PASS, None),
    "unchanged a day later": (given(now=last_day() + timedelta(days=1)), WARN, Cause.EXPIRED),
    "adopted on the decision's last day": (
        given(now=last_day(), proposed=(proposed(asked_before="claude-opus-4-5"),)),
        PASS,
        None,
    ),
    "an expired decision is adopted": (
        given(now=LATE, proposed=(proposed(asked_before="claude-opus-4-5"),)),
        FAIL,
        Cause.EVIDENCE_STALE,
    ),
    "another model that was never asked": (swap(), FAIL, Cause.NOT_SHOWN_NON_INFERIOR),
    "another model without a record": (swap(proposed=UNKNOWN), FAIL, Cause.EVIDENCE_MISSING),
    "another model without a record, warn": (
        swap(proposed=UNKNOWN, rules=rules(model="warn")),
        WARN,
        Cause.EVIDENCE_MISSING,
    ),
    "another model without a record, off": (swap(rules=rules(model="off")), PASS, None),
    "another model in a repository without records": (
        swap(evidence=None),
        FAIL,
        Cause.EVIDENCE_MISSING,
    ),
    "another model shown non-inferior, not signed": (swap(newer()), WARN, Cause.NOT_ACCEPTED_YET),
    "another model shown non-inferior, signed": (
        swap(newer(state=State.ACCEPTED)),
        PASS,
        Cause.SHOWN_NON_INFERIOR,
    ),
    "another model, rejected": (swap(newer(state=State.REJECTED)), FAIL, Cause.REJECTED),
    "another model, shown worse": (
        swap(broken(Reason.QUALITY_INFERIOR)),
        FAIL,
        Cause.SHOWN_WORSE,
    ),
    "shown worse is a failure even where the rule warns": (
        swap(broken(Reason.QUALITY_INFERIOR), rules=rules(model="warn")),
        FAIL,
        Cause.SHOWN_WORSE,
    ),
    "another model, undecided": (
        swap(newer({"result": Result.UNDECIDED, "reason_codes": (Reason.QUALITY_UNDECIDED,)})),
        FAIL,
        Cause.NOT_SHOWN_NON_INFERIOR,
    ),
    "another model, guardrail broken": (
        swap(broken(Reason.GUARDRAIL_FAILED)),
        FAIL,
        Cause.GUARDRAIL_FAILED,
    ),
    "another model, guardrail broken, warn": (
        swap(broken(Reason.GUARDRAIL_FAILED), rules=rules(guardrail="warn", model="warn")),
        WARN,
        Cause.GUARDRAIL_FAILED,
    ),
    "another model, slice broken": (
        swap(broken(Reason.SLICE_REGRESSION)),
        FAIL,
        Cause.SLICE_REGRESSION,
    ),
    "another model, too slow": (
        swap(broken(Reason.LATENCY_SLO_MISSED)),
        FAIL,
        Cause.LATENCY_SLO_MISSED,
    ),
    "another model, not permitted in the record": (
        swap(broken(Reason.DATA_NOT_PERMITTED)),
        FAIL,
        Cause.DATA_NOT_PERMITTED,
    ),
    "another model, not permitted today": (
        swap(
            newer(state=State.ACCEPTED),
            proposed=(proposed(asked=asked(OTHER, may_see=("public",))),),
        ),
        FAIL,
        Cause.DATA_NOT_PERMITTED,
    ),
    "another model without a price": (
        swap(
            newer(state=State.ACCEPTED), proposed=(proposed(asked=asked(OTHER, has_price=False)),)
        ),
        FAIL,
        Cause.PRICE_MISSING,
    ),
    "another model that is retired": (
        swap(
            newer(state=State.ACCEPTED),
            proposed=(proposed(asked=asked(OTHER, retires_on=NOW.date())),),
        ),
        FAIL,
        Cause.MODEL_RETIRING,
    ),
    "exploratory evidence: scorer changed after answers": (
        swap(marked("a scorer was changed after answers existed")),
        FAIL,
        Cause.EVIDENCE_EXPLORATORY,
    ),
    "stale evidence": (
        swap(newer(expires_at=NOW.date() - timedelta(1))),
        FAIL,
        Cause.EVIDENCE_STALE,
    ),
    "evidence of another eval set": (
        swap(newer(evidence=an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32)))),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "evidence against another incumbent": (
        swap(newer(current=a_target("gpt-5"))),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "evidence with another prompt": (
        swap(newer({"target": a_target(OTHER, prompt_sha256="ef" * 32)})),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "evidence with other parameters": (
        swap(newer({"target": a_target(OTHER, params_sha256="ef" * 32)})),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "policy changed after the answers": (
        swap(newer(), policy_sha256="00" * 32),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "a wider margin than agreed": (
        swap(newer(margin=a_margin(value=9.0))),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "run incomplete": (
        swap(newer(reason_codes=(Reason.RUN_INCOMPLETE,))),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "seed drawn again": (
        swap(evidence=(an_evidence_of(accepted()), an_evidence_of(newer(), seed="11" * 32))),
        FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "the seed that follows": (
        swap(
            evidence=(
                an_evidence_of(accepted()),
                an_evidence_of(newer(state=State.ACCEPTED), seed="78" * 32),
            )
        ),
        PASS,
        Cause.SHOWN_NON_INFERIOR,
    ),
    "tested beyond its plan": (
        swap(newer({"quality": a_quality(looks=tuple(a_look(n) for n in range(1, 7)))})),
        FAIL,
        Cause.BEYOND_PLAN,
    ),
    "a record from the future": (
        swap(newer(generated_at=NOW + timedelta(days=2))),
        CANNOT,
        Cause.CLOCK_SKEW,
    ),
    "a month costs too much": (
        swap(dearer(monthly_after_discounts=Decimal(9000))),
        FAIL,
        Cause.MONTHLY_COST,
    ),
    "a month costs too much, warn": (
        swap(dearer(monthly_after_discounts=Decimal(9000)), rules=rules(budget="warn")),
        WARN,
        Cause.MONTHLY_COST,
    ),
    "an absolute limit": (
        swap(dearer(monthly_after_discounts=Decimal(3200)), rules=rules(monthly_increase_usd="50")),
        FAIL,
        Cause.MONTHLY_COST,
    ),
    "a request costs too much": (
        swap(dearer(per_request=Decimal("0.05")), rules=rules(request_increase_percent=5)),
        FAIL,
        Cause.REQUEST_COST,
    ),
    "a request costs as agreed": (
        swap(newer(state=State.ACCEPTED), rules=rules(request_increase_percent=5)),
        PASS,
        Cause.SHOWN_NON_INFERIOR,
    ),
    "cost a request unknown": (
        swap(dearer(per_request=None), rules=rules(request_increase_percent=5)),
        CANNOT,
        Cause.COST_UNKNOWN,
    ),
    "cost a month unknown": (
        swap(dearer(monthly_after_discounts=None)),
        CANNOT,
        Cause.COST_UNKNOWN,
    ),
    "the evaluation cost too much": (
        swap(newer(evidence=an_evidence(spend=a_spend(total_usd=Decimal(101))))),
        FAIL,
        Cause.EVALUATION_COST,
    ),
    "another prompt, nothing known": (reprompt(), WARN, Cause.PROVISIONAL),
    "another prompt, nothing known, fail": (
        reprompt(rules=rules(prompt="fail")),
        FAIL,
        Cause.PROVISIONAL,
    ),
    "another prompt, for a risky feature": (
        reprompt(rules=rules(by_risk={"medium": {"prompt": "fail"}})),
        FAIL,
        Cause.PROVISIONAL,
    ),
    "another prompt, a feature's own rule wins": (
        reprompt(
            rules=rules(
                by_risk={"medium": {"prompt": "fail"}}, by_feature={FEATURE: {"prompt": "off"}}
            )
        ),
        PASS,
        None,
    ),
    "another prompt, harm shown": (
        reprompt(reprompted(result=Result.FAIL, reason_codes=(Reason.QUALITY_INFERIOR,))),
        FAIL,
        Cause.SHOWN_WORSE,
    ),
    "another prompt, no harm shown": (reprompt(reprompted()), PASS, Cause.EVIDENCE_FITS),
    "another prompt, evidence of another eval set is none": (
        reprompt(
            newer(
                {"target": a_target(prompt_sha256="ef" * 32)},
                evidence=an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32)),
            )
        ),
        WARN,
        Cause.PROVISIONAL,
    ),
    "other parameters": (
        given(proposed=(proposed(asked=asked(params_sha256="ef" * 32)),)),
        WARN,
        Cause.PROVISIONAL,
    ),
    "another eval set, no record": (new_set(), FAIL, Cause.EVIDENCE_MISSING),
    "another eval set, warn": (new_set(rules=rules(evalset="warn")), WARN, Cause.EVIDENCE_MISSING),
    "another eval set, same choice": (new_set(on_new_set()), PASS, Cause.EVIDENCE_FITS),
    "another eval set, not decided on it": (
        new_set(on_new_set(finding=Finding.INSUFFICIENT_EVIDENCE)),
        FAIL,
        Cause.NOT_SHOWN_NON_INFERIOR,
    ),
    "another eval set, exploratory": (
        new_set(
            on_new_set(
                evidence=an_evidence(
                    eval_set=an_eval_set(inputs_sha256="99" * 32), exploratory=("policy changed",)
                )
            )
        ),
        FAIL,
        Cause.EVIDENCE_EXPLORATORY,
    ),
    "a setting that says nothing": (
        given(proposed=(proposed(asked=None, unreadable="nothing is there"),)),
        CANNOT,
        Cause.UNREADABLE,
    ),
    "a feature without a decision": (
        given(proposed=(proposed(feature="new"),)),
        WARN,
        Cause.UNLOCKED,
    ),
    "a feature without a decision, fail": (
        given(proposed=(proposed(feature="new"),), rules=rules(unlocked="fail")),
        FAIL,
        Cause.UNLOCKED,
    ),
    "its entry was removed": (
        given(lock=lock_of([], {}), lock_before=given().lock),
        FAIL,
        Cause.LOCK_ENTRY_REMOVED,
    ),
    "the lock rests on no record": (given(evidence=()), FAIL, Cause.LOCK_NOT_BACKED),
    "the lock rests on what was rejected since": (
        given(evidence=(an_evidence_of(accepted(state=State.REJECTED)),)),
        FAIL,
        Cause.LOCK_NOT_BACKED,
    ),
    "the lock rests on an accepted record, and one not decided yet lies beside it": (
        given(
            evidence=(
                an_evidence_of(accepted(state=State.PROPOSED)),
                an_evidence_of(accepted()),
            )
        ),
        PASS,
        None,
    ),
    "the lock's record is from the future": (
        given(accepted(generated_at=NOW + timedelta(days=2))),
        CANNOT,
        Cause.CLOCK_SKEW,
    ),
    "a model that nobody claims": (given(added=(a_use(),)), FAIL, Cause.UNCLAIMED_MODEL),
    "a model that nobody claims, warn": (
        given(added=(a_use(),), rules=rules(unclaimed_model="warn")),
        WARN,
        Cause.UNCLAIMED_MODEL,
    ),
    "a model that nobody claims, off": (
        given(added=(a_use(),), rules=rules(unclaimed_model="off")),
        PASS,
        None,
    ),
    "a model in a test": (given(added=(a_use(kind="test"),)), PASS, None),
    "a model in a catalogue": (given(added=(a_use(listed=True),)), PASS, None),
    "a model that a feature claims": (
        given(added=(a_use(written="claude-opus-4-5", model_id="claude-opus-4-5"),)),
        PASS,
        None,
    ),
    "the model that was read at the setting": (
        given(
            proposed=(proposed(written="gpt-5"),),
            added=(a_use(path="settings.toml"),),
        ),
        PASS,
        None,
    ),
    "another model beside the setting": (
        given(added=(a_use(path="settings.toml"),)),
        FAIL,
        Cause.UNCLAIMED_MODEL,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    scene, outcome, code = SCENARIOS[name]
    report = judge(scene)
    codes = {one.code for one in report.findings if one.outcome is outcome}
    assert report.outcome is outcome, report.findings
    assert code in codes if code else not report.findings
    wanted = {FAIL: ExitCode.GATE_FAILED, CANNOT: ExitCode.CANNOT_TELL}
    assert report.exit_code == wanted.get(outcome, ExitCode.OK)


HARM = {
    "QUALITY_INFERIOR",
    "GUARDRAIL_FAILED",
    "SLICE_REGRESSION",
    "LATENCY_SLO_MISSED",
    "PRICE_MISSING",
    "DATA_NOT_PERMITTED",
    "MODEL_RETIRING",
}


@pytest.mark.parametrize("reason", Reason)
def test_a_changed_prompt_fails_by_whatever_was_shown_broken_with_it(reason: Reason) -> None:
    """A guardrail, a slice or the latency is harm as much as the primary score is."""
    record = reprompted(result=Result.FAIL, reason_codes=(reason,), note="why")
    (found,) = judge(reprompt(record)).findings
    wanted = (Cause.SHOWN_WORSE, FAIL) if reason in HARM else (Cause.EVIDENCE_FITS, PASS)
    assert (found.rule, found.code, found.outcome) == ("prompt", *wanted)


def asked_with_it(option: dict[str, Any], **over: Any) -> DecisionRecord:
    return newer({"target": a_target(prompt_sha256="ef" * 32), **option}, **over)


HARMED = {"result": Result.FAIL, "reason_codes": (Reason.QUALITY_INFERIOR,)}
ENDED = {"expires_at": NOW.date() - timedelta(1)}
OTHER_SET = {"evidence": an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32))}


@pytest.mark.parametrize(
    ("record", "outcome", "code", "words"),
    [
        (asked_with_it(HARMED, **ENDED), FAIL, Cause.SHOWN_WORSE, "shows harm"),
        (asked_with_it({}, **ENDED), WARN, Cause.PROVISIONAL, "may be relied on until"),
        (asked_with_it(HARMED, **OTHER_SET), WARN, Cause.PROVISIONAL, "shows harm, but"),
    ],
    ids=["harm outlasts its record", "no harm does not", "harm on other cases is told"],
)
def test_a_record_that_no_longer_counts_is_told_of_a_changed_prompt(
    record: DecisionRecord, outcome: Outcome, code: Cause, words: str
) -> None:
    (found,) = judge(reprompt(record)).findings
    assert (found.rule, found.code, found.outcome) == ("prompt", code, outcome)
    assert words in found.message
    assert "nothing shows harm" not in found.message


TUNED = "claude-haiku-4-5~tuned"
ACCEPTED = {"state": State.ACCEPTED, "chosen": TUNED}


def tuned_target(prompt: str, **over: Any) -> Target:
    return a_target(TUNED, model_id="claude-haiku-4-5", prompt_sha256=prompt * 32, **over)


def tuned_with_it(option: dict[str, Any], **over: Any) -> DecisionRecord:
    """A second review, which asked the tuned option with the prompt that the change has."""
    return newer({"target": tuned_target("ef"), **option}, **{**ACCEPTED, **over})


def retuned(record: DecisionRecord | None = None, **over: Any) -> GateInput:
    """The locked option was signed for its prompt, and a change gives it another one."""
    plain = accepted()
    own = plain.options[2].model_copy(update={"target": tuned_target("cd")})
    signed = accepted(options=(*plain.options[:2], own), chosen=TUNED)
    evidence = (an_evidence_of(signed), *([an_evidence_of(record)] if record else ()))
    changed = proposed(asked=asked(TUNED, model_id="claude-haiku-4-5", prompt_sha256="ef" * 32))
    return given(signed, **{"proposed": (changed,), "evidence": evidence, **over})


UNSHOWN = {"result": Result.UNDECIDED, "reason_codes": (Reason.QUALITY_UNDECIDED,), "note": "why"}
AS_INCUMBENT = newer({}, state=State.ACCEPTED, current=tuned_target("ef"))
COSTS_MORE = {"cost": a_cost(monthly_after_discounts=Decimal(9000))}


@pytest.mark.parametrize(
    ("record", "outcome", "codes", "words"),
    [
        (None, FAIL, [Cause.EVIDENCE_MISSING], "signed for its prompt: no record has this one"),
        (tuned_with_it({}), PASS, [Cause.SHOWN_NON_INFERIOR], "shows claude-haiku-4-5~tuned non"),
        (
            tuned_with_it({}, state=State.PROPOSED),
            WARN,
            [Cause.SHOWN_NON_INFERIOR, Cause.NOT_ACCEPTED_YET],
            "nobody accepted it yet",
        ),
        (
            tuned_with_it({}, **ENDED),
            FAIL,
            [Cause.EVIDENCE_STALE, Cause.SHOWN_NON_INFERIOR],
            "may be relied on until",
        ),
        (
            tuned_with_it(UNSHOWN),
            FAIL,
            [Cause.NOT_SHOWN_NON_INFERIOR],
            "claude-haiku-4-5~tuned with another prompt: why",
        ),
        (tuned_with_it(HARMED), FAIL, [Cause.SHOWN_WORSE], "with another prompt"),
        (
            tuned_with_it(COSTS_MORE),
            FAIL,
            [Cause.SHOWN_NON_INFERIOR, Cause.MONTHLY_COST],
            "a month, at most 10 % more is agreed",
        ),
        (
            tuned_with_it({}, **OTHER_SET),
            FAIL,
            [Cause.NOT_COMPARABLE, Cause.SHOWN_NON_INFERIOR],
            "was made on another eval set",
        ),
        (AS_INCUMBENT, FAIL, [Cause.EVIDENCE_MISSING], "no record has this one"),
    ],
    ids=[
        "no record",
        "shown non-inferior",
        "not accepted yet",
        "ended",
        "not shown",
        "shown worse",
        "dearer",
        "on other cases",
        "asked so as the incumbent, and compared with nothing",
    ],
)
def test_another_prompt_of_a_tuned_option_needs_the_proof_of_another_model(
    record: DecisionRecord | None, outcome: Outcome, codes: list[Cause], words: str
) -> None:
    report = judge(retuned(record))
    assert report.outcome is outcome
    assert [one.code for one in report.findings] == codes
    assert any(words in one.message for one in report.findings), report.findings


def test_an_unsigned_record_shows_nothing_of_a_tuned_options_other_prompt() -> None:
    record = tuned_with_it({})
    report = judge(retuned(record, unsigned={record.etag: "nobody signed it"}))
    assert report.outcome is FAIL
    (found,) = [one for one in report.findings if one.code is Cause.NOT_SIGNED]
    assert found.message == f"{record.decision_id}: nobody signed it"


def test_a_tuned_option_may_go_back_to_the_prompt_that_it_was_compared_with() -> None:
    """The same model under its prompt from before is what production asked when it was signed."""
    today = a_target("claude-haiku-4-5", prompt_sha256="ef" * 32)
    plain = accepted(current=today)
    own = plain.options[2].model_copy(update={"target": tuned_target("cd")})
    signed = accepted(current=today, options=(*plain.options[:2], own), chosen=TUNED)
    back = proposed(asked=asked(TUNED, model_id="claude-haiku-4-5", prompt_sha256="ef" * 32))
    (found,) = judge(given(signed, proposed=(back,))).findings
    assert (found.code, found.outcome) == (Cause.EVIDENCE_FITS, PASS)


def test_prices_that_rose_warn_without_a_change() -> None:
    record = accepted()
    option = record.options[2]
    cost = option.cost.model_copy(update={"monthly_after_discounts": Decimal(2000)})
    options = (*record.options[:2], option.model_copy(update={"cost": cost}))
    today = record.model_copy(update={"options": options})
    report = judge(given(record, evidence=(an_evidence_of(record, at_today=today),)))
    assert [one.code for one in report.findings] == [Cause.RATES_ROSE]
    assert report.outcome is WARN


def test_changed_rates_price_the_change_again() -> None:
    record = newer(state=State.ACCEPTED)
    cost = record.options[0].cost.model_copy(update={"monthly_after_discounts": Decimal(9000)})
    today = record.model_copy(
        update={"options": (record.options[0].model_copy(update={"cost": cost}),)}
    )
    evidence = (an_evidence_of(accepted()), an_evidence_of(record, at_today=today))
    report = judge(swap(evidence=evidence))
    assert Cause.MONTHLY_COST in {one.code for one in report.findings}


def test_a_change_is_shown_with_its_price() -> None:
    (change,) = judge(swap(newer(state=State.ACCEPTED))).changes
    assert change.what == "claude-haiku-4-5 -> claude-sonnet-5"
    assert change.priced is not None
    assert change.priced.monthly_increase == Decimal("632.61") - Decimal("3115.71")
    assert change.shown is not None
    assert change.shown.worst == -2.1


def test_a_pinned_version_is_part_of_the_model() -> None:
    other = replace(asked(), version="claude-haiku-4-5-20270101")
    report = judge(given(proposed=(proposed(asked=other),)))
    assert report.exit_code == ExitCode.GATE_FAILED


def test_the_worst_finding_is_the_answer() -> None:
    scene = swap(dearer(monthly_after_discounts=None, per_request=None))
    report = judge(replace(scene, added=(a_use(),)))
    assert report.outcome is FAIL
    assert CANNOT in {one.outcome for one in report.findings}
