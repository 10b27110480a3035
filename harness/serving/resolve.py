"""From a model entry's `serve.weights` to a file on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.serving.catalogue import CATALOGUE, catalogue_of, wanted_weights
from harness.serving.weights import ensure_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.config.model_file import ModelConfig


def resolve_weights(
    models: Mapping[str, ModelConfig],
    *,
    workspace: Path,
    cache: Path,
    given: Mapping[str, Path],
    progress: Callable[[str, int, int], None],
) -> dict[str, Path]:
    """Files or folders by the text of `serve.weights`; names of `weights.yaml` are fetched.

    `given` has files that the user has already, by the same text.
    """
    catalogue = catalogue_of(workspace)
    found: dict[str, Path] = {}
    for name, text in wanted_weights(models).items():
        if text in found:
            continue
        if text in catalogue:
            found[text] = ensure_weights(
                catalogue[text], cache=cache, given=given.get(text), progress=progress
            )
        elif (workspace / text).exists():
            found[text] = (workspace / text).resolve()
        else:
            raise UsageError(
                f"{name}: serve.weights: {text!r} is neither a name in {CATALOGUE} "
                "nor a file or folder of the workspace"
            )
    return found
