"""Reads the workspace's YAML files, each once, with the line of every key.

A key or password that stands where the name of a variable belongs is a fault. `shipped` finds the
data that comes with the package, in a wheel or in the repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar, cast

from pydantic import BaseModel

from evalsets.source import (
    NOT_FETCHED,
    Fault,
    KeyPath,
    Source,
    SourceError,
    is_pointer_file,
    read_text,
    read_yaml,
)
from evalsets.validation import validated
from harness.errors import Problem
from harness.record.base import LONGEST_ID
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|secret(?:[_-]?key)?|passw(?:or)?d|authorization|credentials?"
    r"|(?:access|auth|bearer|api)[_-]?token)$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{20,}\."
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|[Bb]earer [A-Za-z0-9._-]{16,}"
)
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_ADVICE = "looks like a secret; put it in an environment variable and its name in `key:`"


def secrets_in(source: Source) -> Iterator[Fault]:
    """A fault for each value that looks like a secret; the value itself is never shown."""
    for path, value in _texts(source.data, ()):
        name = path[-1] if path else ""
        named = isinstance(name, str) and _SECRET_NAME.search(name) is not None
        if _SECRET_VALUE.search(value) or (named and value):
            yield source.fault(path, _ADVICE)


def is_environment_name(text: str) -> bool:
    """Whether a text can be the name of an environment variable rather than a key itself.

    >>> is_environment_name("ANTHROPIC_API_KEY_EVAL"), is_environment_name("sk-abc")
    (True, False)
    """
    return _ENVIRONMENT_NAME.fullmatch(text) is not None and len(text) <= 80  # noqa: PLR2004


def _texts(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(cast("list[object]", value)):
            yield from _texts(inner, (*path, at))


def shipped(*parts: str) -> Path:
    """Path of a file or folder of `configs/`, as the package carries it."""
    package = Path(__file__).parent.parent
    inside = package / "_configs"
    root = inside if inside.is_dir() else package.parent / "configs"
    return root.joinpath(*parts)


M_co = TypeVar("M_co", bound=BaseModel, covariant=True)

POLICY_FILE = "policy.yaml"
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_ID - 1}}}")
_LONGEST_NAME = 120
_MODEL_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:+-]{{0,{_LONGEST_NAME - 1}}}")
_YAML = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile(Generic[M_co]):
    """One feature, model or policy as it was read; `at` is where it begins in its file."""

    config: M_co
    source: Source
    at: KeyPath = ()

    def problem(self, key: KeyPath, message: str, *, severity: str = "error") -> Problem:
        """A problem at one of the entry's keys."""
        return problem_of(self.source.fault((*self.at, *key), message), severity=severity)


@dataclass(slots=True, kw_only=True)
class Reading:
    """What could be read of a workspace, and every problem on the way."""

    root: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """What programs would see of the machine."""
    policy: ParsedFile[PolicyConfig] | None = None
    models: dict[str, ParsedFile[ModelConfig]] = field(
        default_factory=dict[str, ParsedFile[ModelConfig]]
    )
    features: dict[str, ParsedFile[FeatureConfig]] = field(
        default_factory=dict[str, ParsedFile[FeatureConfig]]
    )
    model_names: set[str] = field(default_factory=set[str])
    """Every model that is named, the broken entries too: they are known, if wrong."""
    all_models_named: bool = True
    """False if a model file is not YAML: then unknown models cannot be told from known ones."""
    problems: list[Problem] = field(default_factory=list[Problem])

    def failed(self, faults: Iterable[Fault]) -> None:
        """Remember faults as problems."""
        self.problems += [problem_of(fault) for fault in faults]


def problem_of(fault: Fault, *, severity: str = "error") -> Problem:
    """A room's fault in the harness's words."""
    return Problem(
        file=fault.file,
        line=fault.line,
        key=fault.key,
        message=fault.message,
        severity=severity,
    )


_WRITTEN = ("reviews", ".rightsize")
_FOLDERS = ("models", "features", "prompts", "evalsets", "traffic")


def special_files(root: Path) -> list[Problem]:
    """Files of a workspace that are not their content, behind links too.

    Pipes, devices and sockets have no end; of a pointer the content was not fetched.
    """
    found = [
        Problem(file=name, line=None, key="", message="must be a folder")
        for name in (*_FOLDERS, *_WRITTEN)
        if (root / name).exists() and not (root / name).is_dir()
    ]
    for folder, _, names in chain.from_iterable(os.walk(root / name) for name in _FOLDERS):
        for path in (Path(folder) / name for name in sorted(names)):
            message = _special(path)
            if message is not None:
                shown = path.relative_to(root).as_posix()
                found.append(Problem(file=shown, line=None, key="", message=message))
    return found


def _special(path: Path) -> str | None:
    if path.exists() and not path.is_file() and not path.is_dir():
        return "no plain file"
    return NOT_FETCHED if is_pointer_file(path) else None


def read_files(root: Path, environ: Mapping[str, str]) -> Reading:
    """Read the policy, the models and the features under a workspace's root."""
    reading = Reading(root=root, environ=environ)
    _read_policy(reading)
    for path in _yaml_files(reading, "models"):
        _read_models(reading, path)
    for path in _yaml_files(reading, "features"):
        _read_feature(reading, path)
    return reading


def _read_policy(reading: Reading) -> None:
    source = _source(reading, reading.root / POLICY_FILE)
    if source is None:
        return
    try:
        config = validated(source, PolicyConfig)
    except SourceError as error:
        reading.failed(error.faults)
    else:
        reading.policy = ParsedFile(config=config, source=source)


def _read_models(reading: Reading, path: Path) -> None:
    source = _source(reading, path)
    if source is None:
        reading.all_models_named = False
        return
    if source.data is None:
        return
    if not isinstance(source.data, dict):
        reading.failed([source.fault((), "must be models by name")])
        reading.all_models_named = False
        return
    for name in cast("dict[str, object]", source.data):
        _read_model(reading, source, name)


def _read_model(reading: Reading, source: Source, name: str) -> None:
    if not _MODEL_NAME.fullmatch(name):
        message = f"a model's name has letters, digits and . _ : + - only, at most {_LONGEST_NAME}"
        reading.failed([source.fault((name,), message)])
    known = reading.models.get(name)
    if known is not None:
        where = f"{known.source.file}:{known.source.line((name,))}"
        reading.failed([source.fault((name,), f"this model is already in {where}")])
        return
    reading.model_names.add(name)
    try:
        config = validated(source, ModelConfig, at=(name,))
    except SourceError as error:
        reading.failed(error.faults)
    else:
        reading.models[name] = ParsedFile(config=config, source=source, at=(name,))


def _read_feature(reading: Reading, path: Path) -> None:
    source = _source(reading, path)
    if source is None:
        return
    if not _ID.fullmatch(path.stem):
        message = f"a feature's file name has letters, digits and . _ - only, at most {LONGEST_ID}"
        reading.problems.append(Problem(file=source.file, line=None, key="", message=message))
    known = reading.features.get(path.stem)
    if known is not None:
        message = f"the feature {path.stem!r} is already in {known.source.file}"
        reading.problems.append(Problem(file=source.file, line=None, key="", message=message))
        return
    try:
        config = validated(source, FeatureConfig)
    except SourceError as error:
        reading.failed(error.faults)
    else:
        reading.features[path.stem] = ParsedFile(config=config, source=source)


def _source(reading: Reading, path: Path) -> Source | None:
    shown = path.relative_to(reading.root).as_posix()
    try:
        source = read_yaml(read_text(path, shown=shown), file=shown)
    except SourceError as error:
        reading.failed(error.faults)
        return None
    reading.failed(secrets_in(source))
    return source


def _yaml_files(reading: Reading, folder: str) -> Iterator[Path]:
    """The YAML files of a folder, by name; without any the folder is a problem."""
    place = reading.root / folder
    paths = sorted(place.iterdir()) if place.is_dir() else []
    found = [path for path in paths if path.suffix in _YAML and not path.name.startswith(".")]
    if not found:
        message = f"no YAML file is here; `rightsize init` writes an example of {folder}/"
        reading.problems.append(Problem(file=f"{folder}/", line=None, key="", message=message))
    yield from found
