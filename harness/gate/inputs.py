"""What the gate is given: the lock, the proposal, the evidence, the rules and the moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from harness.config.policy_file import GatePolicy
    from harness.lock import Lock
    from harness.record.model import DecisionRecord
    from harness.scan.uses import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What production does with a cheap model's answer that does not pass."""

    place: str
    to: str
    """The model that is asked then, as it is written."""
    accept_when: str
    """What an answer must pass, as it is written: a cascade's `accept_when`, or its `unsure`."""
    unsure: str | None = None
    """The text by which the cheap model declares itself unsure, where it is known."""
    seen: bool = True
    """False: nobody says where production reads the check; `accept_when` is the locked one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How production would ask a model; None is not known here, never "the same"."""

    name: str
    """As it is written: an option's name, a model's id or its version."""
    model_id: str | None = None
    effort: str | None = None
    version: str | None = None
    params_sha256: str | None = None
    prompt_sha256: str | None = None
    may_see: tuple[str, ...] | None = None
    retires_on: date | None = None
    has_price: bool | None = None
    escalation: Escalation | None = None
    """None: the model is asked alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One feature as the change would have it, read from one place."""

    feature: str
    place: str
    """Where it was read: `settings.toml#llm.model`, `features/a.yaml: incumbent`."""
    asked: Asked | None = None
    unreadable: str | None = None
    """Why the place says nothing; then `asked` is None."""
    asked_before: str | None = None
    """What the place said before the change; None where nobody knows."""
    inputs_sha256: str | None = None
    margin: float | None = None
    """Points that are agreed to today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A record, and the same record's money at today's rates."""

    record: DecisionRecord
    at_today: DecisionRecord
    seed: str | None = None
    """Seed that follows from feature, inputs and cycle; None where nobody worked it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """Everything that the gate's answer depends on."""

    lock: Lock
    rules: GatePolicy
    now: datetime
    proposed: tuple[Proposed, ...]
    evidence: tuple[Evidence, ...] | None
    """None in a repository without records: then the lock is taken at its word."""
    lock_before: Lock | None = None
    added: tuple[Use, ...] | None = ()
    """Known model ids that the change adds; None where nobody knows what it changes."""
    policy_sha256: str | None = None
    looks: int | None = None
    """Planned interim analyses."""
