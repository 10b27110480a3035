"""Which prompt file a model gets, and whether every model gets one that can be rendered.

The most specific file wins: model, family, default. A tuned option (`model~tuned`) has its own
file, or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import Protocol

from evalsets.prompt_writing import PromptSettings, settings_of
from evalsets.prompts import PromptError, check_template
from evalsets.source import SourceError, read_text
from evalsets.validation import suggestion
from harness.errors import Problem, UsageError
from harness.workspace.feature_checks import named_options
from harness.workspace.feature_file import FeatureConfig, ProgramConfig
from harness.workspace.fingerprints import prompt_sha256
from harness.workspace.model_file import TUNED, ModelConfig, is_tuned, split_option
from harness.workspace.programs.digests import ProgramFolderError, program_digest, program_folder
from harness.workspace.reading import ParsedFile, Reading, problem_of

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A prompt's template; `path` is relative to the workspace."""

    path: str
    text: str
    sha256: str

    @classmethod
    def of(cls, path: str, text: str) -> PromptFile:
        """A prompt of this text."""
        return cls(path=path, text=text, sha256=prompt_sha256(text))

    @property
    def settings(self) -> PromptSettings:
        """How a model is asked under it.

        Raises:
            UsageError: its first line states no settings that there are.
        """
        try:
            return settings_of(self.text)
        except PromptError as error:
            raise UsageError(f"{self.path}: {error}") from None


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

    @property
    def features(self) -> Mapping[str, FeatureConfig]:
        """The features by id."""
        ...


def prompt_for(workspace: HasPrompts, feature_id: str, model_name: str) -> PromptFile:
    """The prompt of a feature for a model or option (`model@effort`); of a program, its folder.

    Raises:
        UsageError: no prompt file fits, or it cannot be read.
    """
    program = workspace.features[feature_id].program
    if program is not None:
        return _program(workspace.root, feature_id, program)
    path = prompt_path(workspace.root, feature_id, model_name, workspace.models)
    if path is None:
        folder = f"prompts/{feature_id}"
        raise UsageError(f"{folder}: no prompt for {model_name}; write {folder}/{DEFAULT}.j2")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    shown = path.relative_to(workspace.root).as_posix()
    return PromptFile.of(shown, text)


def prompt_path(
    root: Path, feature_id: str, model_name: str, models: Mapping[str, ModelConfig]
) -> Path | None:
    """The most specific prompt file that is there; None when not even the default is."""
    model, _ = split_option(model_name)
    config = models.get(model)
    names = [model_name, model, config.family if config else None, DEFAULT]
    if is_tuned(model_name):
        names = [model_name]
    folder = root / "prompts" / feature_id
    for name in names:
        if name is not None and isfile(f"{folder}/{name}.j2"):  # noqa: PTH113  # asked per option
            return folder / f"{name}.j2"
    return None


def tuned_options(root: Path, feature_id: str) -> tuple[str, ...]:
    """The options of a feature that have a tuned prompt, by name."""
    found = (root / "prompts" / feature_id).glob(f"*{TUNED}.j2")
    return tuple(sorted(path.stem for path in found if path.is_file()))


def prompt_of_option(workspace: HasPrompts, feature_id: str, option: str) -> PromptFile:
    """The prompt that an option is asked under: its model's, or the one tuned for it.

    Raises:
        UsageError: as `prompt_for`.
    """
    named = option if is_tuned(option) else split_option(option)[0]
    return prompt_for(workspace, feature_id, named)


def _program(root: Path, feature_id: str, program: ProgramConfig) -> PromptFile:
    """What stands for a prompt where a program asks: all of it, whichever model is asked."""
    folder = program_folder(root, feature_id, program)
    shown = program.url or folder.relative_to(root).as_posix()
    try:
        sha256 = program_digest(folder, program)
    except ProgramFolderError as error:
        raise UsageError(f"{shown}: {error}") from None
    return PromptFile(path=shown, text="", sha256=sha256)


_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


def prompt_problems(reading: Reading) -> Iterator[Problem]:
    """Every problem of the prompts of the features that could be read."""
    for name, entry in reading.features.items():
        if entry.config.program is not None:
            continue
        yield from _absent(reading, name, entry)
        folder = reading.root / "prompts" / name
        for path in sorted(folder.glob("*.j2")):
            yield from _template(reading, path)
            yield from _named(reading, path)


def _absent(reading: Reading, name: str, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    models = {model: known.config for model, known in reading.models.items()}
    asked = [option for _, option in named_options(entry.config)]
    if entry.config.candidates == "auto":
        data = entry.config.data
        asked += [model for model, config in models.items() if data in config.may_see]
    without = sorted(
        {
            option
            for option in asked
            if split_option(option)[0] in models
            and prompt_path(reading.root, name, option, models) is None
        }
    )
    if without:
        message = f"no prompt for {', '.join(without)}; write prompts/{name}/{DEFAULT}.j2"
        yield Problem(file=f"prompts/{name}/", line=None, key="", message=message)


def _template(reading: Reading, path: Path) -> Iterator[Problem]:
    shown = path.relative_to(reading.root).as_posix()
    try:
        text = read_text(path, shown=shown)
    except SourceError as error:
        yield from (problem_of(fault) for fault in error.faults)
        return
    if not text.strip():
        yield Problem(file=shown, line=None, key="", message="the prompt is empty")
    elif (why := check_template(text)) is not None:
        at = _LINE.fullmatch(why)
        line, message = (int(at[1]), at[2]) if at else (None, why)
        yield Problem(file=shown, line=line, key="", message=f"bad template: {message}")
    else:
        yield from _settings(shown, text)


def _settings(shown: str, text: str) -> Iterator[Problem]:
    try:
        settings_of(text)
    except PromptError as error:
        at = _LINE.fullmatch(str(error))
        yield Problem(file=shown, line=1, key="", message=at[2] if at else str(error))


def _named(reading: Reading, path: Path) -> Iterator[Problem]:
    """A file that no model, effort or family is called after would never be used."""
    families = {entry.config.family for entry in reading.models.values()}
    known = {DEFAULT, *reading.model_names, *(family for family in families if family)}
    shown = path.relative_to(reading.root).as_posix()
    if reading.all_models_named and split_option(path.stem)[0] not in known:
        message = f"no model or family is called {path.stem!r}{suggestion(path.stem, known)}"
        yield Problem(file=shown, line=None, key="", message=message, severity="warning")
    feature = reading.features[path.parent.name].config
    option = path.stem.removesuffix(TUNED)
    if is_tuned(path.stem) and feature.candidates != "auto":
        named = [name for _, name in named_options(feature)]
        if path.stem not in named and option not in {*feature.candidates, feature.incumbent}:
            message = f"not used: {option} is no candidate of {path.parent.name}"
            yield Problem(file=shown, line=None, key="", message=message, severity="warning")
