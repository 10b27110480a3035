"""Which prompt file a model gets: the most specific wins (model, family, default)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.config.fingerprints import prompt_sha256
from harness.config.options import split_option
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.config.files import ModelConfig

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A prompt's template; `path` is relative to the workspace."""

    path: str
    text: str
    sha256: str


class HasPrompts(Protocol):
    """What of a workspace says where prompts lie and whose family a model is."""

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        ...

    @property
    def models(self) -> Mapping[str, ModelConfig]:
        """The model entries by name."""
        ...


def prompt_for(workspace: HasPrompts, feature_id: str, model_name: str) -> PromptFile:
    """The prompt of a feature for a model or option (`model@effort`).

    Raises:
        UsageError: no prompt file fits, or it cannot be read.
    """
    path = prompt_path(workspace.root, feature_id, model_name, workspace.models)
    if path is None:
        folder = f"prompts/{feature_id}"
        raise UsageError(f"{folder}: no prompt for {model_name}; write {folder}/{DEFAULT}.j2")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    shown = path.relative_to(workspace.root).as_posix()
    return PromptFile(path=shown, text=text, sha256=prompt_sha256(text))


def prompt_path(
    root: Path, feature_id: str, model_name: str, models: Mapping[str, ModelConfig]
) -> Path | None:
    """The most specific prompt file that is there; None when not even the default is."""
    model, _ = split_option(model_name)
    config = models.get(model)
    names = [model_name, model, config.family if config else None, DEFAULT]
    folder = root / "prompts" / feature_id
    for name in names:
        if name is not None and (path := folder / f"{name}.j2").is_file():
            return path
    return None
