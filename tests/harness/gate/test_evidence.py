"""Which record may speak for a change, at the edge of each rule; and what is said of it then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from harness.gate.findings import Cause, GateReport, Outcome, Violation
from harness.gate.inputs import Escalation, GateInput
from harness.gate.judging import judge
from harness.record.base import Finding as Found
from harness.record.base import Reason, Result, State
from harness.record.model import DecisionRecord
from harness.record.parts import HistoryEntry
from harness.record.trust import CascadeFacts
from tests.support.gates import (
    FEATURE,
    OTHER,
    a_use,
    accepted,
    an_evidence_of,
    asked,
    broken,
    given,
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
    a_feature,
    a_look,
    a_margin,
    a_quality,
    a_spend,
    a_target,
    an_eval_set,
    an_evidence,
    an_option,
)
from tests.support.records import GENERATED, NOW, justify_record

NEW = "ef" * 32
INCUMBENT = "claude-opus-4-5"


def codes(scene: GateInput) -> set[Cause]:
    return {one.code for one in judge(scene).findings}


def only(scene: GateInput) -> Violation:
    (found,) = judge(scene).findings
    return found


def good(**over: Any) -> DecisionRecord:
    facts: dict[str, Any] = {"state": State.ACCEPTED, **over}
    return newer(**facts)


EDGES: dict[str, tuple[GateInput, Cause | None]] = {
    "dated ten minutes after now": (
        swap(good(generated_at=NOW + timedelta(minutes=10))),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "dated a second more": (
        swap(good(generated_at=NOW + timedelta(minutes=10, seconds=1))),
        Cause.CLOCK_SKEW,
    ),
    "dated a minute ago": (
        swap(good(generated_at=NOW - timedelta(minutes=1))),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "on its last day": (swap(good(expires_at=NOW.date())), Cause.SHOWN_NON_INFERIOR),
    "a day later": (swap(good(expires_at=NOW.date() - timedelta(days=1))), Cause.EVIDENCE_STALE),
    "another feature's": (
        swap(good(feature=a_feature(id="another"))),
        Cause.NOT_SHOWN_NON_INFERIOR,
    ),
    "superseded since": (swap(good(state=State.SUPERSEDED)), Cause.NOT_SHOWN_NON_INFERIOR),
    "compared with the accepted model, which production asks": (
        swap(good(current=a_target())),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "as many looks as planned": (
        swap(
            good(
                options=(
                    an_option(OTHER, quality=a_quality(looks=tuple(map(a_look, range(1, 6))))),
                )
            )
        ),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "as often used as looks are planned": (
        swap(good(evidence=an_evidence(eval_set=an_eval_set(times_used=5)))),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "used once more": (
        swap(good(evidence=an_evidence(eval_set=an_eval_set(times_used=6)))),
        Cause.BEYOND_PLAN,
    ),
    "used once more, and nobody knows the plan": (
        swap(good(evidence=an_evidence(eval_set=an_eval_set(times_used=6))), looks=None),
        Cause.SHOWN_NON_INFERIOR,
    ),
    "another option was tested too often": (
        swap(
            good(
                options=(
                    an_option("x", quality=a_quality(looks=tuple(map(a_look, range(1, 7))))),
                    an_option(OTHER),
                )
            )
        ),
        Cause.SHOWN_NON_INFERIOR,
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_record_speaks_up_to_the_edge_of_each_rule(name: str) -> None:
    scene, code = EDGES[name]
    found = codes(scene)
    assert code in found
    assert (Cause.SHOWN_NON_INFERIOR in found) or code is not Cause.SHOWN_NON_INFERIOR
    doubted = {Cause.CLOCK_SKEW, Cause.EVIDENCE_STALE, Cause.BEYOND_PLAN, Cause.NOT_COMPARABLE}
    assert found & doubted == {code} & doubted


@pytest.mark.parametrize(
    ("stated", "recorded", "comparable"),
    [
        pytest.param(None, 3.0, True, id="the entry's margin where nobody states one"),
        pytest.param(None, 3.1, False, id="wider than the entry's"),
        pytest.param(5.0, 5.0, True, id="what is agreed to today"),
        pytest.param(2.0, 3.0, False, id="wider than what is agreed to today"),
    ],
)
def test_the_margin_agreed_to_today_counts(
    stated: float | None, recorded: float, *, comparable: bool
) -> None:
    change = proposed(asked=asked(OTHER), margin=stated)
    record = good(margin=a_margin(value=recorded))
    found = codes(swap(record, proposed=(change,)))
    assert (Cause.NOT_COMPARABLE in found) != comparable


def test_the_last_word_on_a_rejected_record_is_passed_on() -> None:
    history = tuple(
        HistoryEntry(
            state=state,
            by="dana.ruiz@example.com",
            by_source="git identity",
            at=GENERATED,
            reason=reason,
            link=None,
        )
        for state, reason in ((State.DEFERRED, "wait"), (State.REJECTED, "the owner left"))
    )
    report = judge(swap(newer(state=State.REJECTED, history=history)))
    (rejected,) = (one for one in report.findings if one.code is Cause.REJECTED)
    assert rejected.message.endswith("was rejected: the owner left")


def test_a_deferred_record_is_signed_by_nobody() -> None:
    report = judge(swap(newer(state=State.DEFERRED)))
    assert report.outcome is Outcome.WARN
    assert Cause.NOT_ACCEPTED_YET in {one.code for one in report.findings}


STAYS: dict[str, tuple[dict[str, Any], Cause]] = {
    "no harm": ({}, Cause.EVIDENCE_FITS),
    "it fails its own bar": ({"finding": Found.UNDER_PROVISIONED}, Cause.SHOWN_WORSE),
    "asked with the old prompt": ({"current": a_target(INCUMBENT)}, Cause.PROVISIONAL),
    "another model was asked so": (
        {"current": a_target("gpt-5", prompt_sha256=NEW)},
        Cause.PROVISIONAL,
    ),
}


@pytest.mark.parametrize("name", STAYS)
def test_a_new_prompt_of_a_model_that_stays(name: str) -> None:
    """No option of a record is the incumbent: what was measured of it speaks."""
    over, code = STAYS[name]
    own = justify_record(state=State.ACCEPTED)
    later = justify_record(
        **{
            "decision_id": "later",
            "generated_at": GENERATED + timedelta(hours=1),
            "current": a_target(INCUMBENT, prompt_sha256=NEW),
            **over,
        }
    )
    change = proposed(asked=asked(INCUMBENT, prompt_sha256=NEW))
    scene = given(own, proposed=(change,), evidence=(an_evidence_of(own), an_evidence_of(later)))
    assert codes(scene) == {code}


def test_what_was_measured_of_the_incumbent_says_nothing_of_a_chosen_models_prompt() -> None:
    record = newer(current=a_target(INCUMBENT, prompt_sha256=NEW))
    assert codes(reprompt(record)) == {Cause.PROVISIONAL}


@pytest.mark.parametrize(
    ("change", "speaks"),
    [
        pytest.param({"prompt_sha256": None, "params_sha256": NEW}, True, id="prompt not known"),
        pytest.param(
            {"prompt_sha256": NEW, "params_sha256": None}, True, id="parameters not known"
        ),
        pytest.param({"prompt_sha256": NEW, "params_sha256": NEW}, True, id="both as recorded"),
        pytest.param({"prompt_sha256": NEW, "params_sha256": "11" * 32}, False, id="one is not"),
        pytest.param({"prompt_sha256": "11" * 32, "params_sha256": NEW}, False, id="nor the other"),
    ],
)
def test_a_record_speaks_of_a_prompt_and_parameters_as_far_as_they_are_known(
    change: dict[str, Any], *, speaks: bool
) -> None:
    record = newer({"target": a_target(prompt_sha256=NEW, params_sha256=NEW)}, chosen=None)
    scene = reprompt(record, proposed=(proposed(asked=asked(**change)),))
    assert codes(scene) == {Cause.EVIDENCE_FITS if speaks else Cause.PROVISIONAL}


def test_what_nobody_knows_of_a_change_is_no_change() -> None:
    unknown = proposed(asked=asked(prompt_sha256=None, params_sha256=None), inputs_sha256=None)
    assert judge(given(proposed=(unknown,))).findings == ()


NEW_SETS: dict[str, tuple[DecisionRecord, Cause]] = {
    "the option failed on it": (
        newer(
            {
                "target": a_target(),
                "result": Result.FAIL,
                "reason_codes": (Reason.QUALITY_INFERIOR,),
            },
            evidence=an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32)),
        ),
        Cause.NOT_SHOWN_NON_INFERIOR,
    ),
    "its incumbent fails its own bar": (
        on_new_set(finding=Found.UNDER_PROVISIONED),
        Cause.NOT_SHOWN_NON_INFERIOR,
    ),
    "the chosen model is no option on it": (
        on_new_set(options=(an_option("gpt-5"),)),
        Cause.EVIDENCE_MISSING,
    ),
}


@pytest.mark.parametrize("name", NEW_SETS)
def test_a_new_eval_set_must_come_to_what_is_locked(name: str) -> None:
    record, code = NEW_SETS[name]
    assert codes(new_set(record)) == {code}


def test_a_model_that_stays_needs_no_option_on_a_new_eval_set() -> None:
    own = justify_record(state=State.ACCEPTED)
    later = justify_record(
        decision_id="later",
        generated_at=GENERATED + timedelta(hours=1),
        evidence=an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32)),
    )
    change = proposed(asked=asked(INCUMBENT), inputs_sha256="99" * 32)
    scene = given(own, proposed=(change,), evidence=(an_evidence_of(own), an_evidence_of(later)))
    assert codes(scene) == {Cause.EVIDENCE_FITS}


def test_who_has_no_records_is_told_to_commit_the_lock() -> None:
    assert only(swap(evidence=None)).advice.startswith("this repository has no records")
    unknown = (proposed(asked=asked("mistral-large")),)
    assert only(swap(proposed=unknown)).advice.startswith("run `rightsize review`")


def test_a_failure_names_the_option_and_the_reason() -> None:
    report = judge(swap(broken(Reason.QUALITY_INFERIOR)))
    (worse,) = (one for one in report.findings if one.code is Cause.SHOWN_WORSE)
    assert worse.message == f"{OTHER}: why"


def test_money_is_that_of_the_option_that_production_would_ask() -> None:
    """Another option of the same record costs far more."""
    other = an_option("x", cost=a_cost(monthly_after_discounts=Decimal(9000)))
    record = good(options=(other, an_option(OTHER)))
    report = judge(swap(record))
    assert Cause.MONTHLY_COST not in {one.code for one in report.findings}
    (change,) = report.changes
    assert change.priced is not None
    assert change.priced.after_month == Decimal("632.61")
    assert (change.evidence_age_days, change.decision_id) == (1, record.decision_id)


def test_evidence_from_a_little_after_now_is_no_days_old() -> None:
    (change,) = judge(swap(good(generated_at=NOW + timedelta(minutes=5)))).changes
    assert change.evidence_age_days == 0


LIMITS: dict[str, tuple[dict[str, Any], dict[str, Any], Cause | None]] = {
    "a tenth more a month": ({"monthly_after_discounts": Decimal("3427.281")}, {}, None),
    "a mill more than that": (
        {"monthly_after_discounts": Decimal("3427.282")},
        {},
        Cause.MONTHLY_COST,
    ),
    "exactly as many dollars more as agreed": (
        {"monthly_after_discounts": Decimal("3165.71")},
        {"monthly_increase_usd": "50"},
        None,
    ),
    "a cent more than agreed": (
        {"monthly_after_discounts": Decimal("3165.72")},
        {"monthly_increase_usd": "50"},
        Cause.MONTHLY_COST,
    ),
    "less a month": (
        {"monthly_after_discounts": Decimal(100)},
        {"monthly_increase_usd": "50"},
        None,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_on_money_may_be_reached(name: str) -> None:
    cost, agreed, code = LIMITS[name]
    scene = swap(newer({"cost": a_cost(**cost)}, state=State.ACCEPTED), rules=rules(**agreed))
    money = codes(scene) & {Cause.MONTHLY_COST, Cause.REQUEST_COST, Cause.EVALUATION_COST}
    assert money == ({code} if code else set())


def test_an_evaluation_may_cost_what_is_agreed() -> None:
    spent = an_evidence(spend=a_spend(total_usd=Decimal(100)))
    assert Cause.EVALUATION_COST not in codes(swap(good(evidence=spent)))


def test_rates_of_another_decision_warn_of_nothing() -> None:
    """A later record's option is far dearer; the accepted one costs what it did."""
    later = newer({"target": a_target(), "cost": a_cost(monthly_after_discounts=Decimal(9000))})
    own = accepted()
    assert not judge(given(own, evidence=(an_evidence_of(own), an_evidence_of(later)))).findings


def test_rates_of_a_model_that_stays_are_the_incumbents() -> None:
    own = justify_record(state=State.ACCEPTED)
    cost = own.current_cost.model_copy(update={"monthly_after_discounts": Decimal(9000)})
    today = own.model_copy(update={"current_cost": cost})
    scene = given(
        own,
        proposed=(proposed(asked=asked(INCUMBENT)),),
        evidence=(an_evidence_of(own, at_today=today),),
    )
    assert codes(scene) == {Cause.RATES_ROSE}


def report_of(*changes: Any, **over: Any) -> GateReport:
    return judge(given(proposed=changes, **over))


def test_features_are_counted_where_they_are_as_the_lock_says() -> None:
    same, new = proposed(), proposed(asked=asked(prompt_sha256=NEW))
    assert report_of(same).matching == 1
    assert report_of(same, proposed(feature="unknown")).matching == 1
    assert report_of(new).matching == 0
    assert report_of(same, new).matching == 0
    assert GateReport(findings=()).matching == 0


def test_a_place_that_says_nothing_is_told_without_a_reason() -> None:
    (found,) = report_of(proposed(asked=None)).findings
    assert found.message == "settings.toml#llm.model: it says nothing"


def test_a_model_that_was_accepted_is_not_asked_for_its_price_again() -> None:
    assert not report_of(proposed(asked=asked(has_price=False, retires_on=NOW.date()))).findings
    (found,) = report_of(proposed(asked=asked(may_see=("public",)))).findings
    assert found.code is Cause.DATA_NOT_PERMITTED


def test_the_old_name_may_be_written_as_a_gateway_wants_it() -> None:
    """Adopted late: what the place said before is another form of the incumbent."""
    late = NOW + timedelta(days=365)
    before = f"openrouter/anthropic/{INCUMBENT}"
    report = report_of(proposed(asked_before=before), now=late)
    assert {one.code for one in report.findings} == {Cause.EVIDENCE_STALE}
    same = report_of(proposed(asked_before="openrouter/anthropic/claude-haiku-4-5"), now=late)
    assert {one.code for one in same.findings} == {Cause.EXPIRED}


ALL_RULES = {
    "model",
    "expired_unchanged",
    "prompt",
    "evalset",
    "lock",
    "guardrail",
    "latency",
    "unpriced",
    "not_permitted",
    "retiring",
    "budget",
}


@pytest.mark.parametrize(
    ("over", "looked_at"),
    [
        pytest.param({}, ALL_RULES | {"unclaimed_model"}, id="all of them"),
        pytest.param({"added": None}, ALL_RULES, id="nobody knows what is added"),
        pytest.param(
            {"rules": rules(unclaimed_model="off", latency="off")},
            ALL_RULES - {"latency"},
            id="not what is off",
        ),
        pytest.param(
            {"evidence": None},
            {"model", "expired_unchanged", "unclaimed_model"},
            id="without records what a lock can tell",
        ),
        pytest.param(
            {"proposed": (proposed(feature="new"),)},
            {"unlocked", "unclaimed_model"},
            id="of a feature without a decision that it has none",
        ),
        pytest.param(
            {"rules": rules(by_risk={"medium": {"prompt": "off"}})},
            ALL_RULES - {"prompt"} | {"unclaimed_model"},
            id="not what is off for its risk",
        ),
    ],
)
def test_the_rules_that_were_looked_at_are_told(over: dict[str, Any], looked_at: set[str]) -> None:
    assert {rule for _, rule in judge(given(**over)).asked} == looked_at


def test_a_rule_that_warns_makes_what_cannot_be_told_a_warning() -> None:
    scene = swap(good(generated_at=NOW + timedelta(days=2)), rules=rules(model="warn"))
    assert judge(scene).outcome is Outcome.WARN


@pytest.mark.parametrize(
    ("written", "matches"),
    [
        pytest.param({"name": "claude-haiku-4-5-20251001"}, True, id="by its version"),
        pytest.param({"name": "x", "model_id": "claude-haiku-4-5"}, True, id="by its id"),
        pytest.param({"effort": "high"}, True, id="an effort, where none is recorded"),
        pytest.param({"name": "claude-haiku", "model_id": None}, False, id="by a part of it"),
    ],
)
def test_a_model_goes_by_each_of_its_names(written: dict[str, Any], *, matches: bool) -> None:
    report = report_of(proposed(asked=asked(**written)))
    assert bool(report.findings) != matches


@pytest.mark.parametrize(
    ("effort", "matches"),
    [
        pytest.param("low", True, id="the same"),
        pytest.param(None, True, id="not written"),
        pytest.param("high", False, id="another"),
    ],
)
def test_another_effort_is_another_model(effort: str | None, *, matches: bool) -> None:
    name = "claude-haiku-4-5@low"
    target = a_target(name, model_id="claude-haiku-4-5", effort="low")
    own = accepted(options=(an_option(name, target=target),), chosen=name)
    change = proposed(asked=asked("claude-haiku-4-5", effort=effort))
    assert (judge(given(own, proposed=(change,))).matching == 1) == matches


def test_models_that_a_change_adds_are_claimed_by_any_form_of_a_locked_name() -> None:
    use = a_use(written="eu.anthropic.claude-haiku-4-5-20251001-v1:0", model_id="bedrock-haiku")
    assert not judge(given(added=(use,))).findings


def test_a_model_that_a_change_adds_may_be_claimed_by_its_id_alone() -> None:
    assert not judge(given(added=(a_use(written="haiku", model_id="claude-haiku-4-5"),))).findings


def test_where_an_escalation_is_set_a_model_may_stand() -> None:
    after = Escalation(place="fallback.toml#model", to=INCUMBENT, accept_when="not-unsure")
    own = signed_with_a_text()
    scene = given(own, proposed=(proposed(asked=asked(escalation=after)),))
    its_own = a_use(path="fallback.toml", written=INCUMBENT, model_id=INCUMBENT)
    assert not judge(given(own, proposed=scene.proposed, added=(its_own,))).findings
    for path in ("fallback.toml", "other.toml"):
        other = given(own, proposed=scene.proposed, added=(a_use(path=path),))
        assert codes(other) == {Cause.UNCLAIMED_MODEL}


BACKING: dict[str, tuple[DecisionRecord, Cause | None]] = {
    "its own": (accepted(), None),
    "its own, superseded by a later one": (accepted(state=State.SUPERSEDED), None),
    "another decision": (accepted(decision_id="another"), Cause.LOCK_NOT_BACKED),
    "the same decision with other figures": (
        accepted(current_quality=90.0),
        Cause.LOCK_NOT_BACKED,
    ),
}


@pytest.mark.parametrize("name", BACKING)
def test_a_lock_rests_on_the_very_record_that_was_accepted(name: str) -> None:
    record, code = BACKING[name]
    scene = given(accepted(), evidence=(an_evidence_of(record),))
    assert codes(scene) == ({code} if code else set())


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        pytest.param(timedelta(minutes=-5), None, id="a little ago"),
        pytest.param(timedelta(minutes=10), None, id="ten minutes after now"),
        pytest.param(timedelta(minutes=10, seconds=1), Cause.CLOCK_SKEW, id="a second more"),
    ],
)
def test_a_locks_record_may_be_ten_minutes_younger_than_now(
    ahead: timedelta, code: Cause | None
) -> None:
    assert codes(given(accepted(generated_at=NOW + ahead))) == ({code} if code else set())


UNSURE = "not sure"


def signed_with_a_text(unsure: str = UNSURE, **over: Any) -> DecisionRecord:
    facts = CascadeFacts(
        first="claude-haiku-4-5",
        accept_when="not-unsure",
        unsure=unsure,
        escalates_to=INCUMBENT,
        answers=500,
        escalated=12.0,
        first_per_request=None,
        escalation_per_request=None,
    )
    whole = "claude-haiku-4-5+not-unsure"
    target = a_target(whole, model_id="claude-haiku-4-5", **over)
    return accepted(
        chosen=whole, lever="cascade", options=(an_option(target=target, cascade=facts),)
    )


@pytest.mark.parametrize(("unsure", "speaks"), [(UNSURE, True), ("dunno", False)])
def test_a_record_of_another_text_says_nothing_of_a_cascades_prompt(
    unsure: str, *, speaks: bool
) -> None:
    own = signed_with_a_text()
    later = signed_with_a_text(unsure, prompt_sha256=NEW).model_copy(
        update={"decision_id": "later", "generated_at": GENERATED + timedelta(hours=1)}
    )
    after = Escalation(place="settings.toml#llm.fallback", to=INCUMBENT, accept_when="not-unsure")
    change = proposed(asked=asked(escalation=after, prompt_sha256=NEW))
    scene = given(own, proposed=(change,), evidence=(an_evidence_of(own), an_evidence_of(later)))
    assert codes(scene) == {Cause.EVIDENCE_FITS if speaks else Cause.PROVISIONAL}


def test_a_setting_may_hold_an_options_own_name() -> None:
    target = a_target("haiku-in-production", model_id="claude-haiku-4-5")
    own = accepted(options=(an_option(target=target),), chosen="haiku-in-production")
    change = proposed(asked=asked("haiku-in-production", model_id=None))
    assert judge(given(own, proposed=(change,))).matching == 1


def test_a_record_speaks_of_a_model_under_its_other_names() -> None:
    target = a_target("haiku-in-production", model_id="claude-haiku-4-5", prompt_sha256=NEW)
    assert codes(reprompt(newer({"target": target}, chosen=None))) == {Cause.EVIDENCE_FITS}


@pytest.mark.parametrize(
    ("check", "matches"),
    [
        pytest.param({"accept_when": "not-unsure"}, True, id="by the check's name"),
        pytest.param({"accept_when": UNSURE}, True, id="by the text that counts"),
        pytest.param({"accept_when": "not-unsure", "unsure": UNSURE}, True, id="by both"),
        pytest.param({"accept_when": "not-unsure", "unsure": "dunno"}, False, id="another text"),
        pytest.param({"accept_when": "schema"}, False, id="another check"),
    ],
)
def test_the_check_of_a_cascade_is_the_same_text(check: dict[str, Any], *, matches: bool) -> None:
    own = signed_with_a_text()
    after = Escalation(place="settings.toml#llm.fallback", to=INCUMBENT, **check)
    report = judge(given(own, proposed=(proposed(asked=asked(escalation=after)),)))
    assert (report.matching == 1) == matches
    assert bool(report.findings) != matches
    if not matches and check.get("unsure"):
        (found,) = report.findings
        assert "claude-haiku-4-5 (not-unsure 'dunno', else claude-opus-4-5)" in found.message


def test_a_check_that_nobody_says_where_to_find_is_a_warning() -> None:
    own = signed_with_a_text()
    after = Escalation(place="s", to=INCUMBENT, accept_when="not-unsure", seen=False)
    report = judge(given(own, proposed=(proposed(asked=asked(escalation=after)),)))
    assert [one.code for one in report.findings] == [Cause.CHECK_NOT_SEEN]


def test_a_changed_prompt_says_that_of_its_own_record() -> None:
    found = only(reprompt(reprompted()))
    assert found.message.startswith("prompt changed; 2026-Q4-b-invoice-extraction was made with it")
    assert found.feature == FEATURE
