"""Whether two ways to write a model mean the same one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.gate.inputs import Asked
    from harness.lock import LockedModel
    from harness.record.parts import Target

_REGION = re.compile(r"^(?:us-gov|us|eu|apac|global)\.")
_VENDOR = re.compile(r"^(?:anthropic|amazon|meta|mistral|cohere|google|openai|deepseek)\.")
_RELEASE = re.compile(r"-v\d+:\d+$")


def means(asked: Asked, model: LockedModel | Target) -> bool:
    """Whether production would ask this model; a version must be the same where it is written.

    Effort and version count only where the place states them.
    """
    if asked.effort is not None and model.effort is not None and asked.effort != model.effort:
        return False
    if asked.version is not None and asked.version != model.version:
        return False
    names = names_of(model)
    return asked.model_id in names or any(form in names for form in written_forms(asked.name))


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
    return asked.name
