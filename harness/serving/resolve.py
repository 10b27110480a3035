"""From a model entry's `serve.weights` to a file on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import Problem, UsageError, WorkspaceError
from harness.serving.weights import ensure_weights
from harness.serving.weights_file import load_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.config.model_file import ModelConfig
    from harness.serving.weights_file import WeightsSpec

CATALOGUE = "weights.yaml"


def check_weights(models: Mapping[str, ModelConfig], workspace: Path) -> list[Problem]:
    """Problems of the `serve.weights` of all models, found without fetching a byte."""
    try:
        catalogue = _catalogue(workspace)
    except WorkspaceError as error:
        return list(error.problems)
    return [
        Problem(
            file="models",
            line=None,
            key=f"{name}.serve.weights",
            message=f"{text!r} is neither a name in {CATALOGUE} nor a file or folder",
        )
        for name, text in _wanted(models).items()
        if text not in catalogue and not (workspace / text).exists()
    ]


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
    catalogue = _catalogue(workspace)
    found: dict[str, Path] = {}
    for name, text in _wanted(models).items():
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


def _wanted(models: Mapping[str, ModelConfig]) -> dict[str, str]:
    return {
        name: model.serve.weights
        for name, model in models.items()
        if model.serve is not None and model.serve.weights is not None
    }


def _catalogue(workspace: Path) -> dict[str, WeightsSpec]:
    path = workspace / CATALOGUE
    return load_weights(path) if path.exists() else {}
