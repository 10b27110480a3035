"""Whether two ways to write a model mean the same one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.gate.inputs import Asked, Escalation
    from harness.lock import LockedCascade, LockedModel
    from harness.record.model import DecisionRecord
    from harness.record.parts import CascadeFacts, OptionRecord, Target

_REGION = re.compile(r"^(?:us-gov|us|eu|apac|global)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere|google|openai|deepseek)\.")
_RELEASE = re.compile(r"-v\d+:\d+$")


def means(asked: Asked, model: LockedModel | Target) -> bool:
    """Whether production would ask this model, alone or first of a cascade.

    A version must be the same where it is written; it and the effort count only there.
    """
    if asked.effort is not None and model.effort is not None and asked.effort != model.effort:
        return False
    if asked.version is not None and asked.version != model.version:
        return False
    names = names_of(model)
    return asked.model_id in names or any(form in names for form in written_forms(asked.name))


def is_locked(asked: Asked, model: LockedModel, dear: LockedModel) -> bool:
    """Whether production would ask what is locked: of a cascade its check and dear model, too."""
    if not means(asked, model):
        return False
    if model.cascade is None:
        return asked.escalation is None
    if asked.escalation is None:
        return asked.name == model.option
    return goes_on_to(asked.escalation, dear) and same_check(asked.escalation, model.cascade)


def is_option(asked: Asked, record: DecisionRecord, option: OptionRecord) -> bool:
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
    unsure = None if option.cascade is None else option.cascade.unsure
    return same and (model.cascade is None or model.cascade.unsure == unsure)


def goes_on_to(escalation: Escalation, model: LockedModel | Target) -> bool:
    """Whether the dear model of an escalation is this one."""
    return any(form in names_of(model) for form in written_forms(escalation.to))


def same_check(escalation: Escalation, rule: LockedCascade | CascadeFacts) -> bool:
    """Whether an answer must pass the same."""
    if escalation.unsure not in {None, rule.unsure}:
        return False
    return escalation.accept_when in {rule.accept_when, rule.unsure}


def names_of(model: LockedModel | Target) -> frozenset[str]:
    """What a model may be called in a setting."""
    return frozenset({model.option, model.model_id, model.version})


def written_forms(text: str) -> tuple[str, ...]:
    """The text, and the text without the vendor or region that a gateway puts before it.

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


def shown(asked: Asked) -> str:
    """The model as a person would name it."""
    after = asked.escalation
    if after is None:
        return asked.name
    unsure = f" {after.unsure!r}" if after.unsure else ""
    return f"{asked.name} ({after.accept_when or 'no check'}{unsure}, else {after.to})"
