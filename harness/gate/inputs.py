"""What the gate is given (lock, proposal, evidence, rules, time), and how models are matched.

A setting may name a model by option, id or version, with or without a gateway's prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from evalsets.cases import EvalSet
from harness.record.lock import Lock, LockedCascade, LockedModel
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord, Target
from harness.record.trust import CascadeFacts
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import GatePolicy, PolicyConfig
from harness.workspace.scan.texts import UnreadFile, Use


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
    """False: no `accepts_in` says where production reads it, so `accept_when` is the locked one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionSettings:
    """How production would ask a model; None means not known here, never "unchanged"."""

    name: str
    """As written: an option's name, a model's id or its version."""
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
    asked: ProductionSettings | None = None
    written: str | None = None
    """The text that stands there, where it is not the model's own name."""
    unreadable: str | None = None
    """Why the place could not be read; `asked` is None then."""
    offered: bool = False
    """It is the accepted model as it would be asked: nothing asks it yet."""
    elsewhere: bool = False
    """The model is behind another address than on the base branch."""
    asked_before: str | None = None
    """What the place said before the change; None: not known."""
    inputs_sha256: str | None = None
    margin: float | None = None
    """The margin that is agreed now, points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What one side of a change states: the branch's own, or the base branch's."""

    policy: PolicyConfig
    policy_sha256: str
    features: Mapping[str, FeatureConfig]
    addresses: Mapping[str, str]
    """Digest of where each model is."""
    may_see: Mapping[str, tuple[str, ...]]
    evalsets: Mapping[str, EvalSet]
    """By feature; of the base branch those that the change touches."""
    records: Mapping[str, DecisionRecord]
    """By path in the workspace."""
    signers: bytes | None = None
    """Keys of those whose signatures count."""
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """Who decides on a feature by CODEOWNERS, by e-mail."""
    models: Mapping[str, ModelConfig] = field(default_factory=dict[str, ModelConfig])
    attribution: bytes | None = None
    """`attribution.yaml`; None: there is none."""

    def margin(self, feature: str) -> float | None:
        """The margin that a feature has here, points; None where its risk has no row."""
        config = self.features[feature]
        if config.margin is not None:
            return config.margin
        risk = self.policy.risk.get(config.risk)
        return None if risk is None else risk.margin

    def deciders(self, feature: str) -> frozenset[str]:
        """Who may decide on a feature; empty: nobody is named."""
        config = self.features.get(feature)
        own = config.deciders if config else ()
        return frozenset(own or self.policy.deciders or self.owners.get(feature, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepricedRecord:
    """A record, and the same record priced at today's rates."""

    record: DecisionRecord
    at_today: DecisionRecord
    seed: str | None = None
    """Seed that its order must have; None: not computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """Everything that the gate's answer depends on."""

    lock: Lock
    rules: GatePolicy
    now: datetime
    proposed: tuple[Proposed, ...]
    evidence: tuple[RepricedRecord, ...] | None
    """None in a repository without records: the lock alone is checked."""
    lock_before: Lock | None = None
    added: tuple[Use, ...] | None = ()
    """Known model ids that the change adds; None: the change is not known."""
    policy_sha256: str | None = None
    looks: int | None = None
    """Planned interim analyses."""
    here: Stated | None = None
    """None in a repository without a workspace."""
    before: Stated | None = None
    """None: the base branch has no workspace, or is not known."""
    rules_stated: GatePolicy | None = None
    """The change's own rules, as they are written; None: those in force."""
    rules_before: GatePolicy | None = None
    """The base branch's rules; None: not known."""
    rules_locked: GatePolicy | None = None
    """The policy's rules, as the lock should hold them; None: no policy stands beside the lock."""
    laxer_policy: bool = False
    """What decides of the policy is laxer than on the base branch."""
    unread: tuple[UnreadFile, ...] = ()
    """Changed files that may name a model and were not looked into."""
    told: tuple[UnreadFile, ...] = ()
    """Changed files of which the change holds nothing that could be looked into."""
    unread_before: tuple[UnreadFile, ...] = ()
    """Files of the base branch that cannot be read: nothing of them binds the change."""
    unsigned: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why a record's decision does not count as signed, by etag; where signatures are required."""

    @property
    def in_force(self) -> tuple[GatePolicy, ...]:
        """The rules of both sides; of two levels the stricter counts."""
        return (self.rules, self.rules_before) if self.rules_before else (self.rules,)


_REGION = re.compile(r"^(?:us-gov|us|eu|apac|global)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere|google|openai|deepseek)\.")
_RELEASE = re.compile(r"-v\d+:\d+$")


def means(asked: ProductionSettings, model: LockedModel | Target) -> bool:
    """Whether production would ask this model, alone or first in a cascade.

    Version and effort must agree only where the setting states them.
    """
    if asked.effort is not None and model.effort is not None and asked.effort != model.effort:
        return False
    if asked.version is not None and asked.version != model.version:
        return False
    names = names_of(model)
    return asked.model_id in names or any(form in names for form in written_forms(asked.name))


def is_locked(asked: ProductionSettings, model: LockedModel, dear: LockedModel) -> bool:
    """Whether production would ask what is locked, for a cascade with its check and escalation."""
    if not means(asked, model):
        return False
    if model.cascade is None:
        return asked.escalation is None
    if asked.escalation is None:
        return asked.name == model.option
    return goes_on_to(asked.escalation, dear) and same_check(asked.escalation, model.cascade)


def is_option(asked: ProductionSettings, record: DecisionRecord, option: OptionRecord) -> bool:
    """Whether a record's option is what production would ask."""
    if not means(asked, option.target):
        return False
    if option.cascade is None:
        return asked.escalation is None
    if asked.escalation is None:
        return asked.name == option.target.option
    check = same_check(asked.escalation, option.cascade)
    return check and goes_on_to(asked.escalation, record.current)


def speaks_for(option: OptionRecord, model: LockedModel) -> bool:
    """Whether a record's option is the locked one, or the locked model under its other names."""
    if option.cascade is None and model.cascade is None:
        return bool(names_of(option.target) & names_of(model))
    same = option.target.option == model.option
    mine, rule = option.cascade, model.cascade
    if rule is None:
        return same
    told = (None, None) if mine is None else (mine.unsure, mine.threshold)
    return same and told == (rule.unsure, rule.threshold)


def goes_on_to(escalation: Escalation, model: LockedModel | Target) -> bool:
    """Whether an escalation asks this model."""
    return any(form in names_of(model) for form in written_forms(escalation.to))


def same_check(escalation: Escalation, rule: LockedCascade | CascadeFacts) -> bool:
    """Whether an answer must pass the same check."""
    if escalation.unsure not in {None, rule.unsure}:
        return False
    if escalation.accept_when in {rule.accept_when, rule.unsure}:
        return True
    return rule.threshold is not None and _number(escalation.accept_when) == rule.threshold


def _number(text: str) -> float | None:
    """What stands there as a number; None: another word."""
    try:
        return float(text)
    except ValueError:
        return None


def names_of(model: LockedModel | Target) -> frozenset[str]:
    """The names that a setting may use for a model."""
    return frozenset({model.option, model.model_id, model.version})


def written_forms(text: str) -> tuple[str, ...]:
    """A model's name as written, and without a gateway's vendor, region and release marks.

    >>> written_forms("eu.anthropic.claude-haiku-4-5-20251001-v1:0")[-1]
    'claude-haiku-4-5-20251001'
    >>> written_forms("openrouter/openai/gpt-5")[-1]
    'gpt-5'
    """
    whole = text.strip()
    bare = whole.rpartition("/")[2]
    for prefix in ("openai:", "anthropic:", "google:", "bedrock:", "azure:", "vertex:"):
        bare = bare.removeprefix(prefix)
    bare = _VENDOR.sub("", _REGION.sub("", bare))
    return tuple(dict.fromkeys((whole, bare, _RELEASE.sub("", bare))))


def shown(asked: ProductionSettings) -> str:
    """The model, with its escalation, as messages name it."""
    after = asked.escalation
    if after is None:
        return asked.name
    unsure = f" {after.unsure!r}" if after.unsure else ""
    return f"{asked.name} ({after.accept_when or 'no check'}{unsure}, else {after.to})"
