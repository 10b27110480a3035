"""A gate's input for tests: an accepted downgrade and a proposal that follows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from harness.gate.inputs import GateInput, ProductionSettings, Proposed, RepricedRecord
from harness.record.base import Reason, Result, State
from harness.record.lifecycle import ends_on
from harness.record.lock import entry_of, lock_of
from harness.record.model import DecisionRecord
from harness.workspace.policy_file import GatePolicy
from harness.workspace.scan.texts import Use
from tests.support.record_parts import a_cost, a_target, an_eval_set, an_evidence, an_option
from tests.support.records import GENERATED, NOW, downgrade_record

FEATURE = "invoice-extraction"
OTHER = "claude-sonnet-5"


def accepted(**over: object) -> DecisionRecord:
    return downgrade_record(**{"state": State.ACCEPTED, **over})


def an_evidence_of(record: DecisionRecord, **over: Any) -> RepricedRecord:
    return RepricedRecord(**{"record": record, "at_today": record, **over})


def asked(name: str = "claude-haiku-4-5", **over: Any) -> ProductionSettings:
    facts = {
        "name": name,
        "model_id": name,
        "prompt_sha256": "cd" * 32,
        "params_sha256": "ab" * 32,
        "may_see": ("public", "customer"),
        "has_price": True,
    }
    return ProductionSettings(**{**facts, **over})


def proposed(**over: Any) -> Proposed:
    facts = {
        "feature": FEATURE,
        "place": "settings.toml#llm.model",
        "asked": asked(),
        "inputs_sha256": "12" * 32,
        "margin": 3.0,
    }
    return Proposed(**{**facts, **over})


def rules(**over: Any) -> GatePolicy:
    return GatePolicy.model_validate({"evaluation_usd": "100", **over})


def a_use(**over: Any) -> Use:
    facts = {
        "path": "app/chat.py",
        "line": 7,
        "key": "MODEL",
        "written": "gpt-5",
        "model_id": "gpt-5",
        "kind": "production",
    }
    return Use(**{**facts, **over})


def given(record: DecisionRecord | None = None, **over: Any) -> GateInput:
    record = record or accepted()
    facts: dict[str, Any] = {
        "lock": lock_of([entry_of(record, ends_on=ends_on(record))], {}),
        "rules": rules(),
        "now": NOW,
        "proposed": (proposed(),),
        "evidence": (an_evidence_of(record),),
        "policy_sha256": "56" * 32,
        "looks": 5,
    }
    return GateInput(**{**facts, **over})


def newer(option: dict[str, Any] | None = None, **over: Any) -> DecisionRecord:
    """A second review, a day later, whose first option is another model."""
    target = a_target(OTHER)
    facts = {"target": target, "cost": a_cost(), **(option or {})}
    return accepted(
        **{
            "decision_id": "2026-Q4-b-invoice-extraction",
            "state": State.PROPOSED,
            "generated_at": GENERATED + timedelta(hours=1),
            "options": (an_option(OTHER, **facts),),
            "chosen": OTHER,
            **over,
        }
    )


def swap(record: DecisionRecord | None = None, **over: Any) -> GateInput:
    """Production takes another model than the accepted one; `record` is what compares it."""
    own = accepted()
    evidence = (an_evidence_of(own), *([an_evidence_of(record)] if record else ()))
    facts = {"proposed": (proposed(asked=asked(OTHER)),), "evidence": evidence}
    return given(own, **{**facts, **over})


def reprompt(record: DecisionRecord | None = None, **over: Any) -> GateInput:
    evidence = (an_evidence_of(accepted()), *([an_evidence_of(record)] if record else ()))
    changed = proposed(asked=asked(prompt_sha256="ef" * 32))
    return given(**{"proposed": (changed,), "evidence": evidence, **over})


def reprompted(**option: Any) -> DecisionRecord:
    target = a_target(prompt_sha256="ef" * 32)
    return newer({"target": target, **option}, chosen="claude-haiku-4-5")


def new_set(record: DecisionRecord | None = None, **over: Any) -> GateInput:
    evidence = (an_evidence_of(accepted()), *([an_evidence_of(record)] if record else ()))
    changed = proposed(inputs_sha256="99" * 32)
    return given(**{"proposed": (changed,), "evidence": evidence, **over})


def on_new_set(**over: Any) -> DecisionRecord:
    facts = {"evidence": an_evidence(eval_set=an_eval_set(inputs_sha256="99" * 32))}
    return newer({"target": a_target()}, **{**facts, **over})


def broken(reason: Reason) -> DecisionRecord:
    return newer({"result": Result.FAIL, "reason_codes": (reason,), "note": "why"})


def dearer(**cost: Any) -> DecisionRecord:
    return newer({"cost": a_cost(**cost)})


def marked(*marks: str) -> DecisionRecord:
    return newer(evidence=an_evidence(exploratory=marks))
