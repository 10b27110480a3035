"""Which evidence speaks for a cascade, and which for its cheap model alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from harness.gate.findings import Cause, Outcome
from harness.gate.inputs import Escalation, GateInput, ProductionSettings
from harness.gate.judging import judge
from harness.record.base import Reason, Result, State
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.trust import CascadeFacts
from tests.support.gates import accepted, an_evidence_of, asked, given, proposed
from tests.support.record_parts import a_target, an_eval_set, an_evidence, an_option
from tests.support.records import GENERATED

CHEAP, DEAR, WHOLE = "claude-haiku-4-5", "claude-opus-4-5", "claude-haiku-4-5+format"
NEW_PROMPT, NEW_SET = "ef" * 32, "99" * 32


def a_cascade(accept: str = "format", **target: Any) -> OptionRecord:
    facts = CascadeFacts(
        first=CHEAP,
        accept_when=accept,
        unsure=None,
        escalates_to=DEAR,
        answers=500,
        escalated=12.0,
        first_per_request=None,
        escalation_per_request=None,
    )
    named = {"model_id": CHEAP, "version": f"{CHEAP}-20251001", **target}
    return an_option(target=a_target(f"{CHEAP}+{accept}", **named), cascade=facts)


def alone(**over: Any) -> OptionRecord:
    """The cheap model by itself, shown to be worse."""
    facts = {"result": Result.FAIL, "reason_codes": (Reason.QUALITY_INFERIOR,), "note": "worse"}
    return an_option(CHEAP, **{**facts, **over})


def signed(*options: OptionRecord) -> DecisionRecord:
    return accepted(chosen=WHOLE, lever="cascade", options=options or (alone(), a_cascade()))


def later(*options: OptionRecord, **over: Any) -> DecisionRecord:
    facts = {
        "decision_id": "2026-Q4-b-invoice-extraction",
        "state": State.PROPOSED,
        "generated_at": GENERATED + timedelta(hours=1),
        "options": options,
        "chosen": WHOLE,
    }
    return accepted(**{**facts, **over})


def backed(to: str = DEAR, accept: str = "format", **over: Any) -> ProductionSettings:
    after = Escalation(place="settings.toml#llm.fallback", to=to, accept_when=accept)
    return asked(CHEAP, **{"escalation": after, **over})


def at(what: ProductionSettings, record: DecisionRecord | None = None, **over: Any) -> GateInput:
    own = signed()
    evidence = (an_evidence_of(own), *([an_evidence_of(record)] if record else ()))
    return given(own, proposed=(proposed(asked=what, **over),), evidence=evidence)


SCENES: dict[str, tuple[GateInput, Outcome, Cause | None]] = {
    "as it was signed": (at(backed()), Outcome.PASS, None),
    "through a gateway's name": (at(backed(f"openrouter/anthropic/{DEAR}")), Outcome.PASS, None),
    "the cheap model alone": (at(asked(CHEAP)), Outcome.FAIL, Cause.SHOWN_WORSE),
    "the cheap model alone, shown good": (
        at(asked(CHEAP), later(alone(result=Result.PASS, reason_codes=()))),
        Outcome.WARN,
        Cause.NOT_ACCEPTED_YET,
    ),
    "another dear model": (at(backed("gpt-5")), Outcome.FAIL, Cause.EVIDENCE_MISSING),
    "another dear model that a record compares": (
        at(backed("gpt-5"), later(a_cascade(), current=a_target("gpt-5"))),
        Outcome.FAIL,
        Cause.NOT_COMPARABLE,
    ),
    "another check": (at(backed(accept="schema")), Outcome.FAIL, Cause.EVIDENCE_MISSING),
    "another check, shown good": (
        at(backed(accept="schema"), later(a_cascade("schema"))),
        Outcome.WARN,
        Cause.NOT_ACCEPTED_YET,
    ),
    "a new prompt, of which the cascade's record speaks": (
        at(
            backed(prompt_sha256=NEW_PROMPT),
            later(
                alone(target=a_target(CHEAP, prompt_sha256=NEW_PROMPT)),
                a_cascade(prompt_sha256=NEW_PROMPT),
            ),
        ),
        Outcome.PASS,
        Cause.EVIDENCE_FITS,
    ),
    "a new prompt, of which only the cheap model's record speaks": (
        at(
            backed(prompt_sha256=NEW_PROMPT),
            later(alone(target=a_target(CHEAP, prompt_sha256=NEW_PROMPT))),
        ),
        Outcome.WARN,
        Cause.PROVISIONAL,
    ),
    "a new eval set": (
        at(
            backed(),
            later(
                alone(),
                a_cascade(),
                evidence=an_evidence(eval_set=an_eval_set(inputs_sha256=NEW_SET)),
            ),
            inputs_sha256=NEW_SET,
        ),
        Outcome.PASS,
        Cause.EVIDENCE_FITS,
    ),
    "a new eval set without the cascade": (
        at(
            backed(),
            later(alone(), evidence=an_evidence(eval_set=an_eval_set(inputs_sha256=NEW_SET))),
            inputs_sha256=NEW_SET,
        ),
        Outcome.FAIL,
        Cause.EVIDENCE_MISSING,
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_what_speaks_for_a_cascade(name: str) -> None:
    question, outcome, code = SCENES[name]
    report = judge(question)
    assert report.outcome is outcome, report.findings
    if code is not None:
        assert code in {finding.code for finding in report.findings}


def test_a_cascade_that_passes_speaks_for_no_model_alone() -> None:
    """Production takes the cheap model; only the cascade with it was compared."""
    stays = accepted(options=(an_option("gpt-5"),), chosen="gpt-5")
    evidence = (an_evidence_of(stays), an_evidence_of(later(a_cascade())))
    report = judge(given(stays, proposed=(proposed(asked=asked(CHEAP)),), evidence=evidence))
    assert {finding.code for finding in report.findings} == {Cause.EVIDENCE_MISSING}


def test_a_record_against_the_cheap_model_alone_does_not_compare_with_the_cascade() -> None:
    other = later(an_option("gpt-5"), current=a_target(CHEAP), chosen="gpt-5")
    report = judge(at(asked("gpt-5"), other))
    assert Cause.NOT_COMPARABLE in {finding.code for finding in report.findings}
