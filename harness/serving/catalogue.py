"""Which weights the models name, and whether they can be had; the base needs no more to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.serving.weights_file import load_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.config.model_file import ModelConfig
    from harness.serving.weights_file import WeightsSpec

CATALOGUE = "weights.yaml"


def catalogue_of(workspace: Path) -> dict[str, WeightsSpec]:
    """The workspace's `weights.yaml`; empty where there is none.

    Raises:
        WorkspaceError: every problem of the file.
    """
    path = workspace / CATALOGUE
    return load_weights(path) if path.exists() else {}


def wanted_weights(models: Mapping[str, ModelConfig]) -> dict[str, str]:
    """The text of `serve.weights` by model, where there is one."""
    return {
        name: model.serve.weights
        for name, model in models.items()
        if model.serve is not None and model.serve.weights is not None
    }


def missing_weights(models: Mapping[str, ModelConfig], workspace: Path) -> dict[str, str]:
    """Why a model's `serve.weights` leads nowhere, by model; found without fetching a byte.

    Raises:
        WorkspaceError: `weights.yaml` is damaged.
    """
    catalogue = catalogue_of(workspace)
    return {
        name: f"{text!r} is neither a name in {CATALOGUE} nor a file or folder of the workspace"
        for name, text in wanted_weights(models).items()
        if text not in catalogue and not (workspace / text).exists()
    }
