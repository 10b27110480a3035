"""A gate's input for tests: an accepted downgrade and a proposal that follows it."""

from __future__ import annotations

from typing import Any

from harness.config.policy_file import GatePolicy
from harness.gate.inputs import Asked, Evidence, GateInput, Proposed
from harness.lifecycle import ends_on
from harness.lock import entry_of, lock_of
from harness.record.codes import State
from harness.record.model import DecisionRecord
from harness.scan.uses import Use
from tests.support.records import NOW, downgrade_record

FEATURE = "invoice-extraction"


def accepted(**over: object) -> DecisionRecord:
    return downgrade_record(**{"state": State.ACCEPTED, **over})


def an_evidence_of(record: DecisionRecord, **over: Any) -> Evidence:
    return Evidence(**{"record": record, "at_today": record, **over})


def asked(name: str = "claude-haiku-4-5", **over: Any) -> Asked:
    facts = {
        "name": name,
        "model_id": name,
        "prompt_sha256": "cd" * 32,
        "params_sha256": "ab" * 32,
        "may_see": ("public", "customer"),
        "has_price": True,
    }
    return Asked(**{**facts, **over})


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
